"""Fixtures and options of the whole suite."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Tests run side by side, one on each core: threads of one that wait for each other actively take the core of another. And what
# image-sized buffers are made of stays with the process, as in the program's workers.
os.environ |= {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"}
os.environ |= {"MALLOC_MMAP_THRESHOLD_": str(256 << 20), "MALLOC_TRIM_THRESHOLD_": str(512 << 20)}
# No test, and no process that a test starts, sees the keys and addresses of whoever runs it.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
_MODELS = Path(__file__).resolve().parents[1] / "ggt_studio" / "resources" / "models.toml"
for _service in tomllib.loads(_MODELS.read_text("utf-8"))["service"]:
    for _variable in (*_service.get("key_variables", ()), *_service.get("address_variables", ())):
        os.environ.pop(_variable, None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the checks with the larger counts, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    skip = pytest.mark.skip(reason="a larger count of a check that runs anyway; --long runs it")
    for item in items:
        if "long" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def environment_as_found() -> Iterator[None]:
    """What a library sets in the environment (as pyiqa's adapter keeps hubs from being asked) is not for the next test."""
    found = dict(os.environ)
    yield
    os.environ.update(found)
    for name in os.environ.keys() - found.keys():
        del os.environ[name]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of sample data beside the checkout."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the sample data (../shared/data beside the checkout) is not here")
    return folder

"""The environment's set-up: when it is left alone, when it is completed, and what its failures say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import setup_env

PYPROJECT = "[project]\nname = 'x'\nversion = '1'\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    return tmp_path


@pytest.fixture
def environment(checkout: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(checkout / ".venv")], check=True)
    return checkout / ".venv"


def test_a_complete_environment_is_left_alone(
    checkout: Path, environment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (environment / setup_env.STAMP).write_text(setup_env.stamp_text(checkout))
    before = sorted(path.stat().st_mtime_ns for path in environment.rglob("*"))
    assert setup_env.ensure(checkout) == setup_env.environment_python(environment)
    assert sorted(path.stat().st_mtime_ns for path in environment.rglob("*")) == before
    assert capsys.readouterr().err == ""


def test_another_declaration_or_place_asks_for_a_renewed_environment(checkout: Path) -> None:
    before = setup_env.stamp_text(checkout)
    (checkout / "pyproject.toml").write_text(PYPROJECT + "description = 'y'\n")
    assert setup_env.stamp_text(checkout) != before
    (checkout / "elsewhere").mkdir()
    (checkout / "elsewhere" / "pyproject.toml").write_text(PYPROJECT)
    assert setup_env.stamp_text(checkout / "elsewhere") != before


def test_an_interrupted_environment_is_completed_if_its_python_works(checkout: Path, environment: Path) -> None:
    python = setup_env.environment_python(environment)
    assert setup_env.reusable(environment, python)
    python.unlink()
    assert not setup_env.reusable(environment, python)


def test_an_environment_moved_from_elsewhere_is_made_afresh(environment: Path) -> None:
    stamp = json.loads(setup_env.stamp_text(environment.parent)) | {"place": "/somewhere/else"}
    (environment / setup_env.STAMP).write_text(json.dumps(stamp))
    assert not setup_env.reusable(environment, setup_env.environment_python(environment))


def test_pip_sees_nothing_that_leads_it_elsewhere() -> None:
    given = {"PATH": "/bin", "PYTHONPATH": "/x", "PIP_USER": "1", "PIP_TARGET": "/y", "PIP_INDEX_URL": "https://i"}
    env = setup_env.clean_environment(given)
    assert env["PATH"] == "/bin"
    assert env["PIP_INDEX_URL"] == "https://i"
    assert not {"PYTHONPATH", "PIP_USER", "PIP_TARGET"} & env.keys()


def test_failures_are_told_in_one_line(tmp_path: Path) -> None:
    log = tmp_path / "setup.log"
    network = "WARNING: Retrying ... NewConnectionError(...)\nERROR: No matching distribution found for hatchling\n"
    assert "registry cannot be reached" in setup_env.explain(network, tmp_path, log)
    full = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"
    assert "disk is full" in setup_env.explain(full, tmp_path, log)
    other = "Collecting x\nERROR: No matching distribution found for x>=9\n"
    assert "No matching distribution found for x>=9" in setup_env.explain(other, tmp_path, log)
    for output in (network, full, other, "", "odd words\n\n"):
        assert len(setup_env.explain(output, tmp_path, log).splitlines()) == 1


def set_up_without_network(checkout: Path) -> subprocess.CompletedProcess[str]:
    """The real command in a checkout of its own, with an index at a closed port."""
    scripts = Path(setup_env.__file__).parent
    (checkout / "scripts").mkdir()
    for script in scripts.glob("*.py"):
        (checkout / "scripts" / script.name).write_text(script.read_text())
    (checkout / "run.py").write_text((scripts.parent / "run.py").read_text())
    env = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    env |= {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1", "PIP_CONFIG_FILE": os.devnull}
    env |= {"NO_PROXY": "*", "no_proxy": "*"}
    command = [sys.executable, str(checkout / "run.py"), "setup"]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)


def test_without_network_the_set_up_ends_with_one_line(checkout: Path) -> None:
    answer = set_up_without_network(checkout)
    assert answer.returncode == 1
    assert "Making the environment: done" in answer.stderr
    assert "registry cannot be reached" in answer.stderr.splitlines()[-1]
    assert "Traceback" not in answer.stderr
    assert not (checkout / ".venv" / setup_env.STAMP).exists()


def test_what_an_interrupted_set_up_left_is_kept(checkout: Path, environment: Path) -> None:
    (environment / "left over").touch()
    answer = set_up_without_network(checkout)
    assert "Completing the environment: done" in answer.stderr
    assert "registry cannot be reached" in answer.stderr.splitlines()[-1]
    assert (environment / "left over").exists()


def test_the_tests_are_spread_over_the_cores_unless_the_person_says_how() -> None:
    python = Path("/x/bin/python")
    assert setup_env.test_command(python, ["-k", "rain"], cores=4)[3:] == ["-n", "4", "-k", "rain"]
    assert setup_env.test_command(python, [], cores=64)[3:] == ["-n", "8"]
    assert setup_env.test_command(python, [], cores=1)[3:] == []
    for own in (["-n", "0"], ["-n3"], ["--numprocesses=2"], ["--pdb"], ["-p", "no:xdist"]):
        assert setup_env.test_command(python, own, cores=4)[3:] == own


def test_the_demo_is_the_applications_own_command() -> None:
    command = setup_env.demo_command(Path("/x/bin/python"), ["here"])
    assert Path(command[0]).stem == "ggt-studio"
    assert command[1:] == ["demo", "here"]

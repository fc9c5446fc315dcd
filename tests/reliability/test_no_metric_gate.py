"""`run --metric-gate none`: candidates go to the judge unmeasured, the ml extra is not needed, and all of it is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from reliability.bench import QUICK, Studio
from reliability.conftest import Undisturbed


@pytest.fixture
def base_install(bench: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where torch is not installed."""
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "torch.py").write_text("raise ImportError('no torch here', name='torch')\n")
    monkeypatch.setitem(bench.environment, "PYTHONPATH", str(tmp_path / "blocked"))


@pytest.mark.usefixtures("base_install")
def test_it_needs_no_extra_and_is_on_record(bench: Studio, undisturbed: Undisturbed, tmp_path: Path) -> None:
    project = shutil.copytree(undisturbed.imported, tmp_path / "p")
    quick = QUICK[: QUICK.index("--metric-gate")]
    out, err = bench.finish(bench.start("run", project, *quick, "--limit", 2))
    assert "wait for the metric stage" in err
    assert "-m pip install " in err
    assert '"pyiqa==' in err
    assert "--metric-gate none" in err
    out, err = bench.finish(bench.start("run", project, *QUICK))
    assert "no metric gate" in out
    assert err == ""
    assert bench.ask("status", project)["funnel"] == undisturbed.funnel
    entry = bench.ask("list", project, "--state", "waiting")[0]
    assert entry["scores"]["gate"] == {
        "passed": True,
        "decided_by": "no-rule",
        "reason": "The metric gate is switched off.",
    }
    assert entry["scores"]["lq"] == entry["scores"]["hq"] == {}
    bench.ask("export", project, tmp_path / "set", "--include", "accepted")
    assert (tmp_path / "set" / "README.md").is_file()


def test_the_word_is_checked(bench: Studio, tmp_path: Path) -> None:
    process = bench.start("run", tmp_path, "--metric-gate", "strict")
    out, err = bench.finish(process, 2)
    assert out == ""
    assert "'default', 'none'" in err

"""Progress of a long command: output to the log, one line for people."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

from scripts.progress import Progress, current_activity, elapsed


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_durations_in_words() -> None:
    assert elapsed(0.4) == "0 s"
    assert elapsed(59.9) == "59 s"
    assert elapsed(187) == "3 min 07 s"


def test_what_pip_does_now() -> None:
    assert current_activity("Collecting torch>=2.10 (from ggt-studio==0.1.0)\n") == "collecting torch>=2.10"
    assert current_activity("  Downloading https://x.org/a/torch-2.15.0-cp311.whl (900 MB)") == "downloading torch"
    assert current_activity("Installing collected packages: a, b, c") == "unpacking 3 packages"
    assert current_activity("  WARNING: Location 'x' is ignored") == ""
    assert current_activity("") == ""


def test_a_finished_step_says_how_long_it_took_and_the_log_keeps_its_output(tmp_path: Path) -> None:
    stream, log = io.StringIO(), tmp_path / "build" / "setup.log"
    progress = Progress(log, stream)
    assert progress.run("Counting", [sys.executable, "-c", "print('one'); print('two')"], tmp_path, os.environ) is None
    assert stream.getvalue().splitlines() == ["[1] Counting ...", "[1] Counting: done after 0 s"]
    assert log.read_text() == "one\ntwo\n"


def test_a_failed_step_hands_out_all_it_wrote(tmp_path: Path) -> None:
    stream = io.StringIO()
    code = "import sys; print('so far'); sys.exit('no further')"
    output = Progress(tmp_path / "log", stream).run("Trying", [sys.executable, "-c", code], tmp_path, os.environ)
    assert output is not None
    assert sorted(output.splitlines()) == ["no further", "so far"]
    assert "[1] Trying: failed after" in stream.getvalue()


def test_on_a_terminal_the_line_is_rewritten(tmp_path: Path) -> None:
    stream = Terminal()
    code = "import time; print('Collecting torch', flush=True); time.sleep(1.3)"
    Progress(tmp_path / "log", stream).run("Installing", [sys.executable, "-c", code], tmp_path, os.environ)
    assert stream.getvalue().count("\n") == 1
    assert "\r\x1b[K[1] Installing: 1 s, collecting torch" in stream.getvalue()

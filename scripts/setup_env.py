"""Make or complete the checkout's own environment `.venv`, then run the demo or the tests in it."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from scripts import system_libraries
from scripts.progress import Progress

ROOT = Path(__file__).resolve().parent.parent
STAMP = "setup-stamp.json"
MAX_TEST_PROCESSES = 8
NO_NETWORK = (
    "NewConnectionError",
    "NameResolutionError",
    "ConnectTimeoutError",
    "ProxyError",
    "Failed to establish a new connection",
    "Failed to resolve",
    "Temporary failure in name resolution",
    "Network is unreachable",
)


class SetupError(Exception):
    """Why the set-up cannot go on, in one line that says what to do."""


def set_up_and_run(verb: str, arguments: Sequence[str]) -> int:
    """Complete the environment, then do the verb (`demo`, `test` or `setup`); returns the exit status."""
    _end_like_ctrl_c()
    try:
        with _one_at_a_time(ROOT):
            python = ensure(ROOT)
    except SetupError as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Run the same command again to go on from here.", file=sys.stderr)
        return 130
    if verb == "setup":
        print(f"The environment is ready: {python.parent.parent}")
        return 0
    command = demo_command(python, arguments) if verb == "demo" else test_command(python, arguments, usable_cores())
    return _hand_over(command, None if verb == "demo" and arguments else ROOT)


def demo_command(python: Path, arguments: Sequence[str]) -> list[str]:
    """The application's own demo command, in the checkout's `demo` folder where the arguments name no other."""
    script = python.with_name("ggt-studio.exe" if os.name == "nt" else "ggt-studio")
    named = any(not argument.startswith("-") for argument in arguments)
    return [str(script), "demo", *arguments, *([] if named else [str(ROOT / "demo")])]


def test_command(python: Path, arguments: Sequence[str], cores: int) -> list[str]:
    """pytest, spread over the cores unless the arguments say how or there is one core only."""
    chosen = any(argument.startswith(("-n", "--numprocesses", "--pdb", "no:xdist")) for argument in arguments)
    spread = [] if chosen or cores < 2 else ["-n", str(min(cores, MAX_TEST_PROCESSES))]
    return [str(python), "-m", "pytest", *spread, *arguments]


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ensure(root: Path) -> Path:
    """The Python of a complete `.venv` in the checkout; made, completed or renewed where it is not, else left alone."""
    folder = root / ".venv"
    python = environment_python(folder)
    stamp = folder / STAMP
    wanted = stamp_text(root)
    log = root / "build" / "setup.log"
    progress = Progress(log)
    _install_system_libraries(progress, root, log)
    if _read(stamp) == wanted and python.exists():
        return python
    _require_venv_modules()
    print(f"Setting up {folder}: several minutes and about 7 GB the first time.", file=sys.stderr)
    kept = reusable(folder, python)
    stamp.unlink(missing_ok=True)
    output = _install(progress, root, python, afresh=not kept)
    if output is not None and kept and not (no_network(output) or disk_full(output)):
        output = _install(progress, root, python, afresh=True)
    if output is not None:
        raise SetupError(explain(output, root, log))
    stamp.write_text(wanted, encoding="utf-8")
    return python


def environment_python(folder: Path) -> Path:
    """Where an environment keeps its interpreter."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def stamp_text(root: Path) -> str:
    """What a complete environment was made of: the project's declaration, the Python version and the place."""
    declared = hashlib.sha256((root / "pyproject.toml").read_bytes()).hexdigest()
    return json.dumps({"pyproject": declared, "python": _version(), "place": str(root)}, indent=1)


def _version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def reusable(folder: Path, python: Path) -> bool:
    """Whether what is in the folder can be completed: a working interpreter of this version, not moved from elsewhere."""
    stamp = _read(folder / STAMP)
    if stamp and json.loads(stamp).get("place") != str(folder.parent):
        return False
    return _ask(python, "import sys; print('%d.%d' % sys.version_info[:2])") == _version()


def clean_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The caller's environment without what would let pip install elsewhere or see other packages."""
    dropped = {"PYTHONPATH", "PYTHONHOME", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_VIRTUALENV"}
    kept = {name: value for name, value in environ.items() if name not in dropped}
    return kept | {
        "PIP_NO_INPUT": "1",
        "PIP_PROGRESS_BAR": "off",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONUTF8": "1",
    }


def no_network(output: str) -> bool:
    """Whether a command's output says that the package registry could not be reached."""
    return any(mark in output for mark in NO_NETWORK)


def disk_full(output: str) -> bool:
    """Whether a command's output says that the disk is full."""
    return "No space left on device" in output


def explain(output: str, root: Path, log: Path) -> str:
    """One line for a person out of a failed command's output."""
    if no_network(output):
        return (
            "The package registry cannot be reached. Check the network (or pip's proxy and index) and run this again."
        )
    if disk_full(output):
        return f"The disk is full: the environment needs about 7 GB in {root} and as much for pip's cache. Run this again then."
    errors = [line.strip() for line in output.splitlines() if line.lstrip().lower().startswith("error")]
    last = errors[-1] if errors else next((line for line in reversed(output.splitlines()) if line.strip()), "no output")
    return f"Setting up failed: {last} (all of it: {log})"


def _require_venv_modules() -> None:
    if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        return
    package = f"python{_version()}-venv" if shutil.which("apt-get") else "venv and ensurepip"
    how = f"sudo apt-get install -y {package}" if shutil.which("apt-get") else f"install {package} for {sys.executable}"
    raise SetupError(f"This Python lacks its venv module. Install it and run this again: {how}")


def _install_system_libraries(progress: Progress, root: Path, log: Path) -> None:
    needs = system_libraries.missing_now()
    if not needs:
        return
    if not system_libraries.may_install():
        raise SetupError(system_libraries.install_line(needs))
    update, install = system_libraries.apt_commands(needs)
    command = ["sh", "-c", f"{' '.join(update)}; exec {' '.join(install)}"]
    env = dict(os.environ) | {"DEBIAN_FRONTEND": "noninteractive"}
    if progress.run("Installing what Qt needs from the system", command, root, env) is not None:
        raise SetupError(f"{system_libraries.install_line(needs)} (apt-get failed, see {log})")


def _install(progress: Progress, root: Path, python: Path, *, afresh: bool) -> str | None:
    """Bring the environment to what pyproject.toml declares; None, or the output of the command that failed."""
    env = clean_environment()
    base = getattr(sys, "_base_executable", None) or sys.executable
    make = (
        [base, "-m", "venv", "--clear", str(root / ".venv")]
        if afresh
        else [str(python), "-m", "ensurepip", "--upgrade"]
    )
    pip = [str(python), "-m", "pip", "install"]
    commands = (
        ("Making the environment" if afresh else "Completing the environment", make),
        ("Updating pip", [*pip, "--upgrade", "pip>=25.1"]),
        ("Installing the packages", [*pip, "--prefer-binary", "--editable", ".[ml]", "--group", "dev"]),
    )
    for title, command in commands:
        output = progress.run(title, command, root, env)
        if output is not None:
            return output
    return _prefer_headless_opencv(progress, root, python, pip, env)


def _prefer_headless_opencv(
    progress: Progress, root: Path, python: Path, pip: list[str], env: Mapping[str, str]
) -> str | None:
    """Where a dependency brought opencv-python, lay opencv-python-headless over it.

    Both write the folder `cv2`; the former, once imported, points Qt at plugins of its own, which PySide6 cannot load.
    """
    probe = "from importlib.metadata import version as v; v('opencv-python'); print(v('opencv-python-headless'))"
    version = _ask(python, probe)
    if not version:
        return None
    command = [*pip, "--force-reinstall", "--no-deps", f"opencv-python-headless=={version}"]
    return progress.run("Choosing the OpenCV without windows", command, root, env)


def _ask(python: Path, code: str) -> str:
    """What a line of Python prints in an environment; empty when it fails."""
    try:
        answer = subprocess.run(
            [python, "-c", code], capture_output=True, text=True, check=False, env=clean_environment()
        )
    except OSError:
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""


@contextlib.contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    """Let two commands started together take turns; where the system has no `flock`, they do not wait."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another set-up of this checkout is running; waiting for it.", file=sys.stderr)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _end_like_ctrl_c() -> None:
    """Take pip along when this process is ended or its terminal closed; a signal that is ignored stays ignored."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def _hand_over(command: Sequence[str], folder: Path | None) -> int:
    """Become the command where the system can, so that signals and the exit status are its own."""
    if os.name != "nt":
        os.chdir(folder or Path.cwd())
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(command[0], list(command))
    return subprocess.call(command, cwd=folder)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""

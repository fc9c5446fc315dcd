"""The program and the machine: Python, the window's libraries, disks, torch with its GPUs, metrics."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ggt_studio import __version__
from ggt_studio.core.errors import MlExtraMissing, StudioError, WorkerCrashed
from ggt_studio.core.images import encode_png
from ggt_studio.pipeline.checkups.finding import Finding, absent, broken, works
from ggt_studio.providers.hooks import Worker
from ggt_studio.providers.local.proposal import GB, Gpu, Machine
from ggt_studio.providers.scratch import scratch_folder
from ggt_studio.quality.catalogue import FULL_REFERENCE, METRICS, NO_REFERENCE
from ggt_studio.settings import Settings, settings_file
from ggt_studio.worker.client import GPU_LANE, WorkerError
from ggt_studio.worker.process import environment_without_secrets

PROGRAM, DISK, TORCH = "Program", "Disk", "Torch and metrics"
_QT_WITHIN_S = 30.0
# Importing torch from a cold disk takes a minute.
_WORKER_WITHIN_S = 120.0
_LITTLE_BYTES = 1 * GB
_SIDE = 256
_QT = "from PySide6.QtWidgets import QApplication; import PySide6; QApplication([]); print(PySide6.__version__)"
# Where the NVIDIA driver of Linux says that there is a GPU, whatever torch sees.
_NVIDIA = Path("/proc/driver/nvidia/version")


def look_at_program() -> Finding:
    """Versions of the program and of Python."""
    words = (
        f"GGT Studio {__version__} with Python {platform.python_version()} on {platform.system()} ({sys.executable})"
    )
    return works(PROGRAM, "GGT Studio", words, version=__version__, python=platform.python_version())


async def look_at_window(*, has_display: bool) -> Finding:
    """Whether Qt starts, on the display where there is one; in a process of its own, as Qt may end it."""
    environment = environment_without_secrets()
    if not has_display:
        environment["QT_QPA_PLATFORM"] = "offscreen"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _QT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    try:
        async with asyncio.timeout(_QT_WITHIN_S):
            out, err = await process.communicate()
    except TimeoutError:
        return broken(
            PROGRAM, "Window", f"Qt did not start within {_QT_WITHIN_S:.0f} s", "Look at the display, or use commands."
        )
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        said = err.decode(errors="replace").strip().splitlines()
        mend = "Install what Qt needs from the system: `python3 run.py setup` in the checkout names it. Commands work without."
        return broken(PROGRAM, "Window", f"Qt does not start: {said[-1] if said else 'it said nothing'}", mend)
    version = out.decode().strip()
    if not has_display:
        return absent(PROGRAM, "Window", f"Qt {version} starts, but there is no display: commands only", qt=version)
    return works(PROGRAM, "Window", f"Qt {version} starts on this display", qt=version)


def look_at_disks(folders: Iterable[tuple[str, Path]]) -> list[Finding]:
    """Free room and the right to write where things are kept, as (what, folder); a folder may not be there yet."""
    return [_disk(what, folder) for what, folder in folders]


def places(settings: Settings, data: Path, project: Path | None) -> list[tuple[str, Path]]:
    """The folders whose disks matter: settings, models and demo, temporary files, the project or the latest one."""
    found = [
        ("Settings", settings_file().parent),
        ("Models, plugins, demo", data),
        ("Temporary files", Path(tempfile.gettempdir())),
    ]
    latest = next((Path(folder) for folder in settings.recent if Path(folder).is_dir()), None)
    if project is not None or latest is not None:
        found.append(("The project" if project else "The latest project", project or latest or Path()))
    return found


def _disk(what: str, folder: Path) -> Finding:
    place = folder.expanduser().absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        return broken(
            DISK,
            what,
            f"{folder} cannot be looked at ({error.strerror})",
            "Connect the disk, or choose another folder.",
        )
    facts = {"folder": str(folder), "free_bytes": free}
    if not os.access(place, os.W_OK):
        return broken(
            DISK, what, f"{place} cannot be written", "Change its permissions, or choose another folder.", **facts
        )
    words = f"{free / GB:.1f} GB free in {folder}"
    if free < _LITTLE_BYTES:
        return broken(DISK, what, words, "Make room: under 1 GB, runs and exports end in the midst.", **facts)
    return works(DISK, what, words, **facts)


@dataclass(frozen=True, slots=True)
class Torch:
    """What the worker said: the machine where torch works, and the findings."""

    machine: Machine | None
    findings: tuple[Finding, ...]


async def look_at_torch(worker: Worker, niqe_parameters: str) -> Torch:
    """Torch, its GPUs, and every metric, computed on a made-up picture in one worker process."""
    try:
        answer = await worker.call("gpus", {}, lane=GPU_LANE, timeout_s=_WORKER_WITHIN_S)
    except MlExtraMissing as error:
        words = "the ml extra is not installed: patches wait for the metric stage, or run with --metric-gate none"
        return Torch(None, (absent(TORCH, "Torch", words, str(error)),))
    except (WorkerCrashed, WorkerError, TimeoutError, StudioError) as error:
        return Torch(
            None, (broken(TORCH, "Torch", f"torch does not start: {_first(error)}", "Install the ml extra anew."),)
        )
    machine = Machine(tuple(Gpu(**gpu) for gpu in answer["gpus"]), answer["free_memory_bytes"], answer["quantisations"])
    return Torch(machine, (_computing(machine), *await _metrics(worker, niqe_parameters)))


def _computing(machine: Machine) -> Finding:
    version = importlib.metadata.version("torch")
    facts = {
        "torch": version,
        "gpus": [{"name": gpu.name, "bytes": gpu.total_bytes, "free_bytes": gpu.free_bytes} for gpu in machine.gpus],
        "free_memory_bytes": machine.free_memory_bytes,
    }
    if machine.gpus:
        named = "; ".join(
            f"{g.name}, {g.total_bytes / GB:.0f} GB, {g.free_bytes / GB:.0f} GB free" for g in machine.gpus
        )
        return works(TORCH, "Torch", f"torch {version} computes on {named}", **facts)
    words = f"torch {version} computes on the processor, with {machine.free_memory_bytes / GB:.0f} GB of memory free"
    if _NVIDIA.exists():
        mend = "Install a torch that was built for CUDA, and a driver that is as new as it wants."
        return broken(TORCH, "Torch", f"{words}; there is an NVIDIA driver, but torch sees no GPU", mend, **facts)
    return works(TORCH, "Torch", f"{words}; there is no GPU", **facts)


async def _metrics(worker: Worker, niqe_parameters: str) -> list[Finding]:
    """The metrics that are computed here. None of them needs weights; NIQE needs the file that the settings name."""
    niqe, findings = _niqe(niqe_parameters)
    try:
        answer = await _score(worker, niqe)
    except MlExtraMissing as error:
        return [absent(TORCH, "Metrics", "they wait for the ml extra", str(error)), *findings]
    except (WorkerCrashed, WorkerError, TimeoutError, StudioError) as error:
        return [
            broken(TORCH, "Metrics", f"they cannot be computed: {_first(error)}", "Install the ml extra anew."),
            *findings,
        ]
    scored = [METRICS[name].label for name in METRICS if name in answer["hq"] or name in answer["between"]]
    provenance = answer["provenance"]
    left_out = {name: said for name in METRICS if (said := provenance.get(name, "")).startswith("left out")}
    if niqe is not None and "niqe" in left_out:
        findings.append(broken(TORCH, "NIQE", left_out["niqe"], "Choose another parameter file in Settings."))
    missing = [METRICS[name].label for name in left_out if name != "niqe"]
    words = f"pyiqa {provenance['pyiqa']} computes {', '.join(scored)}; none needs weights"
    if missing:
        return [broken(TORCH, "Metrics", f"{words}; not {', '.join(missing)}", "Install the ml extra anew."), *findings]
    return [works(TORCH, "Metrics", words, metrics=scored, pyiqa=provenance["pyiqa"]), *findings]


def _niqe(parameters: str) -> tuple[Path | None, list[Finding]]:
    """NIQE's parameter file, and what is to be said where it cannot be used."""
    if not parameters:
        words = "its parameter file is not named, so it is left out"
        return None, [absent(TORCH, "NIQE", words, "Name it in Settings.")]
    path = Path(parameters).expanduser()
    if not path.is_file():
        mend = "Choose it again in Settings, or leave it empty."
        return None, [broken(TORCH, "NIQE", f"its parameter file {path} is not there", mend)]
    return path, []


async def _score(worker: Worker, niqe: Path | None) -> dict[str, Any]:
    noise = np.random.default_rng(0).integers(0, 256, (_SIDE, _SIDE, 3), dtype=np.uint8)
    with scratch_folder() as folder:
        lq, hq = Path(folder) / "lq.png", Path(folder) / "hq.png"
        lq.write_bytes(encode_png(noise))
        hq.write_bytes(encode_png(noise // 2))
        params = {
            "lq_path": str(lq),
            "hq_path": str(hq),
            "no_reference": list(NO_REFERENCE),
            "full_reference": list(FULL_REFERENCE),
            "niqe_parameters": str(niqe) if niqe else None,
        }
        return await worker.call("score", params, lane=GPU_LANE, timeout_s=_WORKER_WITHIN_S)


def _first(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {_WORKER_WITHIN_S:.0f} s"
    return str(error).strip().split("\n", 1)[0].rstrip(".")

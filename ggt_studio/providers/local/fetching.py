"""Ask the worker to download a model of the catalogue; where models are kept on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ggt_studio.core.errors import MlExtraMissing
from ggt_studio.core.extras import install_command
from ggt_studio.providers.catalogue import Model
from ggt_studio.providers.hooks import Worker
from ggt_studio.settings import data_folder
from ggt_studio.worker.client import DOWNLOAD_LANE
from ggt_studio.worker.process import Progress

# The client waits ten seconds at most for bytes that do not come, and then ends by itself.
_CANCEL_WITHIN_S = 15.0


@dataclass(frozen=True, slots=True)
class Download:
    """A model on the hub: bytes in all, bytes that are (or were) not here yet, the commit, and the folder's fingerprint once it
    is here."""

    bytes: int
    missing_bytes: int
    revision: str
    fingerprint: str = ""


def model_folder(model: Model) -> Path:
    """Where a model of the catalogue is kept, unless a person chooses another place."""
    return data_folder() / "models" / model.id


def is_cached(model_id: str) -> bool:
    """Whether the hub's own cache on this machine holds a model. Raises MlExtraMissing without the ml extra."""
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
    except ImportError as error:
        raise MlExtraMissing(
            f"Models on this machine need the ml extra: install it with {install_command('ml')}"
        ) from error
    try:
        snapshot_download(model_id, local_files_only=True)
    except (HFValidationError, LocalEntryNotFoundError):
        return False
    return True


async def download_size(worker: Worker, model: Model, folder: Path, *, token: str = "") -> Download:
    """What a download would bring. Raises StudioError in words; see `download.download_model`."""
    return await _ask(worker, model, folder, token, lambda _: None, only_size=True)


async def download(
    worker: Worker,
    model: Model,
    folder: Path,
    *,
    token: str = "",
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Download:
    """Bring a model into a folder; what is there already stays. `on_progress` is told `bytes`. Cancelling keeps what arrived.

    `token` is a hub account's, HF_TOKEN of the environment where it is empty; only this one call gets to know it. Raises
    StudioError in words.
    """
    return await _ask(worker, model, folder, token, on_progress, only_size=False)


async def _ask(
    worker: Worker, model: Model, folder: Path, token: str, on_progress: Callable[[Progress], None], *, only_size: bool
) -> Download:
    params = {
        "model": model.model,
        "folder": str(folder),
        "revision": model.options.get("revision", ""),
        "pipeline": model.options.get("pipeline", ""),
        "token": token or os.environ.get("HF_TOKEN", "") or None,
        "only_size": only_size,
    }
    answer = await worker.call(
        "download_model", params, lane=DOWNLOAD_LANE, on_progress=on_progress, cancel_within_s=_CANCEL_WITHIN_S
    )
    return Download(**answer)

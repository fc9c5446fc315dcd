"""Download a model from the hub into a folder: size known first, goes on where it stopped, can be cancelled. Runs in the worker."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ggt_studio.core.errors import MlExtraMissing, StudioError
from ggt_studio.core.extras import install_command
from ggt_studio.core.files import hash_file, write_error
from ggt_studio.providers.local.folder import inspect_folder
from ggt_studio.worker.job import Job

_NEVER = (".bin", ".pt", ".pth", ".ckpt", ".py", ".pickle", ".pkl", ".onnx", ".msgpack", ".h5", ".gguf")
_SPARE_BYTES = 1_000_000_000
_GB = 1_000_000_000


@dataclass(frozen=True, slots=True)
class _File:
    """A file of the model: `sha256` of its content, empty for small files, of which the hub does not say it."""

    name: str
    size: int
    sha256: str
    content_id: str

    def path(self, folder: Path) -> Path:
        return folder / self.name

    def part(self, folder: Path) -> Path:
        """Where it is until it is whole; another content has another part."""
        return folder / f"{self.name}.{hashlib.sha256(self.content_id.encode()).hexdigest()[:12]}.part"

    def is_there(self, folder: Path) -> bool:
        path = self.path(folder)
        return path.is_file() and path.stat().st_size == self.size

    def begun_bytes(self, folder: Path) -> int:
        part = self.part(folder)
        return part.stat().st_size if part.is_file() else 0


def download_model(params: dict[str, Any], job: Job) -> dict[str, Any]:
    """Worker method: bring a model into a folder.

    `params`: `model` (hub id), `folder`, `revision` (empty: the newest), `token` (None: what the hub's own login left here),
    `pipeline` (the class that it should be, or empty), `only_size`. Returns `bytes` (all that belongs to it), `missing_bytes`
    (what was not there), `revision` (the commit), and unless `only_size` the `fingerprint` of the folder. Only the pipeline's
    components are fetched: no code, and no second copy of the weights in another layout. Reports `bytes`. What has arrived stays
    when it is cancelled or the connection breaks, and the next call goes on there. HF_ENDPOINT says where the hub is.

    Raises StudioError in words: no such model, a licence to accept, no connection, no room; WriteError for the disk.
    """
    hub = _hub()
    model, folder, token = str(params["model"]), Path(params["folder"]).expanduser(), params.get("token") or None
    try:
        info = hub.HfApi(token=token).model_info(model, revision=params.get("revision") or None, files_metadata=True)
        files = _chosen(hub, info, token)
        total = sum(file.size for file in files)
        missing = [file for file in files if not file.is_there(folder)]
        missing_bytes = sum(file.size - file.begun_bytes(folder) for file in missing)
        answer = {"bytes": total, "missing_bytes": missing_bytes, "revision": info.sha}
        if params.get("only_size"):
            return answer
        _require_room(folder, missing_bytes)
        meter = _Meter(job, total, total - missing_bytes)
        for file in missing:
            job.check()
            _fetch(hub, hub.hf_hub_url(model, file.name, revision=info.sha), file, folder, token, meter)
    except hub.errors.HFValidationError as error:
        raise StudioError(f"{model} is no hub id. It has the form owner/name.") from error
    except (hub.errors.HfHubHTTPError, hub.errors.OfflineModeIsEnabled, hub.errors.LocalEntryNotFoundError) as error:
        raise StudioError(_words(hub, error, model)) from error
    except OSError as error:
        raise write_error(folder, error) from error
    except _transport_errors() as error:
        raise StudioError(_no_connection(hub, error)) from error
    return answer | {"fingerprint": inspect_folder(folder, params.get("pipeline") or "").fingerprint}


def _hub() -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.errors
        import huggingface_hub.file_download
    except ModuleNotFoundError as error:
        raise MlExtraMissing(f"Downloads wait for huggingface_hub: install it with {install_command('ml')}") from error
    return huggingface_hub


def _transport_errors() -> tuple[type[Exception], ...]:
    import httpx2

    return (httpx2.HTTPError,)


def _chosen(hub: Any, info: Any, token: str | None) -> list[_File]:
    """The files of the pipeline's components, its index and its licence."""
    siblings = {sibling.rfilename: sibling for sibling in info.siblings or ()}
    if "model_index.json" not in siblings:
        raise StudioError(f"{info.id} is no pipeline of diffusers: it has no model_index.json. Choose another model.")
    index = hub.hf_hub_download(info.id, "model_index.json", revision=info.sha, token=token)
    entries = json.loads(Path(index).read_text("utf-8"))
    parts = {name for name, entry in entries.items() if isinstance(entry, list) and None not in entry}
    chosen = []
    for name, sibling in sorted(siblings.items()):
        part, slash, _ = name.partition("/")
        named = (
            part in parts if slash else name == "model_index.json" or name.upper().startswith(("LICENSE", "LICENCE"))
        )
        if named and not name.endswith(_NEVER) and ".." not in name.split("/"):
            sha256 = sibling.lfs.sha256 if sibling.lfs else ""
            chosen.append(_File(name, sibling.size or 0, sha256, sha256 or sibling.blob_id or info.sha))
    return chosen


def _fetch(hub: Any, url: str, file: _File, folder: Path, token: str | None, meter: _Meter) -> None:
    """Bring one file: on from where it stopped, and under its name only when it is whole."""
    part = file.part(folder)
    part.parent.mkdir(parents=True, exist_ok=True)
    headers = hub.utils.build_hf_headers(token=token)
    with part.open("ab") as stream:
        hub.file_download.http_get(
            url,
            stream,
            resume_size=stream.tell(),
            headers=headers,
            expected_size=file.size,
            tqdm_class=meter.bar_class(),
        )
    if file.sha256 and hash_file(part) != file.sha256:
        part.unlink()
        raise StudioError(f"{file.name} arrived damaged and was thrown away. Download again.")
    part.replace(file.path(folder))


def _require_room(folder: Path, wanted: int) -> None:
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if wanted + _SPARE_BYTES > free:
        raise StudioError(
            f"There is no room in {folder} for {wanted / _GB:.1f} GB: {free / _GB:.1f} GB are free, and 1 GB should stay so. "
            "Make room, or choose another disk."
        )


class _Meter:
    """Adds up the bytes that the hub's own client reports as progress bars, and stops it when the job is cancelled."""

    def __init__(self, job: Job, total: int, done: int) -> None:
        self._job, self._total, self._done = job, total, done
        job.report("bytes", done, total)

    def advance(self, count: float) -> None:
        """So much more has arrived; less than nothing where a server made the client begin a file anew."""
        self._done += int(count)
        self._job.report("bytes", self._done, self._total)
        self._job.check()

    def bar_class(self) -> type:
        """A progress bar as the client wants it, which shows nothing and tells the meter."""
        from tqdm import tqdm

        meter = self

        class Bar(tqdm):
            def __init__(self, *args: Any, **options: Any) -> None:
                super().__init__(*args, **options | {"disable": True})

            def update(self, n: float | None = 1) -> bool | None:
                meter.advance(n or 0)
                return super().update(n)

        return Bar


def _words(hub: Any, error: Exception, model: str) -> str:
    errors = hub.errors
    page = f"{hub.constants.ENDPOINT}/{model}"
    match error:
        case errors.GatedRepoError():
            return (
                f"{model} has a licence that its publisher wants you to accept first: do so at {page}, then give a token of "
                "your account (HF_TOKEN) and download again."
            )
        case errors.RepositoryNotFoundError():
            return f"The hub has no model {model}, or it is private. Check its name, or give a token (HF_TOKEN) that may read it."
        case errors.RevisionNotFoundError():
            return f"The hub has no such revision of {model}. Leave it empty for the newest one."
        case errors.OfflineModeIsEnabled():
            return (
                "Downloads are switched off (HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set). Unset it and start again."
            )
        case errors.HfHubHTTPError():
            status = error.response.status_code if error.response is not None else "no status"
            if status in (401, 403):
                return (
                    f"The hub refuses {model} (status {status}). Check the token (HF_TOKEN), and the licence at {page}."
                )
            return f"The hub answered with status {status} for {model}. Try again later; what has arrived is kept."
    return _no_connection(hub, error)


def _no_connection(hub: Any, error: Exception) -> str:
    reason = str(error.__cause__ or error).split("\n", 1)[0]
    return f"The connection to {hub.constants.ENDPOINT} failed ({reason}). Download again: what has arrived is kept."

"""Scores of LQ and HQ files by metrics: pyiqa's, of which this is the one adapter, and our own; never from the network."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import math
import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ggt_studio.core.errors import MlExtraMissing, StudioError
from ggt_studio.core.extras import install_command
from ggt_studio.core.images import decode_photo
from ggt_studio.core.measures import blockiness, noise, quality, sharpness
from ggt_studio.core.sniff import read_photo
from ggt_studio.quality.catalogue import METRICS, Kind, MetricInfo

ML_EXTRA_COMMAND = install_command("ml")

_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")
_CACHED_SCORES = 4096

RgbImage = npt.NDArray[np.uint8]


def available(params: dict[str, Any]) -> dict[str, Any]:
    """Worker method: whether metrics can be computed here, found without importing torch.

    Takes no parameters. Returns `ml` (bool) and `reason` (str, empty when they can).
    """
    missing = [name for name in ("torch", "torchvision", "pyiqa") if importlib.util.find_spec(name) is None]
    if not missing:
        return {"ml": True, "reason": ""}
    return {"ml": False, "reason": _missing_words(missing)}


def score(params: dict[str, Any]) -> dict[str, Any]:
    """Worker method: the metrics of one LQ file and, where given, of its HQ and between the two.

    `params`: `lq_path`; `hq_path` (or None); `no_reference` and `full_reference`, lists of names from
    `catalogue.METRICS`; `niqe_parameters`, the path of NIQE's parameter file (or None); `device` (default "cpu").

    Returns `lq`, `hq` and `between`, each `{name: score}` in the metrics' own units, and `provenance`: the versions of
    pyiqa and torch, the device, and for each metric its variant and weights. A metric that cannot be computed on these
    images is left out of the scores, and its provenance says why. All scores are finite: pyiqa gives identical images a
    PSNR of 80 dB. One image at a time (batch size 1). Scores of the LQ are kept by the file's content.

    Raises `MlExtraMissing` where torch or pyiqa is not installed, and `StudioError` for an unknown metric or device
    and for a file that cannot be read.
    """
    no_reference = _chosen(params.get("no_reference", ()), "no-reference")
    full_reference = _chosen(params.get("full_reference", ()), "full-reference")
    scorer = _scorer(str(params.get("device") or "cpu"), params.get("niqe_parameters"))
    provenance = scorer.versions()

    lq = _Picture.read(params["lq_path"])
    hq = _Picture.read(params["hq_path"]) if params.get("hq_path") else None
    answer: dict[str, dict[str, Any]] = {"lq": {}, "hq": {}, "between": {}, "provenance": provenance}
    for info in no_reference:
        for side, picture in (("lq", lq), ("hq", hq)):
            if picture is not None:
                scorer.add(answer, side, info, (picture,))
    if hq is not None:
        for info in full_reference:
            scorer.add(answer, "between", info, (hq, lq))
    return answer


@dataclass(frozen=True, slots=True)
class _Picture:
    """A decoded file (uint8, H x W x 3, RGB) with the SHA-256 of its bytes."""

    sha256: str
    pixels: RgbImage

    @classmethod
    def read(cls, path: str | Path) -> _Picture:
        data = read_photo(Path(path))
        return cls(hashlib.sha256(data).hexdigest(), decode_photo(data, Path(path)).pixels)


class _LeftOut(Exception):
    """A metric that these images cannot be scored with; the message is the reason."""


@dataclass
class _Scorer:
    """pyiqa's metric objects on one device with one NIQE parameter file, and the scores they gave."""

    torch: Any
    pyiqa: Any
    device: Any
    niqe_parameters: Path | None
    niqe_sha256: str
    metrics: dict[str, Callable[..., float]] = field(default_factory=dict)
    scores: OrderedDict[tuple[str, ...], float] = field(default_factory=OrderedDict)

    def versions(self) -> dict[str, str]:
        return {
            "pyiqa": str(self.pyiqa.__version__),
            "torch": str(self.torch.__version__),
            "device": str(self.device),
        }

    def add(self, answer: dict[str, dict[str, Any]], side: str, info: MetricInfo, pictures: Sequence[_Picture]) -> None:
        provenance = answer["provenance"]
        try:
            answer[side][info.name] = self._score(info, pictures)
        except _LeftOut as reason:
            provenance[info.name] = f"left out: {reason}"
        else:
            provenance.setdefault(info.name, self._describe(info))

    def _score(self, info: MetricInfo, pictures: Sequence[_Picture]) -> float:
        key = (info.name, *(picture.sha256 for picture in pictures))
        if key in self.scores:
            self.scores.move_to_end(key)
            return self.scores[key]
        _refuse_sizes(info, [picture.pixels.shape[:2] for picture in pictures])
        if info.needs_parameters and self.niqe_parameters is None:
            raise _LeftOut(f"{info.label} needs its parameter file, which is not set")
        metric = self.metrics.get(info.name) or self.metrics.setdefault(info.name, self._create(info))
        tensors = [self._tensor(picture.pixels) for picture in pictures]
        try:
            with self.torch.inference_mode():
                value = float(metric(*tensors))
        except self.torch.linalg.LinAlgError as error:
            raise _LeftOut(f"{info.label} has no solution on this image, it is too uniform") from error
        if not math.isfinite(value):
            raise _LeftOut(f"{info.label} gave no finite score")
        self.scores[key] = value
        while len(self.scores) > _CACHED_SCORES:
            self.scores.popitem(last=False)
        return value

    def _tensor(self, pixels: RgbImage) -> Any:
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=np.float32) / np.float32(255)
        return self.torch.from_numpy(planes).to(self.device)

    def _create(self, info: MetricInfo) -> Callable[..., float]:
        if info.name == "entropy":
            return self._entropy
        if info.name in _OWN:
            return partial(_own, _OWN[info.name])
        if not info.needs_parameters:
            return self.pyiqa.create_metric(info.name, device=self.device)
        path = str(self.niqe_parameters)
        try:
            return self.pyiqa.create_metric(info.name, device=self.device, pretrained_model_path=path)
        except Exception as error:  # scipy's reader raises whatever the bytes of a foreign file lead it to
            raise StudioError(f"The file {path} does not hold NIQE's parameters ({error}). Choose another.") from error

    def _entropy(self, planes: Any) -> float:
        """pyiqa's entropy; its own one-hot histogram takes 2 GB for 1024 x 1024 px, a count of the 256 levels does not."""
        luma = importlib.import_module("pyiqa.utils.color_util").to_y_channel(planes, 255.0, "yiq")
        counts = self.torch.bincount(luma.long().clamp(0, 255).flatten(), minlength=256).double()
        share = counts[counts > 0] / counts.sum()
        return max(0.0, float(-(share * share.log2()).sum()))

    def _describe(self, info: MetricInfo) -> str:
        if info.needs_parameters and self.niqe_parameters is not None:
            return f"{info.variant}; {self.niqe_parameters.name}, SHA-256 {self.niqe_sha256[:12]}"
        return info.variant


_OWN: dict[str, Callable[[RgbImage], float]] = {
    "grade": quality,
    "noise": noise,
    "blockiness": blockiness,
    "sharpness": sharpness,
}
"""The metrics that are this program's own."""


def _own(measure: Callable[[RgbImage], float], planes: Any) -> float:
    """A measure of pixels, of one image (1 x 3 x H x W, 0..1)."""
    return measure((planes[0] * 255).round().byte().permute(1, 2, 0).cpu().numpy())


_scorers: dict[tuple[str, str], _Scorer] = {}
"""One scorer per device and NIQE parameter file: building the metrics takes longer than using them."""


def _scorer(device: str, niqe_parameters: str | Path | None) -> _Scorer:
    path, sha256 = None, ""
    if niqe_parameters:
        path = Path(niqe_parameters)
        if not path.is_file():
            raise StudioError(
                f"NIQE's parameter file {path} is not there. Choose it again in the settings, or leave it empty."
            )
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    key = (device, sha256)
    if key not in _scorers:
        torch, pyiqa = import_ml()
        _scorers[key] = _Scorer(torch, pyiqa, _device(torch, device), path, sha256)
    return _scorers[key]


def import_ml() -> tuple[Any, Any]:
    """torch and pyiqa, told beforehand that nothing may be downloaded."""
    for name in _OFFLINE:
        os.environ[name] = "1"
    try:
        return importlib.import_module("torch"), importlib.import_module("pyiqa")
    except ImportError as error:
        raise MlExtraMissing(_missing_words([error.name or "pyiqa"])) from error


def _missing_words(missing: Sequence[str]) -> str:
    return f"Scoring photos by metrics waits for {' and '.join(missing)}: install the ml extra with {ML_EXTRA_COMMAND}"


def _device(torch: Any, name: str) -> Any:
    usable = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not usable.get(name.split(":", maxsplit=1)[0], False):
        raise StudioError(f'The device "{name}" cannot be used on this machine. Choose "cpu" in the settings.')
    return torch.device(name)


def _chosen(names: Sequence[str], kind: Kind) -> tuple[MetricInfo, ...]:
    known = {name: info for name, info in METRICS.items() if info.kind == kind}
    for name in names:
        if name not in known:
            raise StudioError(f'"{name}" is not a {kind} metric of GGT Studio. Choose from: {", ".join(known)}.')
    return tuple(known[name] for name in dict.fromkeys(names))


def _refuse_sizes(info: MetricInfo, sizes: Sequence[Sequence[int]]) -> None:
    if len({tuple(size) for size in sizes}) > 1:
        shown = " and ".join(f"{width} x {height} px" for height, width in sizes)
        raise _LeftOut(f"{info.label} compares images of one size, these are {shown}")
    height, width = sizes[0]
    if min(height, width) < info.min_side_px:
        raise _LeftOut(
            f"{info.label} needs sides of at least {info.min_side_px} px, this image is {width} x {height} px"
        )

"""What each metric is, as data: the names people choose from, their direction, range and variant. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["no-reference", "full-reference"]


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """One metric as this program computes it.

    `range` is the span of its scores in its own units (dB for PSNR). `variant` says which of the published variants it
    is. `min_side_px` is the shortest image side it can take. `needs_parameters` marks a metric that is computed only
    when its parameter file is given: nothing is ever downloaded.
    """

    name: str
    label: str
    lower_better: bool
    kind: Kind
    range: tuple[float, float]
    variant: str
    min_side_px: int = 1
    needs_parameters: bool = False


_ALL = (
    MetricInfo("piqe", "PIQE", True, "no-reference", (0.0, 100.0), "luma, 16 px blocks", min_side_px=16),
    MetricInfo(
        "grade",
        "Grade",
        False,
        "no-reference",
        (0.0, 1.0),
        "noise, blocks, blur and contrast of the middle 512 px, as at import",
    ),
    MetricInfo(
        "noise",
        "Noise",
        True,
        "no-reference",
        (0.0, 255.0),
        "grey levels, in the flattest blocks of the middle 512 px, less what texture explains",
        min_side_px=32,
    ),
    MetricInfo(
        "blockiness",
        "Blockiness",
        True,
        "no-reference",
        (0.0, 510.0),
        "relative excess of the steps over the borders of 8 px blocks, middle 512 px",
        min_side_px=17,
    ),
    MetricInfo(
        "sharpness",
        "Sharpness",
        False,
        "no-reference",
        (0.0, 1.0),
        "share of the steps that a strong blur takes away, middle 512 px",
        min_side_px=16,
    ),
    MetricInfo(
        "entropy", "Entropy", False, "no-reference", (0.0, 8.0), "bits of the 256-bin histogram of luma (Rec. 601)"
    ),
    MetricInfo(
        "niqe",
        "NIQE",
        True,
        "no-reference",
        (0.0, 100.0),
        "Y channel, 96 px blocks, pristine parameters from the given file",
        min_side_px=192,
        needs_parameters=True,
    ),
    MetricInfo("psnr", "PSNR", False, "full-reference", (0.0, 80.0), "RGB, dB; identical images give 80 dB"),
    MetricInfo("ssim", "SSIM", False, "full-reference", (0.0, 1.0), "Y channel, 11 px Gaussian window", min_side_px=11),
    MetricInfo(
        "ms_ssim", "MS-SSIM", False, "full-reference", (0.0, 1.0), "Y channel, five scales, product", min_side_px=161
    ),
    MetricInfo("fsim", "FSIM", False, "full-reference", (0.0, 1.0), "with chroma (FSIMc)", min_side_px=16),
    MetricInfo("gmsd", "GMSD", True, "full-reference", (0.0, 1.0), "Y channel", min_side_px=16),
    MetricInfo("vif", "VIF", False, "full-reference", (0.0, 1.0), "luma, wavelet domain", min_side_px=48),
)

METRICS: dict[str, MetricInfo] = {info.name: info for info in _ALL}
"""Every metric this program can compute, by name."""

NO_REFERENCE = tuple(info.name for info in _ALL if info.kind == "no-reference")
FULL_REFERENCE = tuple(info.name for info in _ALL if info.kind == "full-reference")

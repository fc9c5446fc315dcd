"""What classical restoration of a full patch takes, against OpenCV's non-local means over the same patch; by category."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import cv2
from skimage import data

from bench.report import Figure
from ggt_studio.core.words import Category
from ggt_studio.dataset.degrade import degrade
from ggt_studio.providers.classical import restore

SIDE, ROUNDS, BOUND = 1024, 3, 3.0


def measure() -> list[Figure]:
    """Seconds of processor time over those of non-local means (21 px around, patches of 7 px), medians of rounds by turns."""
    clean = cv2.resize(data.astronaut(), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    figures = []
    for category in Category:
        lq = degrade(clean, category, 0)
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(_seconds(lambda lq=lq, category=category: restore(lq, category, frozenset(), 0)))
            theirs.append(_seconds(lambda lq=lq: cv2.fastNlMeansDenoisingColored(lq)))
        name = f"classical restoration, {category}"
        ratio = statistics.median(ours) / statistics.median(theirs)
        figures += [
            Figure(f"{name}: time over non-local means", ratio, BOUND, at_least=False, unit="x"),
            Figure(f"{name}: processor time", statistics.median(ours), None, at_least=False, unit="s"),
        ]
    return figures


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began

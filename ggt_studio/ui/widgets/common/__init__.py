"""Small parts that every page uses."""

from ggt_studio.ui.widgets.common.banner import Banner, Severity
from ggt_studio.ui.widgets.common.buttons import KeyHint, PrimaryButton, quiet_button
from ggt_studio.ui.widgets.common.empty import EmptyState
from ggt_studio.ui.widgets.common.labels import ElidedLabel, PageTitle, PathLabel
from ggt_studio.ui.widgets.common.progress import Progress, ProgressStrip
from ggt_studio.ui.widgets.common.segmented import Segment, SegmentedControl
from ggt_studio.ui.widgets.common.toast import Toast

__all__ = [
    "Banner",
    "ElidedLabel",
    "EmptyState",
    "KeyHint",
    "PageTitle",
    "PathLabel",
    "PrimaryButton",
    "Progress",
    "ProgressStrip",
    "Segment",
    "SegmentedControl",
    "Severity",
    "Toast",
    "quiet_button",
]

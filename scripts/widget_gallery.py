"""Shows every widget in its states, for the eye: `python scripts/widget_gallery.py --lq A.png --hq B.png`.

With `--save FOLDER` it writes a picture of each page instead of opening a window.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QSpinBox,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from ggt_studio.ui import theme
from ggt_studio.ui.theme import SPACE_16
from ggt_studio.ui.widgets.common import (
    Banner,
    EmptyState,
    KeyHint,
    PathLabel,
    PrimaryButton,
    Progress,
    ProgressStrip,
    Severity,
    Toast,
)
from ggt_studio.ui.widgets.compare import CompareView, Mode
from ggt_studio.ui.widgets.funnel import FunnelCounts, FunnelView
from ggt_studio.ui.widgets.grid import Badge, GridItem, PatchGrid, Tone
from ggt_studio.ui.widgets.thumbnails import ThumbKey, ThumbnailCache


def sample(blurred: bool) -> QImage:
    """A drawn stand-in for a photo, used when no files are given."""
    image = QImage(1024, 1024, QImage.Format.Format_RGB32)
    image.fill(QColor(120, 140, 150))
    painter = QPainter(image)
    for step in range(0, 1024, 32):
        painter.fillRect(step, step, 300, 24, QColor.fromHsv(step * 359 // 1024, 120, 200))
    painter.end()
    return image.scaled(256, 256).scaled(1024, 1024) if blurred else image


def compare_pages(lq: QImage, hq: QImage) -> dict[str, QWidget]:
    """The compare view in each of its modes and states."""
    pages: dict[str, QWidget] = {}
    for mode in Mode:
        view = CompareView()
        view.set_images(lq, hq)
        view.set_mode(mode)
        pages[f"compare-{mode}"] = view
    sizes, missing, broken, empty, loading = (CompareView() for _ in range(5))
    sizes.set_images(lq, hq.scaled(hq.width() * 2, hq.height() * 2))
    sizes.canvas.zoom_to(4)
    missing.set_images(lq, None)
    broken.set_images(
        lq, QImage(), hq_note="candidates/3f/3fa9.png ends in the middle of the picture. Generate it anew."
    )
    loading.show_loading()
    pages |= {"compare-zoomed": sizes, "compare-missing": missing, "compare-broken": broken}
    return pages | {"compare-empty": empty, "compare-loading": loading}


class SampleSource(QObject):
    """Patches in every state, for the grid; each fifth is still being read."""

    changed = Signal()

    def __init__(self, files: list[Path], count: int) -> None:
        super().__init__()
        self._files, self._count = files, count

    def count(self) -> int:
        return self._count

    def item(self, index: int) -> GridItem | None:
        badges = [Badge(Tone.GOOD, "Verified"), Badge(Tone.WARN, "Failed"), Badge(Tone.BAD, "Rejected"),
                  Badge(Tone.BUSY, "Generating"), Badge(Tone.NEUTRAL, "Open"), None]  # fmt: skip
        if index % 9 == 7:
            return None
        file = self._files[index % len(self._files)] if self._files else Path("no-such-photo.png")
        key = ThumbKey(hashlib.sha256(str(file).encode()).hexdigest(), str(file))
        return GridItem(index, file.name, "low-light · attempt 2 of 3", badges[index % 6], key)

    def request_range(self, first: int, last: int) -> None:
        return


def grid_pages(files: list[Path], cache: ThumbnailCache) -> dict[str, QWidget]:
    """The grid with a million patches, some chosen."""
    grid = PatchGrid(cache)
    grid.set_source(SampleSource(files, 1_000_000))
    grid.set_current(3)
    grid.selection().add(4, 6)
    return {"grid": grid}


def part_pages() -> dict[str, QWidget]:
    """The small parts and the funnel."""
    page = QWidget()
    column = QVBoxLayout(page)
    column.setSpacing(SPACE_16)
    title = QLabel("Generate")
    theme.set_text(title, theme.Text.TITLE)
    head = QHBoxLayout()
    head.addWidget(title)
    head.addStretch(1)
    head.addWidget(PrimaryButton("Start", "mdi6.play"))
    column.addLayout(head)
    for severity, text, action in (
        (Severity.INFO, "Photos stay on this machine with the classical generator.", ""),
        (Severity.WARNING, "3 calls were interrupted and may have been charged ($0.12).", "Show them"),
        (Severity.ERROR, "The project is open in another window. Close it there, then try again. " * 3, "Try again"),
    ):
        banner = Banner()
        banner.tell(severity, text, action)
        column.addWidget(banner)
    for paused in (False, True):
        strip = ProgressStrip()
        strip.set_paused(paused)
        strip.set_progress(Progress(1204, 3000, 12.4, 145, "$0.42 of $20.00", "Judging photos/IMG_2044.png"))
        column.addWidget(strip)
    funnel = FunnelView()
    funnel.set_counts(FunnelCounts(120_000, 98_412, 71_004, 60_210, 12_044, 48_166, 9_034, 212))
    column.addWidget(funnel)
    narrow = FunnelView()
    narrow.set_counts(FunnelCounts(1200, 984, 710, 602, 120, 481, 90, 1))
    narrow.setFixedWidth(340)
    column.addWidget(narrow)
    path = PathLabel("/home/anna/pictures/archive/2019/winter/very long folder name/unsorted/IMG_20190117_184402.png")
    path.setMaximumWidth(320)
    column.addWidget(path)
    column.addLayout(field_row())
    column.addStretch(1)
    toast = Toast(page)
    page.resize(900, 900)
    toast.tell("12 pairs rejected", undo=True, shown_ms=60_000)
    empty = EmptyState(
        "mdi6.image-multiple-outline", "No photos yet",
        "Bring a folder of real low-quality photos. They stay where they are and are never altered.", "Add a folder …",
    )  # fmt: skip
    return {"parts": page, "empty": empty}


def field_row() -> QHBoxLayout:
    """Ordinary Qt controls under the style sheet."""
    row = QHBoxLayout()
    combo, check, radio, spin, field = QComboBox(), QCheckBox("Keep"), QRadioButton("Rain"), QSpinBox(), QLineEdit()
    combo.addItems(["Every category", "Rain"])
    check.setChecked(True)
    radio.setChecked(True)
    field.setPlaceholderText("Filter")
    off = QPushButton("Not now")
    off.setEnabled(False)
    for widget in (combo, check, radio, spin, field, QPushButton("Export …"), off, KeyHint("A"), KeyHint("Ctrl+Z")):
        row.addWidget(widget)
    return row


def framed(page: QWidget) -> QWidget:
    """A page with the margin that the window gives it."""
    frame = QWidget()
    layout = QVBoxLayout(frame)
    layout.setContentsMargins(SPACE_16, SPACE_16, SPACE_16, SPACE_16)
    layout.addWidget(page)
    return frame


def main() -> int:
    """Open the gallery, or write it to a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--theme", choices=("dark", "light", "system"), default="dark")
    parser.add_argument("--lq", type=Path)
    parser.add_argument("--hq", type=Path)
    parser.add_argument("--photos", type=Path, help="a folder of photos for the grid")
    parser.add_argument("--width", type=int, default=1200)
    parser.add_argument("--height", type=int, default=760)
    parser.add_argument("--only", default="", help="pages whose name begins with this")
    parser.add_argument("--save", type=Path, help="write pictures to this folder")
    options = parser.parse_args()
    app = QApplication(sys.argv[:1])
    theme.apply_theme(app, options.theme)
    lq = QImage(str(options.lq)) if options.lq else sample(True)
    hq = QImage(str(options.hq)) if options.hq else sample(False)
    cache = ThumbnailCache(None)
    files = sorted(file for file in options.photos.rglob("*") if file.is_file()) if options.photos else []
    made = compare_pages(lq, hq) | grid_pages(files, cache) | part_pages()
    pages = {name: framed(page) for name, page in made.items() if name.startswith(options.only)}
    tabs = QTabWidget()
    for name, page in pages.items():
        if options.save:
            page.resize(options.width, options.height)
            page.show()
        else:
            tabs.addTab(page, name)
    if not options.save:
        tabs.resize(options.width, options.height)
        tabs.show()
        return app.exec()
    options.save.mkdir(parents=True, exist_ok=True)

    def save() -> None:
        for name, page in pages.items():
            page.grab().save(str(options.save / f"{name}-{options.theme}.png"))
        app.quit()

    QTimer.singleShot(1500, save)
    return app.exec()


if __name__ == "__main__":
    sys.exit(main())

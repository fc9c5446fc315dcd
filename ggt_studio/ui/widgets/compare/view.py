"""The one compare view: LQ against HQ in seven modes, zoom and pan locked and kept from pair to pair."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtGui import QImage, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ggt_studio.ui import theme
from ggt_studio.ui.theme import SPACE_4, SPACE_8
from ggt_studio.ui.widgets.compare import camera as cam
from ggt_studio.ui.widgets.compare.canvas import Canvas
from ggt_studio.ui.widgets.compare.difference_job import FULL_SCALE_DELTA_E, DifferenceJobs
from ggt_studio.ui.widgets.compare.keys import CompareKeys
from ggt_studio.ui.widgets.compare.layer import Layer
from ggt_studio.ui.widgets.compare.modes import Mode, Side
from ggt_studio.ui.widgets.compare.painting import Message
from ggt_studio.ui.widgets.compare.stage import Scene
from ggt_studio.ui.widgets.compare.toolbar import DEFAULT_GAIN, GAINS, CompareToolbar

DIVIDER_STEP = 0.02


class CompareView(QWidget):
    """Shows a pair; `names` are what its sides are called, LQ and HQ otherwise.

    Keys: 1-6 and F choose the mode, +/- zoom, 0 fits, 9 is 1:1, arrows pan, [ and ] move the swipe's
    divider or change the gain. Keys work where the view has the focus; a page hands its own over with `listen_to`.
    """

    mode_changed = Signal(object)
    zoom_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None, *, names: tuple[str, str] | None = None) -> None:
        super().__init__(parent)
        lq, hq = names or (self.tr("LQ"), self.tr("HQ"))
        self._names = {Side.LQ: lq, Side.HQ: hq}
        self._hq_as_made: Layer | None = None
        self._gain = DEFAULT_GAIN
        self._keys = CompareKeys(self)
        self._jobs = DifferenceJobs()
        self._jobs.ready.connect(self._difference_ready)
        self.destroyed.connect(self._jobs.forget)
        self.canvas = Canvas(Scene(None, None, dict(self._names), {}, Message("", "")))
        self.toolbar = CompareToolbar(names)
        self.readout = QLabel()
        self.readout.setAccessibleName(self.tr("Pixel under the cursor"))
        self.size_label = QLabel()
        for label in (self.readout, self.size_label):
            theme.set_text(label, theme.Text.SMALL, muted=True)
        self._lay_out()
        self._connect()
        self.setFocusProxy(self.canvas)
        self.listen_to(self.canvas)
        self.show_empty()

    def _lay_out(self) -> None:
        strip = QHBoxLayout()
        strip.setContentsMargins(SPACE_4, 0, SPACE_4, 0)
        strip.addWidget(self.readout, 1)
        strip.addWidget(self.size_label)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_8)
        layout.addWidget(self.toolbar)
        layout.addWidget(self.canvas, 1)
        layout.addLayout(strip)

    def _connect(self) -> None:
        self.toolbar.mode_chosen.connect(self.set_mode)
        self.toolbar.gain_chosen.connect(self.set_gain)
        self.toolbar.zoom_in.connect(self.zoom_in)
        self.toolbar.zoom_out.connect(self.zoom_out)
        self.toolbar.fit.connect(self.fit)
        self.toolbar.actual.connect(self.actual)
        self.canvas.hovered.connect(self._tell_pixel)
        self.canvas.camera_changed.connect(self._tell_zoom)
        self.canvas.clicked.connect(self._canvas_clicked)

    # --- what is shown -------------------------------------------------------------------------------------------

    def set_images(self, lq: QImage | None, hq: QImage | None, *, lq_note: str = "", hq_note: str = "") -> None:
        """Show a pair; mode, zoom and relative centre stay. A missing side says its note (or that it is not there yet),
        a null image that it could not be read. HQ of another size is shown at LQ's, and its label says so.
        """
        self._jobs.forget()
        lq_layer = Layer(lq) if lq is not None and not lq.isNull() else None
        hq_layer = Layer(hq) if hq is not None and not hq.isNull() else None
        if lq_layer is None and hq_layer is None and (lq is not None or hq is not None):
            self.show_broken(lq_note or hq_note)
            return
        self._hq_as_made = hq_layer
        if lq_layer and hq_layer:
            hq_layer = hq_layer.scaled_to(lq_layer.size)
        messages = {Side.LQ: self._missing(Side.LQ, lq, lq_note), Side.HQ: self._missing(Side.HQ, hq, hq_note)}
        scene = Scene(lq_layer, hq_layer, self._labels(lq_layer), messages, self.canvas.scene.message)
        self._show(replace(scene, computing=Message("mdi6.timer-sand", self.tr("Computing the difference …"))))
        self._want_difference()

    def show_empty(self, heading: str = "", sentence: str = "") -> None:
        """Nothing is chosen; says how to choose something."""
        heading = heading or self.tr("Nothing to compare yet")
        self._show_message(
            Message("mdi6.image-outline", heading, sentence or self.tr("Choose a patch to see it here."))
        )

    def show_loading(self, heading: str = "") -> None:
        """A pair is being read; zoom and centre wait for it."""
        self._show_message(Message("mdi6.timer-sand", heading or self.tr("Loading …")))

    def show_broken(self, reason: str = "") -> None:
        """The pair cannot be shown, and why."""
        reason = reason or self.tr("The file is missing, damaged or of a kind that cannot be read.")
        self._show_message(Message("mdi6.image-broken-variant", self.tr("This image cannot be shown"), reason))

    def _show_message(self, message: Message) -> None:
        self._jobs.forget()
        self._hq_as_made = None
        self._show(Scene(None, None, dict(self._names), {}, message))

    def _show(self, scene: Scene) -> None:
        self.canvas.show_scene(scene)
        size = self.canvas.image_size()
        self.size_label.setText(f"{size[0]} × {size[1]} px" if size else "")
        self.readout.clear()
        self._describe()

    def _missing(self, side: Side, image: QImage | None, note: str) -> Message:
        name = self._names[side]
        if image is None:
            return Message("mdi6.image-off-outline", note or self.tr("No {0} yet").format(name))
        heading = self.tr("{0} cannot be shown").format(name)
        return Message("mdi6.image-broken-variant", heading, note or self.tr("The file is damaged or missing."))

    def _labels(self, lq: Layer | None) -> dict[Side, str]:
        labels = dict(self._names)
        made = self._hq_as_made
        if lq and made and made.size != lq.size:
            told = self.tr("{0} · {1} × {2}, shown at {3} × {4}")
            labels[Side.HQ] = told.format(labels[Side.HQ], *made.size, *lq.size)
        return labels

    def _describe(self) -> None:
        scene = self.canvas.scene
        if self.canvas.image_size() is None:
            told = f"{scene.message.heading}. {scene.message.sentence}"
        else:
            shown = self.toolbar.words[self.canvas.effective_mode()]
            told = self.tr("{0}. {1} and {2}.").format(shown, scene.labels[Side.LQ], scene.labels[Side.HQ])
        self.canvas.setAccessibleName(self.tr("Comparison"))
        self.canvas.setAccessibleDescription(told)

    # --- mode ------------------------------------------------------------------------------------------------------

    @property
    def mode(self) -> Mode:
        """The mode chosen."""
        return self.canvas.mode

    def set_mode(self, mode: Mode) -> None:
        """Compare in another way; zoom and centre stay."""
        if mode is self.canvas.mode:
            return
        self.canvas.mode = mode
        self.toolbar.modes.set_value(mode)
        self.toolbar.show_gain(mode.is_difference)
        self._show(self.canvas.scene)
        self._want_difference()
        self.mode_changed.emit(mode)

    def flicker(self) -> None:
        """Switch to the other image in place."""
        shown = self._side_shown()
        self.canvas.flicker_side = shown.other
        if self.mode is Mode.FLICKER:
            self.canvas.update()
        else:
            self.set_mode(Mode.FLICKER)

    def _side_shown(self) -> Side:
        if self.mode is Mode.FLICKER:
            return self.canvas.flicker_side
        return Side.LQ if self.mode is Mode.LQ else Side.HQ

    def _canvas_clicked(self) -> None:
        if self.canvas.effective_mode() is Mode.FLICKER:
            self.flicker()

    @property
    def gain(self) -> int:
        """Factor by which differences are amplified."""
        return self._gain

    def set_gain(self, gain: int) -> None:
        """Amplify differences by one of `GAINS`; the perceived difference reaches full heat at 100 / gain Delta E."""
        if gain != self._gain:
            self._gain = gain
            self.toolbar.set_gain(gain)
            self._want_difference()

    def _want_difference(self) -> None:
        scene = self.canvas.scene
        if scene.lq and scene.hq and self.mode.is_difference:
            self._jobs.request(scene.lq.image, scene.hq.image, self.mode, self._gain)
            label = self.toolbar.words[self.mode] + f" ×{self._gain}"
            full_scale = FULL_SCALE_DELTA_E / self._gain
            self.canvas.show_scene(replace(scene, difference=None, difference_label=label, full_scale=full_scale))

    def _difference_ready(self, mode: Mode, gain: float, picture: QImage) -> None:
        if mode is self.mode and gain == self._gain:
            self.canvas.show_scene(replace(self.canvas.scene, difference=Layer(picture)))

    # --- zoom ------------------------------------------------------------------------------------------------------

    def zoom(self) -> float:
        """Screen pixels per image pixel."""
        return self.canvas.zoom()

    def zoom_in(self) -> None:
        """The next larger step, around the centre, up to 16x."""
        self.canvas.zoom_to(cam.rung(self.canvas.zoom(), 1))

    def zoom_out(self) -> None:
        """The next smaller step, down to the whole image."""
        self.canvas.zoom_to(cam.rung(self.canvas.zoom(), -1))

    def fit(self) -> None:
        """The whole image."""
        self.canvas.fit()

    def actual(self) -> None:
        """One image pixel per screen pixel."""
        self.canvas.zoom_to(1.0)

    def _tell_zoom(self) -> None:
        shown = self.canvas.image_size() is not None
        self.toolbar.set_zoom(self.canvas.zoom() if shown else None)
        self.zoom_changed.emit(self.canvas.zoom())

    def _tell_pixel(self, pixel: tuple[int, int] | None) -> None:
        scene = self.canvas.scene
        if pixel is None:
            self.readout.clear()
            return
        parts = [f"x {pixel[0]:>4}  y {pixel[1]:>4}"]
        for side in Side:
            layer = scene.layer(side)
            rgb = layer.rgb(*pixel) if layer else None
            if rgb is not None:
                parts.append(f"{self._names[side]}  {rgb[0]:>3} {rgb[1]:>3} {rgb[2]:>3}")
        self.readout.setText("      ".join(parts))

    def pan(self, right: float, down: float) -> bool:
        """Move the view over the image by shares of a pane; False where the whole image is visible in that direction."""
        pane = self.canvas.panes()[0]
        return self.canvas.pan_by(-right * pane.width(), -down * pane.height())

    def adjust(self, steps: int) -> bool:
        """Move the swipe's divider or change the gain by steps; False in modes that have neither."""
        if self.mode is Mode.SWIPE:
            self.canvas.set_divider(self.canvas.divider + steps * DIVIDER_STEP)
        elif self.mode.is_difference:
            self.set_gain(GAINS[min(len(GAINS) - 1, max(0, GAINS.index(self._gain) + steps))])
        else:
            return False
        return True

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A fitted image changes its zoom with the view."""
        super().resizeEvent(event)
        self._tell_zoom()

    # --- keys ------------------------------------------------------------------------------------------------------

    def listen_to(self, page: QWidget) -> None:
        """Take the view's keys wherever the focus is within `page`, unless the focused widget uses them itself."""
        page.installEventFilter(self._keys)

    def handle_key(self, event: QKeyEvent) -> bool:
        """Act on a key press or release; False where it means nothing here (arrows, while the whole image is visible)."""
        return self._keys.handle(event)

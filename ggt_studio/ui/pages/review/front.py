"""The pair in front: shown in the compare view and the panel, attempt by attempt, and whether it can be decided about."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from ggt_studio.ui.pages.review.pairs import Pair, Pairs, Picture
from ggt_studio.ui.pages.review.panel import InfoPanel
from ggt_studio.ui.pages.review.sight import Sight
from ggt_studio.ui.pages.review.words import state_badge, tr
from ggt_studio.ui.state.reviewing import reviewable
from ggt_studio.ui.state.workspace import Workspace
from ggt_studio.ui.widgets.compare import CompareView

NOT_YET = ""


class Front(QObject):
    """`changed` when another pair, attempt or record is shown."""

    changed = Signal()
    replaced = Signal(int)
    """The candidate of the pair in front, as it was shown until now, has given way to another one."""

    def __init__(self, workspace: Workspace, compare: CompareView, panel: InfoPanel) -> None:
        super().__init__()
        self._workspace, self._compare, self._panel = workspace, compare, panel
        self.pairs = Pairs(workspace)
        self.pairs.ready.connect(self._came)
        self.pairs.failed.connect(self._failed)
        self.pairs.picture_ready.connect(self._picture_came)
        self.sight = Sight(compare.canvas)
        self.patch_id: int | None = None
        self.recording: frozenset[int] = frozenset()
        self._attempt: int | None = None
        self._candidates: dict[str, Picture] = {}
        self._images: tuple[int, int] | None = None
        self._last_candidate: str | None = None

    @property
    def pair(self) -> Pair | None:
        """The pair in front, where it has been read."""
        return self.pairs.get(self.patch_id) if self.patch_id is not None else None

    def show(self, patch_id: int, ahead: Sequence[int]) -> None:
        """Put a pair in front, and have those of `ahead` ready."""
        if patch_id != self.patch_id:
            self.patch_id, self._attempt, self._candidates, self._last_candidate = patch_id, None, {}, None
            self.sight.expect(None)
        self.pairs.want([patch_id, *ahead])
        self.present()

    def clear(self) -> None:
        """No pair is in front."""
        self.patch_id = None
        self.sight.expect(None)
        self._images = None
        self._compare.show_empty()
        self.changed.emit()

    def let_go(self) -> None:
        """The page is not looked at: no pictures in memory."""
        self.pairs.close()
        self._candidates.clear()
        self.sight.expect(None)
        self._images = None

    @property
    def candidate_sha256(self) -> str | None:
        """The candidate that a decision is about, as it is shown."""
        return self.pair.sheet.details.patch.hq_sha256 if self.pair is not None else None

    # --- attempts ------------------------------------------------------------------------------------------------

    @property
    def shown_attempt(self) -> int:
        """The index of the attempt in view; -1 without any."""
        pair = self.pair
        if pair is None:
            return -1
        return self._attempt if self._attempt is not None else _current(pair)

    def choose_attempt(self, index: int) -> None:
        """Look at another attempt's candidate."""
        pair = self.pair
        if pair is not None and 0 <= index < len(pair.sheet.details.attempts):
            self._attempt = None if index == _current(pair) else index
            self.present()

    def step_attempt(self, step: int) -> None:
        """Look at the attempt before or after."""
        self.choose_attempt(self.shown_attempt + step)

    @property
    def other_attempt(self) -> bool:
        """Whether a candidate is in view that is not the one to decide about."""
        return self._attempt is not None

    def back_to_candidate(self) -> None:
        """Show the candidate that the decision is about."""
        self._attempt = None
        self.present()

    # --- showing -------------------------------------------------------------------------------------------------

    def present(self) -> None:
        """Show what is there of the pair in front."""
        pair = self.pair
        if pair is None:
            if self.patch_id is not None:
                self._images = None
                self._compare.show_loading()
                self._panel.show_pending(self.patch_id)
        else:
            replaced = self._take_candidate(pair)
            recording = pair.id in self.recording
            self._panel.show_sheet(pair.sheet, self.shown_attempt, recording=recording)
            self._show_images(pair, self._hq(pair))
            if replaced:
                self.replaced.emit(pair.id)
        self.changed.emit()

    def _take_candidate(self, pair: Pair) -> bool:
        """Note the candidate to decide about; whether it is another one than that seen before."""
        now, before = self.candidate_sha256, self._last_candidate
        if now is None or now == before:
            return False
        self._last_candidate = now
        if before is None:
            return False
        self._attempt = None
        return True

    def _hq(self, pair: Pair) -> Picture | None:
        if self._attempt is None:
            return pair.hq
        sha256 = pair.sheet.details.attempts[self._attempt].generated.target_sha256
        path = pair.sheet.hq_paths.get(sha256)
        if path is None:
            return None
        if str(path) not in self._candidates:
            self.pairs.read_candidate(path)
        return self._candidates.get(str(path))

    def _show_images(self, pair: Pair, hq: Picture | None) -> None:
        waiting = hq is None and self._attempt is not None
        if waiting:
            self._images = None
            self._compare.set_images(pair.lq.image, None, hq_note=tr("Loading …"))
            self.sight.expect(None)
            return
        subject = (pair.id, pair.sheet.details.patch.hq_sha256)
        self.sight.expect(subject if pair.whole and self._attempt is None else None)
        images = (pair.lq.image.cacheKey(), hq.image.cacheKey() if hq else 0)
        if images == self._images:
            return
        self._images = images
        hq_image = hq.image if hq else None
        lq_image = pair.lq.image if pair.lq.shown else QImage()
        self._compare.set_images(
            lq_image, hq_image, lq_note=pair.lq.problem, hq_note=hq.problem if hq else tr("There is no candidate yet")
        )

    def _came(self, patch_id: int) -> None:
        if patch_id == self.patch_id:
            self.present()

    def _failed(self, patch_id: int, why: str) -> None:
        if patch_id == self.patch_id:
            self._images = None
            self._compare.show_broken(why)
            self.changed.emit()

    def _picture_came(self, picture: Picture) -> None:
        self._candidates[str(picture.path)] = picture
        if self._attempt is not None:
            self.present()

    # --- deciding ------------------------------------------------------------------------------------------------

    def obstacle(self) -> str | None:
        """Why nothing can be decided now: a sentence, or `NOT_YET` while the pair has not been seen; None when it can."""
        pair = self.pair
        if self._workspace.read_only:
            return tr("This project is open read-only: nothing can be decided here.")
        if pair is None:
            return NOT_YET
        patch = pair.sheet.details.patch
        if not reviewable(patch.state):
            return tr("#{0} is {1}: there is nothing to decide about.").format(
                patch.id, state_badge(patch.state).word.lower()
            )
        problems = [picture.problem for picture in (pair.lq, pair.hq) if picture is not None and picture.problem]
        if problems:
            return tr("#{0} cannot be decided about: {1}").format(patch.id, problems[0])
        return None if self.sight.seen((patch.id, patch.hq_sha256)) else NOT_YET


def _current(pair: Pair) -> int:
    """The index of the attempt that the patch's state rests on; -1 where there is none."""
    found = pair.sheet.details
    return next((index for index, attempt in enumerate(found.attempts) if attempt is found.current), -1)

"""The panel beside the pair: all that is known of it, in view at once."""

from __future__ import annotations

from pathlib import PurePath

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from ggt_studio.store.review_sheet import Sheet
from ggt_studio.ui import theme
from ggt_studio.ui.pages.review.attempts import AttemptsSection
from ggt_studio.ui.pages.review.facts import FactsSection
from ggt_studio.ui.pages.review.parts import BadgeLabel, ClampedText, small
from ggt_studio.ui.pages.review.prompt import PromptSection
from ggt_studio.ui.pages.review.scores import ScoresSection
from ggt_studio.ui.pages.review.verdict import VerdictSection
from ggt_studio.ui.pages.review.words import state_badge, tr
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_12, Text
from ggt_studio.ui.vocabulary import category_name
from ggt_studio.ui.widgets.badges import Badge, Tone
from ggt_studio.ui.widgets.common import ElidedLabel

WIDTH = 336


class InfoPanel(QScrollArea):
    """`attempt_chosen` carries the index of an attempt among all of the patch's."""

    attempt_chosen = Signal(int)

    def __init__(self, generator_labels: dict[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._generator_labels = generator_labels
        self.setFixedWidth(WIDTH)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(tr("What is known of this pair"))
        self.number = QLabel()
        theme.set_text(self.number, Text.HEADING)
        self.state = BadgeLabel()
        self.category = small()
        self.photo = ElidedLabel()
        theme.set_text(self.photo, Text.SMALL, muted=True)
        self.prompt = PromptSection()
        self.prompt.full_asked.connect(self.toggle_full)
        self.full = self._revealing = False
        self.verticalScrollBar().rangeChanged.connect(self._reveal)
        self.scores = ScoresSection()
        self.verdict = VerdictSection()
        self.attempts = AttemptsSection()
        self.attempts.chosen.connect(self.attempt_chosen)
        self.facts = FactsSection()
        self._lay_out()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(SPACE_8)
        top.addWidget(self.number)
        top.addWidget(self.state)
        top.addStretch(1)
        top.addWidget(self.category)
        first = QVBoxLayout()
        first.setSpacing(SPACE_4)
        first.addLayout(top)
        first.addWidget(self.photo)
        body = QWidget()
        # Not wider than the panel, whatever the texts say.
        body.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout = QVBoxLayout(body)
        layout.setContentsMargins(SPACE_12, SPACE_8, SPACE_12, SPACE_8)
        layout.setSpacing(SPACE_12)
        layout.addLayout(first)
        layout.addWidget(self.attempts)
        layout.addWidget(self.verdict)
        layout.addWidget(self.scores)
        layout.addWidget(self.prompt)
        layout.addWidget(self.facts)
        layout.addStretch(1)
        self.setWidget(body)

    def toggle_full(self) -> None:
        """Show all texts in full, this pair's and the next ones', or clamp them again."""
        self.full = not self.full
        for text in self._body().findChildren(ClampedText):
            text.set_full(self.full)
        self.prompt.show_full(self.full)
        self._revealing = self.full

    def _reveal(self) -> None:
        """There is room for the whole prompt now: show it."""
        if self._revealing:
            self._revealing = False
            self.ensureWidgetVisible(self.prompt, 0, SPACE_8)

    def show_pending(self, patch_id: int) -> None:
        """A pair whose record is being read: its number, and the rest as it was, greyed."""
        self.number.setText(f"#{patch_id}")
        self._body().setEnabled(False)

    def show_sheet(self, sheet: Sheet, shown: int, *, recording: bool) -> None:
        """Show a pair with the attempt of index `shown`; `recording` while a decision about it is on its way to disk."""
        found = sheet.details
        patch = found.patch
        self._body().setEnabled(True)
        self.number.setText(f"#{patch.id}")
        self.state.set_badge(Badge(Tone.BUSY, tr("Recording")) if recording else state_badge(patch.state))
        self.category.setText(category_name(patch.category))
        self.photo.setText(PurePath(found.photo.path).name)
        self.photo.setToolTip(found.photo.path)
        attempt = found.attempts[shown] if 0 <= shown < len(found.attempts) else None
        made = attempt.generated if attempt else None
        original, strategy = (found.prompt.text, found.prompt.strategy) if found.prompt else ("", "")
        self.prompt.show_prompt(made.prompt if made else original, original, strategy)
        self.attempts.show_attempts(found.attempts, found.current, shown)
        self.verdict.show_verdict(attempt.judged if attempt else None, sheet.judge_rule)
        self.scores.show_scores(attempt.scored if attempt else None)
        self.facts.show_alignment(attempt.aligned if attempt else None)
        self.facts.show_generated(made, self._generator_labels.get(made.generator, made.generator) if made else "")
        self.facts.show_failures(found.failures)
        self.facts.show_reviews(sheet.reviews)

    def _body(self) -> QWidget:
        body = self.widget()
        assert body is not None
        return body

"""The rest of what is known of a pair: alignment, generator and who decided what, a line each."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from ggt_studio.core.facts import Aligned, Failed, Generated
from ggt_studio.store.review_sheet import PastReview
from ggt_studio.ui import format as numbers
from ggt_studio.ui.format import when
from ggt_studio.ui.pages.generate.words import decided_words
from ggt_studio.ui.pages.review.parts import ClampedText, heading
from ggt_studio.ui.pages.review.words import aspect_name, decision_word, reason_name, tr
from ggt_studio.ui.theme import SPACE_4, SPACE_8

REVIEWS = 2
FAILURES = 2


class FactsSection(QWidget):
    """Words on the left, facts on the right."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(SPACE_8)
        grid.setVerticalSpacing(SPACE_4)
        grid.setColumnStretch(1, 1)
        self.alignment, self.generator, self.reviews = ClampedText(2), ClampedText(2), ClampedText(REVIEWS)
        self.failures = ClampedText(FAILURES)
        self._failures_heading = heading(tr("Failed calls"))
        named = (
            (heading(tr("Alignment")), self.alignment),
            (heading(tr("Generator")), self.generator),
            (self._failures_heading, self.failures),
            (heading(tr("Reviews")), self.reviews),
        )
        for row, (word, text) in enumerate(named):
            grid.addWidget(word, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(text, row, 1)
        self.show_failures(())

    def show_failures(self, failures: Sequence[Failed]) -> None:
        """The steps of this patch that gave no result, latest first; nothing where all went well."""
        lines = [
            tr("{0} (attempt {1}). {2}").format(
                decided_words(f"{failed.step}:{failed.outcome}"), failed.attempt, failed.message
            )
            for failed in reversed(failures)
        ]
        self.failures.set_text("\n".join(lines))
        for part in (self._failures_heading, self.failures):
            part.setVisible(bool(lines))

    def show_alignment(self, aligned: Aligned | None) -> None:
        """How HQ lies over LQ, and whether the gate let it pass."""
        if aligned is None:
            self.alignment.set_text(tr("Not measured"))
            return
        found = aligned.alignment
        verdict = tr("passed") if aligned.gate.passed else tr("failed by {0}").format(aligned.gate.decided_by)
        told = tr("shift {0:.1f}, {1:.1f} px · scale {2:+z.2f} % · turn {3:+z.2f}° · correlation {4:.2f} · {5}")
        # Adding zero makes -0.0 a plain 0.
        dx, dy, turn = round(found.dx, 1) + 0.0, round(found.dy, 1) + 0.0, round(found.rotation_deg, 2) + 0.0
        scale = round(100 * (found.scale - 1), 2) + 0.0
        self.alignment.set_text(told.format(dx, dy, scale, turn, found.correlation, verdict))
        self.alignment.setToolTip(aligned.gate.reason)

    def show_generated(self, made: Generated | None, label: str) -> None:
        """What made the candidate; `label` is the generator's name for people."""
        if made is None:
            self.generator.set_text("")
            return
        # The no-break space keeps a number and its unit on one line.
        parts = [label, tr("seed {0}").format(made.seed), numbers.duration(made.seconds).replace(" ", "\u00a0")]
        if made.cost_usd:
            parts.append(numbers.money(made.cost_usd))
        if made.registration is not None:
            found = made.registration
            parts.append(
                tr("received {0} × {1} px and laid over the photo ({2})").format(
                    found.received_width, found.received_height, found.case
                )
            )
        if made.strengthened:
            names = ", ".join(aspect_name(aspect).lower() for aspect in made.strengthened)
            parts.append(tr("prompt strengthened for {0}").format(names))
        parts += made.notes
        self.generator.set_text(" · ".join(parts))

    def show_reviews(self, reviews: tuple[PastReview, ...]) -> None:
        """Who decided what and when, latest first."""
        self.reviews.set_text("\n".join(_line(past) for past in reviews) or tr("Nobody has decided yet"))


def _line(past: PastReview) -> str:
    review = past.review
    told = decision_word(review.decision)
    if review.reason:
        told += f" ({reason_name(review.reason).lower()})"
    if review.words:
        told += f": {review.words}"
    by = tr("{0} by {1}").format(when(past.at), review.reviewer) if review.reviewer else when(past.at)
    return f"{told}, {by}" + ("" if past.stands else tr(" · no longer stands"))

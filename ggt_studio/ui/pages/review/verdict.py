"""The judge's verdict: five aspects with score, bound and reason, its decision, and whether the rule agrees."""

from __future__ import annotations

from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ggt_studio.core.facts import Judged
from ggt_studio.core.recipe import JudgeRule
from ggt_studio.core.words import Aspect, Decision
from ggt_studio.ui.pages.review.parts import BadgeLabel, ClampedText, ScoreBar, heading, small
from ggt_studio.ui.pages.review.words import aspect_name, tr
from ggt_studio.ui.theme import SPACE_4, SPACE_8
from ggt_studio.ui.widgets.badges import Badge, Tone


class VerdictSection(QWidget):
    """Rows are made once; showing another verdict changes their texts."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.badge = BadgeLabel()
        self.agreement = small()
        top = QHBoxLayout()
        top.setSpacing(SPACE_8)
        top.addWidget(heading(tr("Judge")))
        top.addWidget(self.badge)
        top.addWidget(self.agreement, 1)
        self._table = QWidget()
        grid = QGridLayout(self._table)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(SPACE_8)
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(1, 1)
        self._rows: dict[Aspect, tuple[ScoreBar, QLabel, ClampedText]] = {}
        for index, aspect in enumerate(Aspect):
            bar, score, reason = ScoreBar(), small("100", muted=False, right=True), ClampedText(2, muted=True)
            score.setMinimumWidth(score.sizeHint().width())
            grid.addWidget(small(aspect_name(aspect), muted=False), 3 * index, 0)
            grid.addWidget(bar, 3 * index, 1)
            grid.addWidget(score, 3 * index, 2)
            grid.addWidget(reason, 3 * index + 1, 0, 1, 3)
            grid.setRowMinimumHeight(3 * index + 2, SPACE_4)
            self._rows[aspect] = (bar, score, reason)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_4)
        layout.addLayout(top)
        layout.addWidget(self._table)

    def show_verdict(self, judged: Judged | None, rule: JudgeRule) -> None:
        """Show a verdict against the bounds it had to reach; None where no judge was asked."""
        self._table.setVisible(judged is not None)
        self.badge.setVisible(judged is not None)
        if judged is None:
            self.agreement.setText(tr("Not asked: the candidate did not get that far."))
            return
        accepts = judged.verdict.decision is Decision.ACCEPT
        self.badge.set_badge(Badge(Tone.GOOD, tr("Accept")) if accepts else Badge(Tone.BAD, tr("Reject")))
        self.badge.setToolTip(tr("Judge: {0}").format(judged.judge))
        rule_says = tr("accepts") if judged.ruled is Decision.ACCEPT else tr("rejects")
        agrees = judged.verdict.decision is judged.ruled
        self.agreement.setText(tr("the rule agrees") if agrees else tr("but the rule {0}").format(rule_says))
        told = tr("The rule accepts when every aspect reaches {0:g} and the objects kept reach {1:g}.")
        self.agreement.setToolTip(told.format(rule.min_score, rule.min_consistency))
        for aspect, (bar, score, reason) in self._rows.items():
            scored = judged.verdict.aspects.get(aspect)
            bound = rule.min_score
            if aspect is Aspect.OBJECT_CONSISTENCY:
                bound = max(bound, rule.min_consistency)
            bar.set_score(scored.score if scored else 0.0, bound)
            low = scored is not None and scored.score < bound
            mark = "✕ " if low else ""
            score.setText(f"{mark}{scored.score:.0f}" if scored else "-")
            bar.setToolTip(tr("At least {0:g} is needed").format(bound))
            score.setToolTip(bar.toolTip())
            score.setAccessibleName(f"{aspect_name(aspect)}: {scored.score:.0f}" if scored else aspect_name(aspect))
            reason.set_text(scored.reason if scored else tr("Not scored"))

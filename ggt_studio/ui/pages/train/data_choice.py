"""What a run is trained on: pairs of the project, other pairs, clean photos, and how they are mixed."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from ggt_studio.dataset.degradations import degradation_names, load_degradation
from ggt_studio.dataset.include import Include
from ggt_studio.pipeline.training_data import DataChoice
from ggt_studio.training.compositions import DEFAULT, composition_names, load_composition
from ggt_studio.ui.format import count
from ggt_studio.ui.pages.train.folder_list import FolderList
from ggt_studio.ui.pages.train.words import tr
from ggt_studio.ui.state.training import Training
from ggt_studio.ui.theme import SPACE_8, SPACE_24
from ggt_studio.ui.widgets.common.choices import SpinBox
from ggt_studio.ui.widgets.parts import column, combo_of, heading, small_label
from ggt_studio.ui.widgets.radio_list import RadioList

_NONE, _DEGRADATION = "none", "real-esrgan"
_LARGEST_SHARE, _MOST_HELD_BACK = 100, 1000


class DataPanel(QWidget):
    """`changed` when something else is chosen, `counted` when it is known how many pairs there are."""

    changed = Signal()
    counted = Signal()

    def __init__(self, training: Training, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts: Mapping[Include, int] = {}
        self.include = RadioList(
            tr("Pairs of this project"),
            [
                (Include.VERIFIED.value, tr("Verified"), tr("Pairs that a person has accepted.")),
                (
                    Include.ACCEPTED.value,
                    tr("Accepted"),
                    tr("Also those that passed the automatic checks and still wait for a person."),
                ),
                (Include.ALL.value, tr("Without quality control"), tr("All first candidates, to compare with.")),
                (_NONE, tr("None"), tr("Only the folders below.")),
            ],
        )
        self.pairs = FolderList(
            tr("A folder of pairs"),
            tr("Add a folder of pairs …"),
            tr("A folder in which LQ and HQ lie in folders of their own (lq and hq, input and target, …)"),
            lambda folder, told: training.look_into(folder, False, told),
        )
        self.clean = FolderList(
            tr("A folder of clean photos"),
            tr("Add clean photos …"),
            tr("Good photos, which are blurred, shrunk, made noisy and compressed anew each time they are read"),
            lambda folder, told: training.look_into(folder, True, told),
        )
        self.degradation = combo_of(
            tr("How clean photos are degraded"), [(load_degradation(name).label, name) for name in degradation_names()]
        )
        self.degradation.setCurrentIndex(self.degradation.findData(_DEGRADATION))
        self.composition = combo_of(tr("Mix"), [(load_composition(name).label, name) for name in composition_names()])
        self.composition.setCurrentIndex(self.composition.findData(DEFAULT))
        self.existing, self.curated = (
            _share(tr("Samples of other pairs")),
            _share(tr("Samples of this project's pairs")),
        )
        self.held_back = SpinBox()
        self.held_back.setRange(0, _MOST_HELD_BACK)
        self.held_back.setValue(8)
        self.held_back.setAccessibleName(tr("Pairs held back for validation"))
        self.held_back.setToolTip(tr("They are never trained on; each checkpoint is measured and shown on them"))
        self.told_composition = small_label()
        self._lay_out()
        self.include.changed.connect(self._changed)
        for folders in (self.pairs, self.clean):
            folders.changed.connect(self._changed)
        for combo in (self.degradation, self.composition):
            combo.currentIndexChanged.connect(lambda _: self._changed())
        for spin in (self.existing, self.curated, self.held_back):
            spin.valueChanged.connect(lambda _: self.changed.emit())
        self._changed()

    def _lay_out(self) -> None:
        self._degraded = QWidget()
        degraded = column(self._degraded)
        degraded.addWidget(self.degradation)
        self._mix = QWidget()
        mix = column(self._mix)
        mix.addWidget(heading(tr("Mix")))
        mix.addWidget(self.composition)
        mix.addWidget(self.told_composition)
        shares = QHBoxLayout()
        shares.setSpacing(SPACE_8)
        for widget in (QLabel(tr("Others")), self.existing, QLabel(tr("to this project's")), self.curated):
            shares.addWidget(widget)
        shares.addStretch(1)
        self._shares = QWidget()
        self._shares.setLayout(shares)
        shares.setContentsMargins(0, 0, 0, 0)
        mix.addWidget(self._shares)
        held = QHBoxLayout()
        held.setSpacing(SPACE_8)
        held.addWidget(QLabel(tr("Held back to measure on")), 1)
        held.addWidget(self.held_back)
        layout = column(self)
        layout.addWidget(heading(tr("Pairs of this project")))
        layout.addWidget(self.include)
        layout.addSpacing(SPACE_8)
        layout.addWidget(heading(tr("Other pairs")))
        layout.addWidget(self.pairs)
        layout.addWidget(self.clean)
        layout.addWidget(self._degraded)
        layout.addSpacing(SPACE_8)
        layout.addWidget(self._mix)
        layout.addLayout(held)
        layout.addSpacing(SPACE_24)

    def show_counts(self, counts: Mapping[Include, int]) -> None:
        """Show how many pairs each choice takes; at first the best that has any is chosen."""
        first, before = not self._counts, self.include.value
        self._counts = counts
        for include, number in counts.items():
            self.include.set_number(include.value, count(number))
        if first:
            best = next((one for one in (Include.VERIFIED, Include.ACCEPTED) if counts[one]), None)
            self.include.set_value(best.value if best else _NONE if not any(counts.values()) else Include.ALL.value)
        if self.include.value != before:
            self._changed()
        self.counted.emit()

    @property
    def chosen(self) -> Include | None:
        """The project's pairs that are trained on."""
        return None if self.include.value == _NONE else Include(self.include.value)

    @property
    def problem(self) -> str:
        """Why there is nothing to train on; empty where there is."""
        if self.pairs.folders or self.clean.folders:
            return ""
        if self.chosen is None:
            return tr("Choose pairs of the project, a folder of pairs, or clean photos.")
        if not self._counts.get(self.chosen, 1):
            return tr("The project has no such pairs yet; choose others, or add a folder.")
        return ""

    def choice(self) -> DataChoice:
        """What is chosen."""
        composition = load_composition(self.composition.currentData())
        if not self._shares.isHidden():
            shares = {"existing_share": self.existing.value(), "curated_share": self.curated.value()}
            composition = composition.model_copy(update=shares)
        return DataChoice(
            composition,
            self.chosen,
            self.pairs.folders,
            self.clean.folders,
            self.degradation.currentData(),
            self.held_back.value(),
            {**self.pairs.quotas, **self.clean.quotas},
        )

    def _changed(self) -> None:
        self._degraded.setVisible(bool(self.clean.folders))
        self._mix.setVisible(self.chosen is not None and bool(self.pairs.folders or self.clean.folders))
        chosen = load_composition(self.composition.currentData())
        self.told_composition.setText(f"{chosen.description}.")
        self._shares.setVisible(bool(chosen.existing_share and chosen.curated_share))
        self.changed.emit()


def _share(name: str) -> SpinBox:
    spin = SpinBox()
    spin.setRange(1, _LARGEST_SHARE)
    spin.setAccessibleName(name)
    return spin

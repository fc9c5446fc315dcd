"""The bar of named recipes: choose one, keep the present choice under a name, rename it, delete it with undo."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QMenu, QPushButton, QVBoxLayout, QWidget

from ggt_studio.store.named_recipes import LONGEST_NAME, Choice
from ggt_studio.ui import theme
from ggt_studio.ui.pages.generate.words import tr
from ggt_studio.ui.theme import SPACE_4
from ggt_studio.ui.widgets.common import quiet_button
from ggt_studio.ui.widgets.common.choices import ComboBox


class RecipeNames(QWidget):
    """Tells what a person wants: `chosen` (name), `save_asked` (name), `rename_asked` (old, new), `delete_asked` (name)."""

    chosen = Signal(str)
    save_asked = Signal(str)
    rename_asked = Signal(str, str)
    delete_asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.named: dict[str, Choice] = {}
        self._renaming = ""
        heading = QLabel(tr("Recipe"))
        heading.setFont(theme.font(strong=True))
        self.combo = ComboBox()
        self.combo.setAccessibleName(tr("Recipe"))
        self.combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.combo.setMinimumContentsLength(10)
        self.combo.activated.connect(self._activated)
        heading.setBuddy(self.combo)
        self.save_button = QPushButton(tr("Save as …"))
        self.save_button.setToolTip(tr("Keep this choice under a name, to use or to try out again"))
        self.save_button.clicked.connect(lambda: self._ask_name(""))
        self.menu_button = quiet_button("mdi6.dots-vertical", tr("Rename or delete this recipe"))
        menu = QMenu(self)
        self.rename_action = menu.addAction(tr("Rename …"), lambda: self._ask_name(self.name))
        self.delete_action = menu.addAction(tr("Delete"), lambda: self.delete_asked.emit(self.name))
        self.menu_button.clicked.connect(
            lambda: menu.popup(self.menu_button.mapToGlobal(self.menu_button.rect().bottomLeft()))
        )
        self.field = _NameField()
        self.field.setMaxLength(LONGEST_NAME)
        self.field.setPlaceholderText(tr("Name of the recipe"))
        self.field.setAccessibleName(tr("Name of the recipe"))
        self.field.textChanged.connect(lambda text: self.keep.setEnabled(bool(text.strip())))
        self.field.returnPressed.connect(self._keep)
        self.field.left.connect(self._put_away)
        self.keep = QPushButton(tr("Save"))
        self.keep.clicked.connect(self._keep)
        self.cancel = QPushButton(tr("Cancel"))
        self.cancel.setProperty("quiet", True)
        self.cancel.clicked.connect(self._put_away)
        self._row, self._naming = QWidget(), QWidget()
        for holder, widgets in (
            (self._row, (self.combo, self.save_button, self.menu_button)),
            (self._naming, (self.field, self.keep, self.cancel)),
        ):
            line = QHBoxLayout(holder)
            line.setContentsMargins(0, 0, 0, 0)
            line.setSpacing(SPACE_4)
            for index, widget in enumerate(widgets):
                line.addWidget(widget, 1 if index == 0 else 0)
        self._naming.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_4)
        layout.addWidget(heading)
        layout.addWidget(self._row)
        layout.addWidget(self._naming)
        self.show_named({}, None)

    @property
    def name(self) -> str:
        """The name of the present choice; empty where it has none."""
        return self.combo.currentData() or ""

    def show_named(self, named: Mapping[str, Choice], choice: Choice | None) -> None:
        """Offer these; the one that stands for `choice` is shown as chosen."""
        self.named = dict(named)
        name = next((name for name, kept in self.named.items() if kept == choice), "")
        with QSignalBlocker(self.combo):
            self.combo.clear()
            if not name:
                self.combo.addItem(tr("Not saved"), "")
            for other in self.named:
                self.combo.addItem(other, other)
            self.combo.setCurrentIndex(max(0, self.combo.findData(name)))
        # A list of nothing but "Not saved" is no choice.
        self.combo.setEnabled(bool(self.named))
        self.menu_button.setVisible(bool(name))
        self.save_button.setVisible(not name)

    def _activated(self, _: int) -> None:
        if self.name:
            self.chosen.emit(self.name)

    def _ask_name(self, renaming: str) -> None:
        self._renaming = renaming
        self.field.setText(renaming)
        self.keep.setText(tr("Rename") if renaming else tr("Save"))
        self.keep.setEnabled(bool(renaming))
        self._row.hide()
        self._naming.show()
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)
        self.field.selectAll()

    def _keep(self) -> None:
        name = self.field.text().strip()
        if not name:
            return
        renaming = self._renaming
        self._put_away()
        if renaming:
            self.rename_asked.emit(renaming, name)
        else:
            self.save_asked.emit(name)

    def _put_away(self) -> None:
        self._naming.hide()
        self._row.show()
        (self.combo if self.combo.isEnabled() else self.save_button).setFocus(Qt.FocusReason.OtherFocusReason)


class _NameField(QLineEdit):
    """Escape leaves it."""

    left = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
            return
        super().keyPressEvent(event)

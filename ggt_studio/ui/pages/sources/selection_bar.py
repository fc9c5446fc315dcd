"""What can be done with the selected patches: hold back, release, put into a category, remove their photos."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QWidget

from ggt_studio.core.words import Category
from ggt_studio.store.tryouts import MOST_PATCHES
from ggt_studio.ui import theme
from ggt_studio.ui.format import count
from ggt_studio.ui.pages.sources.words import CATEGORY_ICONS, patches_words
from ggt_studio.ui.theme import SPACE_8, Text
from ggt_studio.ui.vocabulary import category_name

ROOM_FOR_WORDS = 1080
_ICON_ONLY, _WITH_WORD = Qt.ToolButtonStyle.ToolButtonIconOnly, Qt.ToolButtonStyle.ToolButtonTextBesideIcon


class SelectionBar(QWidget):
    """How many patches are selected, and buttons for them; each has its key and stands in the `menu` too."""

    hold_chosen = Signal()
    release_chosen = Signal()
    remove_chosen = Signal()
    tryout_chosen = Signal()
    category_chosen = Signal(object)

    def __init__(self, forbidden: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._forbidden = forbidden
        self.selected = QLabel()
        theme.set_text(self.selected, Text.SMALL, muted=True)
        self.hold_button = _button(self.tr("Hold back"), "mdi6.hand-back-right-outline", "H")
        self.hold_button.clicked.connect(self.hold_chosen)
        self.release_button = _button(self.tr("Release"), "mdi6.hand-back-right-off-outline", "Shift+H")
        self.release_button.clicked.connect(self.release_chosen)
        self.remove_button = _button(self.tr("Remove"), "mdi6.image-remove-outline", "Del")
        self.remove_button.clicked.connect(self.remove_chosen)
        self.tryout_button = _button(self.tr("Try out"), "mdi6.flask-outline", "T")
        self.tryout_button.clicked.connect(self.tryout_chosen)
        self.category_menu = QMenu(self.tr("Set category"), self)
        for category in Category:
            action = self.category_menu.addAction(theme.icon(CATEGORY_ICONS[category]), category_name(category))
            action.triggered.connect(lambda _=False, category=category: self.category_chosen.emit(category))
        self.category_button = _button(self.tr("Set category"), "mdi6.tag-outline", "")
        self.category_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.category_button.setMenu(self.category_menu)
        self.category_button.setStyleSheet(
            "QToolButton { padding-right: 24px; }"
            "QToolButton::menu-indicator { subcontrol-position: right center; right: 8px; }"
        )
        # The words must not keep the window from becoming narrow: they go when it does.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_8)
        layout.addWidget(self.selected)
        layout.addStretch(1)
        for button in self._buttons():
            layout.addWidget(button)

    def _buttons(self) -> tuple[QToolButton, ...]:
        return self.tryout_button, self.hold_button, self.release_button, self.category_button, self.remove_button

    def set_room(self, width: int) -> None:
        """How many logical pixels the page is wide; where words do not fit, icons remain."""
        for button in self._buttons():
            button.setToolButtonStyle(_WITH_WORD if width >= ROOM_FOR_WORDS else _ICON_ONLY)

    def show_selection(self, selected: int, there: int, *, held: bool, free: bool) -> None:
        """How many of the patches that are there are selected; whether one of them is `held`, or `free` to be."""
        self.selected.setText(
            self.tr("{0} of {1} selected").format(count(selected), patches_words(there))
            if selected
            else patches_words(there)
        )
        choose = self.tr("Select patches first.")
        few = 0 < selected <= MOST_PATCHES
        for button, possible, does, instead in (
            (
                self.tryout_button,
                few,
                self.tr("Try recipes on the selected patches, side by side"),
                self.tr("Select 1 to {0} patches to try recipes on.").format(MOST_PATCHES),
            ),
            (
                self.hold_button,
                free,
                self.tr("Leave the selected patches out of runs and exports; samples do not let them go"),
                self.tr("They are held by hand already.") if selected else choose,
            ),
            (
                self.release_button,
                held,
                self.tr("Let the selected patches take part in runs"),
                self.tr("Select held patches first."),
            ),
            (
                self.category_button,
                bool(selected),
                self.tr("Put the photos of the selected patches into a category"),
                choose,
            ),
            (
                self.remove_button,
                bool(selected),
                self.tr("Take the photos of the selected patches out of the project, with all their patches"),
                choose,
            ),
        ):
            button.setEnabled(possible and not self._forbidden)
            key = button.shortcut().toString(button.shortcut().SequenceFormat.NativeText)
            words = self._forbidden or (does if possible else instead)
            button.setToolTip(f"{words} ({key})" if key and possible and not self._forbidden else words)

    def menu(self) -> QMenu:
        """What can be done with the selected patches, for the right mouse button."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for button in (self.tryout_button, self.hold_button, self.release_button, None, self.remove_button):
            if button is None:
                self.category_menu.setEnabled(self.category_button.isEnabled())
                menu.addMenu(self.category_menu)
                menu.addSeparator()
                continue
            action = menu.addAction(button.icon(), button.text())
            action.setEnabled(button.isEnabled())
            action.triggered.connect(button.click)
        return menu


def _button(text: str, icon: str, key: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setAccessibleName(text)
    button.setIcon(theme.icon(icon))
    button.setToolButtonStyle(_WITH_WORD)
    if key:
        button.setShortcut(key)
    return button

"""A form for the key of one service: typed unseen, kept in the system's keyring or for this session, tested at once."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from ggt_studio.providers.catalogue import Service
from ggt_studio.providers.hosted.probe import ProbeResult
from ggt_studio.ui import theme
from ggt_studio.ui.state.offers import Offers
from ggt_studio.ui.theme import ICON_SIZE, SPACE_4, SPACE_8, Text


class KeyEntry(QWidget):
    """`given` when the key was taken, `tested` with a `ProbeResult` when the service answered, `closed` when it is put away."""

    given = Signal()
    tested = Signal(object)
    closed = Signal()

    def __init__(self, offers: Offers, *, with_link: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._offers, self._with_link = offers, with_link
        self._service: Service | None = None
        self.heading = QLabel()
        self.heading.setFont(theme.font(strong=True))
        self.heading.setWordWrap(True)
        self.fields = [self._field(), self._field()]
        self.keep = QCheckBox()
        self.keep_words = _small()
        self.save = QPushButton(self.tr("Save"))
        self.save.clicked.connect(self._save)
        self.cancel = QPushButton(self.tr("Cancel"))
        self.cancel.setProperty("quiet", True)
        self.cancel.clicked.connect(self.put_away)
        self.get = QPushButton(self.tr("Get a key"))
        self.get.setProperty("quiet", True)
        self.get.clicked.connect(self._open_key_page)
        self.told = _small()
        self._alert = QLabel()
        told = QHBoxLayout()
        told.setSpacing(SPACE_8)
        told.addWidget(self._alert, 0, Qt.AlignmentFlag.AlignTop)
        told.addWidget(self.told, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_4)
        buttons.addWidget(self.save)
        buttons.addWidget(self.cancel)
        buttons.addStretch(1)
        buttons.addWidget(self.get)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE_4, 0, SPACE_4)
        layout.setSpacing(SPACE_8)
        for part in (self.heading, *self.fields, self.keep, self.keep_words):
            layout.addWidget(part)
        layout.addLayout(told)
        layout.addLayout(buttons)
        self.hide()

    def _field(self) -> QLineEdit:
        field = QLineEdit()
        field.setEchoMode(QLineEdit.EchoMode.Password)
        hint = Qt.InputMethodHint
        field.setInputMethodHints(hint.ImhHiddenText | hint.ImhSensitiveData | hint.ImhNoPredictiveText)
        field.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        field.textChanged.connect(lambda _: self._tell())
        field.returnPressed.connect(self._save)
        return field

    @property
    def service(self) -> Service | None:
        """Whose key is asked for."""
        return self._service

    def ask(self, service: Service) -> None:
        """Show the form for a service, with the keyboard in it."""
        self._service = service
        self.heading.setText(self.tr("Key for {0}").format(service.label))
        names = (self.tr("Access key"), self.tr("Secret key")) if service.secrets > 1 else (self.tr("Key"),)
        for index, field in enumerate(self.fields):
            field.setText("")
            field.setVisible(index < len(names))
            if index < len(names):
                field.setPlaceholderText(names[index])
                field.setAccessibleName(self.tr("{0} for {1}").format(names[index], service.label))
        keyring = self._offers.keyring or ""
        self.keep.setText(self.tr("Keep in the system's keyring"))
        self.keep.setEnabled(bool(keyring))
        self.keep.setChecked(bool(keyring))
        self.keep_words.setText(
            self.tr("It is stored in {0}; otherwise until the program ends. It never goes into a project.").format(
                keyring
            )
            if keyring
            else self.tr(
                "This system has no keyring: the key serves until the program ends. It never goes into a project."
            )
        )
        self.get.setVisible(self._with_link and bool(service.key_url))
        self.get.setToolTip(service.key_url)
        self.told.hide()
        self._alert.hide()
        self._tell()
        self.show()
        self.fields[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def put_away(self) -> None:
        """Forget what was typed and hide."""
        self._clear()
        self.hide()
        self.closed.emit()

    def _clear(self) -> None:
        for field in self.fields:
            # Setting the text empties the undo history, too.
            field.setText("")

    def _typed(self) -> tuple[str, ...]:
        number = self._service.secrets if self._service else 1
        return tuple(field.text().strip() for field in self.fields[: max(1, number)])

    def _tell(self) -> None:
        self.save.setEnabled(all(self._typed()))

    def _save(self) -> None:
        service, secrets = self._service, self._typed()
        if service is None or not all(secrets):
            return
        if not all(secret.isascii() and secret.isprintable() and " " not in secret for secret in secrets):
            self._say(self.tr("There are characters in it that no key has, perhaps from copying."), alert=True)
            return
        self._clear()
        self.save.setEnabled(False)
        self._say(self.tr("Saving …"))
        self._offers.give_key(service, secrets, keep=self.keep.isChecked(), done=self._given)

    def _given(self, problem: str) -> None:
        self.given.emit()
        service = self._service
        if service is None:
            return
        self._say(f"{problem} {self.tr('Asking whether it is taken …')}".strip())
        self._offers.test_key(service, lambda result: self._tested(result, problem))

    def _tested(self, result: ProbeResult, problem: str) -> None:
        self.tested.emit(result)
        if result.ok is False or problem:
            self._say(f"{result.words} {problem}".strip(), alert=True)
        else:
            self.put_away()

    def _say(self, words: str, *, alert: bool = False) -> None:
        self.told.setText(words)
        theme.set_text(self.told, Text.SMALL, muted=not alert)
        icon = theme.icon("mdi6.alert-outline", "warn")
        self._alert.setPixmap(icon.pixmap(QSize(ICON_SIZE, ICON_SIZE), self.devicePixelRatioF()))
        self._alert.setVisible(alert)
        self.told.show()

    def _open_key_page(self) -> None:
        if self._service is not None:
            QDesktopServices.openUrl(QUrl(self._service.key_url))


def _small() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    theme.set_text(label, Text.SMALL, muted=True)
    return label

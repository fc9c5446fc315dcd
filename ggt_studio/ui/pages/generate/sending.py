"""Says once, where a hosted model is chosen, that photos will leave this machine, and under whose terms."""

from __future__ import annotations

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ggt_studio.providers.catalogue import Service
from ggt_studio.ui.pages.generate.words import tr
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_12
from ggt_studio.ui.widgets.common import Severity


class SendingNotice(QWidget):
    """`understood` carries the id of the service that a person was told of."""

    understood = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("severity", Severity.INFO.value)
        self._service: Service | None = None
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.terms = QPushButton(tr("Read the terms"))
        self.terms.setProperty("quiet", True)
        self.terms.clicked.connect(self._open_terms)
        self.button = QPushButton(tr("Understood"))
        self.button.clicked.connect(self._understood)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_4)
        buttons.addWidget(self.button)
        buttons.addWidget(self.terms)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_12, SPACE_8, SPACE_8, SPACE_8)
        layout.setSpacing(SPACE_8)
        layout.addWidget(self.words)
        layout.addLayout(buttons)
        self.hide()

    @property
    def service(self) -> Service | None:
        """Of whom it tells; None while it is hidden."""
        return self._service

    def tell(self, service: Service | None, to: str) -> None:
        """Tell that photos go to a service, `to` in words; None: nothing is to be told."""
        self._service = service
        self.setVisible(service is not None)
        if service is None:
            return
        self.words.setText(
            tr(
                "With this choice your photos leave this machine: each patch, with its prompt, is sent to {0}. What the"
                " service may do with them is in its terms. This is said once for each service."
            ).format(to)
        )
        self.terms.setVisible(bool(service.terms_url))
        self.terms.setToolTip(service.terms_url)
        self.setAccessibleName(tr("Where your photos go"))
        self.setAccessibleDescription(self.words.text())

    def _open_terms(self) -> None:
        if self._service is not None:
            QDesktopServices.openUrl(QUrl(self._service.terms_url))

    def _understood(self) -> None:
        if self._service is not None:
            self.understood.emit(self._service.id)

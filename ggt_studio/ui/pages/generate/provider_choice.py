"""One choice of a provider: the grouped list, what the chosen one does, where photos go, what it costs and what it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QSignalBlocker, QSize, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from ggt_studio.pipeline.readiness import Lack, place, service_of
from ggt_studio.providers.base import ProviderInfo
from ggt_studio.providers.catalogue import Place
from ggt_studio.providers.hooks import Services
from ggt_studio.ui import theme
from ggt_studio.ui.pages.generate.provider_list import ID, LIST_WIDTH, ProviderDelegate, list_model
from ggt_studio.ui.pages.generate.words import place_and_price, tr
from ggt_studio.ui.state.offers import Offers
from ggt_studio.ui.theme import ICON_SIZE, SPACE_4, SPACE_8, Text
from ggt_studio.ui.widgets.common.choices import ComboBox
from ggt_studio.ui.widgets.key_entry import KeyEntry

_PLACE_ICONS = {
    Place.MACHINE: "mdi6.shield-check-outline",
    Place.NETWORK: "mdi6.lan",
    Place.ELSEWHERE: "mdi6.cloud-upload-outline",
}


class ProviderChoice(QWidget):
    """`changed` carries the id that a person chose; `models_asked` that the settings of local models are wanted.

    `unit` is what is paid for, in words: `image`, `prompt`, `verdict`.
    """

    changed = Signal(str)
    models_asked = Signal()

    def __init__(
        self, label: str, unit: str, offers: Offers, services: Services | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._unit, self._offers, self._services = unit, offers, services
        self._infos: dict[str, ProviderInfo] = {}
        heading = QLabel(label)
        heading.setFont(theme.font(strong=True))
        self.combo = ComboBox()
        self.combo.setAccessibleName(label)
        self.combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.combo.setMinimumContentsLength(12)
        self.combo.setMaxVisibleItems(24)
        self.combo.setItemDelegate(ProviderDelegate(self.combo))
        self.combo.view().setMinimumWidth(LIST_WIDTH)
        heading.setBuddy(self.combo)
        self.description, self.place, self.lack = _line(), _line(), _line()
        self._place_icon, self._lack_icon = QLabel(), QLabel()
        self.terms = QToolButton()
        self.terms.setProperty("link", True)
        self.terms.setText(tr("Terms"))
        self.terms.setFont(theme.font(Text.SMALL))
        self.terms.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.terms.clicked.connect(self._open_terms)
        self.remedy = QPushButton()
        self.remedy.clicked.connect(self._remedy)
        self.key_entry = KeyEntry(offers)
        self.key_entry.closed.connect(self._tell)
        self._lack_row = QWidget()
        self._lay_out(heading)
        self.combo.currentIndexChanged.connect(self._chosen)
        offers.changed.connect(self._readiness_changed)

    def _lay_out(self, heading: QLabel) -> None:
        place_row = QHBoxLayout()
        place_row.setSpacing(SPACE_8)
        place_row.addWidget(self._place_icon, 0, Qt.AlignmentFlag.AlignTop)
        place_row.addWidget(self.place, 1)
        place_row.addWidget(self.terms, 0, Qt.AlignmentFlag.AlignTop)
        lack_row = QHBoxLayout(self._lack_row)
        lack_row.setContentsMargins(0, SPACE_4, 0, 0)
        lack_row.setSpacing(SPACE_8)
        lack_row.addWidget(self._lack_icon, 0, Qt.AlignmentFlag.AlignTop)
        lack_row.addWidget(self.lack, 1)
        lack_row.addWidget(self.remedy, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_4)
        for widget in (heading, self.combo, self.description):
            layout.addWidget(widget)
        layout.addLayout(place_row)
        layout.addWidget(self._lack_row)
        layout.addWidget(self.key_entry)

    # --- the choice ----------------------------------------------------------------------------------------------

    def set_providers(self, providers: Mapping[str, Any], default: str) -> None:
        """Offer these; the choice stays where it can, otherwise it is `default`, otherwise the first."""
        wanted = self.value or default
        self._infos = {key: provider.info for key, provider in providers.items()}
        self._fill()
        self.set_value(wanted if wanted in self._infos else default)

    def _fill(self) -> None:
        with QSignalBlocker(self.combo):
            model = list_model(self._infos.values(), self._services, self._offers.readiness, self._unit)
            model.setParent(self.combo)
            self.combo.setModel(model)

    @property
    def value(self) -> str:
        """The id of the chosen provider; empty when there is none."""
        return self.combo.currentData(ID) or ""

    @property
    def info(self) -> ProviderInfo | None:
        """What is known of the chosen provider."""
        return self._infos.get(self.value)

    @property
    def lacking(self) -> Lack:
        """What the chosen provider has not got, as far as is known."""
        readiness = self._offers.readiness
        return readiness.lack(self.info)[0] if readiness and self.info else Lack.NOTHING

    def set_value(self, provider_id: str) -> None:
        """Choose without `changed`; an id that is not there any more leaves the choice as it is."""
        index = self.combo.findData(provider_id, ID)
        if index < 0 and not self.value:
            index = next((row for row in range(self.combo.count()) if self.combo.itemData(row, ID)), -1)
        if index >= 0:
            with QSignalBlocker(self.combo):
                self.combo.setCurrentIndex(index)
        self._tell()

    def _chosen(self) -> None:
        self.key_entry.put_away()
        self._tell()
        self.changed.emit(self.value)

    def _readiness_changed(self) -> None:
        wanted = self.value
        if not self.combo.view().isVisible():
            self._fill()
            self.set_value(wanted)

    # --- what is said of it --------------------------------------------------------------------------------------

    def _tell(self) -> None:
        info = self.info
        self.description.setText(info.description if info else "")
        self.description.setVisible(bool(self.description.text()))
        self.place.setText(place_and_price(info, self._unit, self._where()) if info else "")
        self.place.setVisible(bool(info))
        self.terms.setVisible(bool(self._terms_url()))
        self.terms.setToolTip(self._terms_url())
        self._place_icon.setPixmap(self._icon(_PLACE_ICONS[self._where()], "muted"))
        self._tell_lack()
        told = (self.description.text(), self.place.text(), self.lack.text())
        self.combo.setAccessibleDescription(" ".join(part for part in told if part))

    def _where(self) -> Place:
        return place(self._services, self.info)[0] if self.info else Place.MACHINE

    def _tell_lack(self) -> None:
        readiness, info = self._offers.readiness, self.info
        lack, words = readiness.lack(info) if readiness and info else (Lack.NOTHING, "")
        service = service_of(self._services, info) if self._services and info else None
        if lack is Lack.KEY and service is not None:
            words = tr("It needs your key for {0}.").format(service.label)
        self.lack.setText(words if lack is not Lack.NOTHING else "")
        self.remedy.setText(
            {
                Lack.KEY: tr("Enter key"),
                Lack.REFUSED: tr("Replace key"),
                Lack.MODEL: tr("Get it"),
                Lack.EXTRA: tr("How"),
            }.get(lack, "")
        )
        self._lack_icon.setPixmap(self._icon("mdi6.alert-outline", "warn"))
        self._lack_row.setVisible(lack is not Lack.NOTHING and self.key_entry.isHidden())

    def _icon(self, name: str, role: theme.ColourRole) -> Any:
        return theme.icon(name, role).pixmap(QSize(ICON_SIZE, ICON_SIZE), self.devicePixelRatioF())

    def _terms_url(self) -> str:
        info, services = self.info, self._services
        if info is None or services is None or not info.leaves_machine:
            return ""
        model, service = services.catalogue.models.get(info.id), service_of(services, info)
        return (model.terms_url if model else "") or (service.terms_url if service else "")

    def _open_terms(self) -> None:
        QDesktopServices.openUrl(QUrl(self._terms_url()))

    def _remedy(self) -> None:
        service = service_of(self._services, self.info) if self._services and self.info else None
        if self.lacking in (Lack.KEY, Lack.REFUSED) and service is not None:
            self.key_entry.ask(service)
            self._tell_lack()
        else:
            self.models_asked.emit()


def _line() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    theme.set_text(label, Text.SMALL, muted=True)
    return label

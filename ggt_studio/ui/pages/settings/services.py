"""The hosted services: whether each has its key, from where; enter, test and remove it; a person's own limits."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QSpinBox, QToolButton, QVBoxLayout, QWidget

from ggt_studio.pipeline.readiness import Readiness
from ggt_studio.providers.catalogue import Catalogue, Place, Service, place_of, reach_of
from ggt_studio.providers.hosted.faults import host_of
from ggt_studio.providers.hosted.probe import ProbeResult
from ggt_studio.providers.keys import KeySource
from ggt_studio.ui import theme
from ggt_studio.ui.pages.settings.section import Section, explanation
from ggt_studio.ui.state.offers import Offers
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_16
from ggt_studio.ui.widgets.common.choices import SpinBox
from ggt_studio.ui.widgets.key_entry import KeyEntry

LIMITS = ("requests_per_minute", "images_per_minute", "concurrency")
_FIELD_WIDTH = 480


class ServicesSection(Section):
    """`limits_changed` carries all limits that are a person's own, by service."""

    limits_changed = Signal(object)

    def __init__(self, offers: Offers, limits: dict[str, dict[str, Any]], parent: QWidget | None = None) -> None:
        super().__init__(
            self.tr("Services and keys"),
            self.tr(
                "Hosted models need a key of your own. A key is kept in the system's keyring or until the program ends; it"
                " never goes into a project, a log or a message."
            ),
            parent,
        )
        self._offers = offers
        self._limits = {key: dict(value) for key, value in limits.items()}
        self.rows: dict[str, ServiceRow] = {}
        self._rows = QVBoxLayout()
        self._rows.setSpacing(self._layout.spacing())
        self._layout.addLayout(self._rows)
        self.keyring = explanation()
        self.add_wide(self.keyring)
        offers.changed.connect(self._show)
        self._show()

    def _add_rows(self) -> None:
        """A row for each service that has none yet: servers can be added while the page is open."""
        catalogue = self._offers.catalogue
        for service in catalogue.services.values():
            if service.protocol != "diffusers" and service.id not in self.rows:
                address, limits = self._offers.address(service), self._limits.get(service.id, {})
                row = self.rows[service.id] = ServiceRow(self._offers, service, catalogue, address, limits)
                row.limits_changed.connect(lambda values, key=service.id: self._take_limits(key, values))
                self._rows.addWidget(row)

    def _show(self) -> None:
        self._add_rows()
        readiness = self._offers.readiness
        for row in self.rows.values():
            row.show_state(readiness)
        name = self._offers.keyring
        self.keyring.setVisible(name is not None)
        self.keyring.setText(
            self.tr("The keyring of this system: {0}.").format(name)
            if name
            else self.tr("This system has no keyring. Keys can be set in the environment, or entered for one session.")
        )

    def _take_limits(self, service_id: str, values: dict[str, int]) -> None:
        others = {key: value for key, value in self._limits.get(service_id, {}).items() if key not in LIMITS}
        self._limits[service_id] = {**others, **values}
        if not self._limits[service_id]:
            del self._limits[service_id]
        self.limits_changed.emit({key: dict(value) for key, value in self._limits.items()})


class ServiceRow(QWidget):
    """One service. `limits_changed` carries those limits that are not the catalogue's."""

    limits_changed = Signal(object)

    def __init__(
        self, offers: Offers, service: Service, catalogue: Catalogue, address: str, limits: dict[str, Any]
    ) -> None:
        super().__init__()
        self._offers, self._service = offers, service
        models = [model.label for model in catalogue.models.values() if model.service == service.id]
        self.name = QLabel(service.label)
        self.name.setFont(theme.font(strong=True))
        self.state = QLabel()
        self.state.setTextFormat(Qt.TextFormat.PlainText)
        self.enter = QPushButton()
        self.enter.clicked.connect(self._ask)
        self.test = QPushButton(self.tr("Test"))
        self.test.setToolTip(
            self.tr("Asks {0} whether it takes the key, by a request that costs nothing").format(service.label)
        )
        self.test.clicked.connect(self._test)
        self.remove = QPushButton(self.tr("Remove"))
        self.remove.clicked.connect(self._forget)
        for button in (self.enter, self.test, self.remove):
            button.setAccessibleDescription(service.label)
        self.told = explanation()
        self.told.hide()
        self.entry = KeyEntry(offers, with_link=False)
        for field in self.entry.fields:
            field.setMaximumWidth(_FIELD_WIDTH)
        self.entry.tested.connect(self._tested)
        top = QHBoxLayout()
        top.setSpacing(SPACE_8)
        top.addWidget(self.name)
        top.addSpacing(SPACE_8)
        top.addWidget(self.state, 1)
        for button in (self.enter, self.test, self.remove):
            top.addWidget(button)
        about = ", ".join(models)
        by_way_of = place_of(address) is not Place.ELSEWHERE
        where = {
            Place.MACHINE: self.tr("on this machine ({0})"),
            Place.NETWORK: self.tr("in your network ({0})"),
            Place.ELSEWHERE: self.tr("photos go to {1} by way of {0}") if by_way_of else self.tr("photos go to {0}"),
        }[reach_of(service, address)].format(host_of(address), service.label)
        lines = explanation(f"{about or self.tr('No models')}: {where}.")
        self.limits = LimitsForm(catalogue, service, limits)
        self.limits.changed.connect(self.limits_changed)
        self.limits.hide()
        self.limits_button = _link(self.tr("Limits"))
        self.limits_button.setCheckable(True)
        self.limits_button.toggled.connect(self.limits.setVisible)
        links = QHBoxLayout()
        links.setSpacing(SPACE_8)
        for word, url in ((self.tr("Get a key"), service.key_url), (self.tr("Terms"), service.terms_url)):
            if url:
                links.addWidget(_link(word, url))
        links.addWidget(self.limits_button)
        links.addStretch(1)
        below = QVBoxLayout()
        below.setContentsMargins(0, 0, 0, SPACE_8)
        below.setSpacing(SPACE_4)
        below.addWidget(lines)
        below.addLayout(links)
        for part in (self.told, self.entry, self.limits):
            below.addWidget(part)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE_4, 0, 0)
        layout.setSpacing(SPACE_4)
        layout.addLayout(top)
        layout.addLayout(below)
        self.show_state(None)

    def show_state(self, readiness: Readiness | None) -> None:
        """Where the key was found; None: it is being looked for."""
        service = self._service
        source = readiness.keys.get(service.id) if readiness else None
        variables = self.tr(" and ").join(service.key_variables[: service.secrets])
        words = {
            KeySource.KEYRING: self.tr("Key in the keyring"),
            KeySource.SESSION: self.tr("Key for this session"),
            KeySource.ENVIRONMENT: self.tr("Key in the environment ({0})").format(variables),
        }
        needs = bool(service.key_variables)
        if readiness is None:
            told = self.tr("Looking …")
        elif source is not None:
            told = words[source]
        else:
            told = self.tr("No key") if needs else self.tr("Needs no key")
        self.state.setText(told)
        theme.set_text(self.state, theme.Text.BODY, muted=True)
        self.enter.setText(
            self.tr("Replace") if source in (KeySource.KEYRING, KeySource.SESSION) else self.tr("Enter key")
        )
        self.enter.setVisible(needs)
        self.test.setVisible(source is not None or not needs)
        self.remove.setVisible(source in (KeySource.KEYRING, KeySource.SESSION))

    def _ask(self) -> None:
        self.told.hide()
        self.entry.ask(self._service)

    def _test(self) -> None:
        self.test.setEnabled(False)
        self._say(self.tr("Asking {0} …").format(self._service.label))
        self._offers.test_key(self._service, self._tested)

    def _tested(self, result: ProbeResult) -> None:
        self.test.setEnabled(True)
        if self.entry.isHidden() or result.ok is not False:
            self._say(result.words)

    def _forget(self) -> None:
        self._offers.forget_key(self._service, lambda problem: self._say(problem or self.tr("The key is removed.")))

    def _say(self, words: str) -> None:
        self.told.setText(words)
        self.told.show()


class LimitsForm(QWidget):
    """A person's own limits of a service; `changed` carries those that are set."""

    changed = Signal(object)

    def __init__(self, catalogue: Catalogue, service: Service, limits: dict[str, Any]) -> None:
        super().__init__()
        first = next((m for m in catalogue.models.values() if m.service == service.id), None)
        words = {
            "requests_per_minute": self.tr("Requests a minute"),
            "images_per_minute": self.tr("Images a minute"),
            "concurrency": self.tr("At once"),
        }
        self.boxes: dict[str, QSpinBox] = {}
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE_16)
        grid.setVerticalSpacing(SPACE_4)
        for column, (key, word) in enumerate(words.items()):
            usual = getattr(first.limits, key) if first else 0
            box = self.boxes[key] = SpinBox()
            box.setRange(0, 100_000)
            box.setSpecialValueText(self.tr("Usual ({0})").format(usual) if usual else self.tr("Not set"))
            box.setAccessibleName(f"{service.label}: {word}")
            box.setKeyboardTracking(False)
            box.setMinimumWidth(128)
            with QSignalBlocker(box):
                box.setValue(int(limits.get(key, 0)))
            box.valueChanged.connect(lambda _: self._changed())
            label = QLabel(word)
            label.setBuddy(box)
            theme.set_text(label, theme.Text.SMALL, muted=True)
            grid.addWidget(label, 0, column)
            grid.addWidget(box, 1, column)
        grid.setColumnStretch(len(words), 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE_4, 0, SPACE_4)
        layout.setSpacing(SPACE_8)
        layout.addLayout(grid)
        layout.addWidget(
            explanation(
                self.tr(
                    "Your account's limits, for each model of the service. Where none is set, refusals teach how"
                    " fast the service may be asked. Takes effect when the project is opened again."
                )
            )
        )

    def _changed(self) -> None:
        self.changed.emit({key: box.value() for key, box in self.boxes.items() if box.value()})


def _link(word: str, url: str = "") -> QToolButton:
    button = QToolButton()
    button.setProperty("link", True)
    button.setText(word)
    button.setFont(theme.font(theme.Text.SMALL))
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setStyleSheet(
        "QToolButton { padding: 0; } QToolButton:checked:!focus { background: transparent; border-color: transparent; }"
    )
    if url:
        button.setToolTip(url)
        button.clicked.connect(lambda: QDesktopServices.openUrl(QUrl(url)))
    return button

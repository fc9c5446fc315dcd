"""The settings page: what a person prefers, what is installed, and where everything is kept."""

from __future__ import annotations

import asyncio
import platform
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import PySide6
from PySide6.QtCore import Qt, Signal, qVersion
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from ggt_studio import __version__
from ggt_studio.core.errors import describe
from ggt_studio.providers.registry import PluginInfo, find_plugins
from ggt_studio.settings import Settings, Theme, account_name, data_folder, models_file, settings_file
from ggt_studio.ui import theme
from ggt_studio.ui.pages.base import Page
from ggt_studio.ui.pages.settings.local_models import LocalModelsSection
from ggt_studio.ui.pages.settings.measuring import MeasuringSection
from ggt_studio.ui.pages.settings.own_models import OwnModelsSection
from ggt_studio.ui.pages.settings.plugins import PluginsSection
from ggt_studio.ui.pages.settings.section import Place, Section, explanation
from ggt_studio.ui.pages.settings.services import ServicesSection
from ggt_studio.ui.pages.settings.spending import SpendingSection
from ggt_studio.ui.state.local_models import LocalModels
from ggt_studio.ui.state.workspace import Workspace
from ggt_studio.ui.theme import SPACE_16, SPACE_24, SPACE_32
from ggt_studio.ui.widgets.common import PageTitle, Segment, SegmentedControl
from ggt_studio.worker.client import available_cores

COLUMN = 760
ML_PACKAGES = ("torch", "pyiqa")


class SettingsPage(Page):
    """Everything takes effect at once, but what says that it waits for the project to be opened again."""

    settings_changed = Signal(object)
    """New `Settings`"""

    def __init__(self, workspace: Workspace, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(workspace, parent)
        self._settings = settings
        self.theme = SegmentedControl(
            [
                Segment("dark", self.tr("Dark"), "mdi6.weather-night"),
                Segment("light", self.tr("Light"), "mdi6.white-balance-sunny"),
                Segment("system", self.tr("As the system"), "mdi6.theme-light-dark"),
            ],
            self.tr("Theme"),
        )
        self.theme.set_value(settings.theme)
        self.theme.changed.connect(self._choose_theme)
        self.reviewer = QLineEdit(settings.reviewer)
        self.reviewer.setPlaceholderText(account_name())
        self.reviewer.setFixedWidth(320)
        self.reviewer.editingFinished.connect(lambda: self._change(reviewer=self.reviewer.text().strip()))
        self.measuring = MeasuringSection(settings, min(available_cores(), 8))
        self.measuring.niqe_changed.connect(lambda path: self._change(niqe_parameters=path))
        self.measuring.processes_changed.connect(lambda number: self._change(worker_processes=number))
        self.plugins = PluginsSection(data_folder() / "plugins")
        self.plugins.changed.connect(lambda ids: self._change(enabled_plugins=ids))
        services = workspace.session.services
        self.services = ServicesSection(workspace.offers, settings.limits)
        self.services.limits_changed.connect(lambda limits: self._change(limits=limits))
        self.local = LocalModels(workspace, settings.local_models)
        self.local.chosen_changed.connect(lambda chosen: self._change(local_models=chosen))
        self.local_models = LocalModelsSection(self.local)
        self.own_models = OwnModelsSection(models_file(), services.catalogue)
        self.own_models.added.connect(lambda _: workspace.offers.take_up_added())
        self.spending = SpendingSection(settings.budget_usd)
        self.spending.changed.connect(lambda usd: self._change(budget_usd=usd))
        self._lay_out()
        workspace.tasks.spawn(asyncio.to_thread(find_plugins), self._show_plugins)
        workspace.tasks.spawn(
            self._ask_about_extra(), on_error=lambda e: self.measuring.show_extra_unknown(describe(e))
        )

    def _lay_out(self) -> None:
        title = PageTitle(self.tr("Settings"))
        column = QWidget()
        column.setMaximumWidth(COLUMN)
        down = QVBoxLayout(column)
        down.setContentsMargins(0, SPACE_16, SPACE_16, SPACE_24)
        down.setSpacing(SPACE_32)
        sections = (self._personal(), self.services, self.local_models, self.own_models, self.spending)
        for section in (*sections, self.measuring, self.plugins, self._places(), self._versions()):
            down.addWidget(section)
        down.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inside = QWidget()
        inside.setAutoFillBackground(False)
        across = QHBoxLayout(inside)
        across.setContentsMargins(0, 0, 0, 0)
        across.addWidget(column, 100)
        across.addStretch(1)
        scroll.setWidget(inside)
        scroll.viewport().setAutoFillBackground(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_16, SPACE_16, SPACE_16, 0)
        layout.setSpacing(0)
        layout.addWidget(title)
        layout.addWidget(scroll, 1)
        self.setFocusProxy(self.theme.button(self.theme.value))

    def _personal(self) -> Section:
        section = Section(self.tr("You"))
        section.add(self.tr("Theme"), self.theme)
        section.add(
            self.tr("Reviewer"),
            self.reviewer,
            self.tr("Your name goes with each of your decisions. Empty: the name of your account."),
        )
        return section

    def _places(self) -> Section:
        section = Section(self.tr("Where things are kept"))
        section.add(self.tr("This project"), Place(self.workspace.folder))
        section.add(self.tr("Settings"), Place(settings_file()))
        section.add(self.tr("Demo and plugins"), Place(data_folder()))
        return section

    def _versions(self) -> Section:
        section = Section(self.tr("About"))
        words = f"GGT Studio {__version__} · Python {platform.python_version()} · Qt {qVersion()} · PySide6 {PySide6.__version__}"
        label = explanation(words)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        section.add(self.tr("Versions"), label)
        return section

    def activated(self) -> None:
        """Keys may have come or gone meanwhile."""
        self.workspace.offers.look()
        self.local.look()

    # --- what is there ---------------------------------------------------------------------------------------------

    def _show_plugins(self, found: list[PluginInfo]) -> None:
        self.plugins.show_plugins(found, self._settings.enabled_plugins, self.workspace.session.registry.problems)

    async def _ask_about_extra(self) -> None:
        answer = await self.workspace.session.pool.call("metrics_available", {})
        versions = await asyncio.to_thread(_versions_of, ML_PACKAGES)
        self.measuring.show_extra(there=bool(answer["ml"]), reason=str(answer["reason"]), versions=versions)

    # --- changing ----------------------------------------------------------------------------------------------------

    def _choose_theme(self, choice: Theme) -> None:
        app = QApplication.instance()
        if isinstance(app, QApplication):
            theme.apply_theme(app, choice)
        # Else the ring stays on the segment that had it, and two look chosen.
        self.setFocusProxy(self.theme.button(choice))
        self.theme.button(choice).setFocus()
        self._change(theme=choice)

    def _change(self, **fields: Any) -> None:
        changed = replace(self._settings, **fields)
        if changed != self._settings:
            self._settings = changed
            self.settings_changed.emit(changed)


def _versions_of(packages: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found

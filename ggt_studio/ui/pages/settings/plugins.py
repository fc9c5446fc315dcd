"""The plugins that are there: what each is, whether it is enabled, and what went wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ggt_studio.providers.registry import PluginInfo
from ggt_studio.ui import theme
from ggt_studio.ui.pages.settings.section import Place, Section, explanation
from ggt_studio.ui.theme import ICON_SIZE, SPACE_4, SPACE_8, SPACE_24


class PluginsSection(Section):
    """`changed` carries the ids of the enabled plugins."""

    changed = Signal(tuple)

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(
            self.tr("Plugins"),
            self.tr(
                "A plugin adds generators, prompt strategies or judges. It is a program that runs with all your rights: it can"
                " read, send and delete any of your files. Enable only what you trust. Changes take effect when the"
                " project is opened again."
            ),
            parent,
        )
        self.rows: dict[str, PluginRow] = {}
        self._enabled: tuple[str, ...] = ()
        self._list = QVBoxLayout()
        self._list.setSpacing(SPACE_8)
        holder = QWidget()
        holder.setLayout(self._list)
        self._list.setContentsMargins(0, 0, 0, 0)
        self.add_wide(holder)
        self.restart = explanation(self.tr("Close the project and open it again to use the changed plugins."))
        self.restart.hide()
        self.add_wide(self.restart)
        self.add(self.tr("Your own plugins go into"), Place(folder))

    def show_plugins(self, found: Sequence[PluginInfo], enabled: Sequence[str], problems: Mapping[str, str]) -> None:
        """Show these, with what went wrong when the project was opened (plugin id -> message)."""
        self._enabled = tuple(enabled)
        known = {plugin.id for plugin in found}
        gone = [PluginInfo(i, Path(), i, "", self.tr("Its folder is gone.")) for i in enabled if i not in known]
        for plugin in (*found, *gone):
            row = self.rows[plugin.id] = PluginRow(
                plugin, plugin.id in enabled, problems.get(plugin.id, plugin.problem)
            )
            row.box.toggled.connect(lambda on, plugin_id=plugin.id: self._toggle(plugin_id, on))
            self._list.addWidget(row)
        if not self.rows:
            self._list.addWidget(explanation(self.tr("There are none.")))

    def _toggle(self, plugin_id: str, on: bool) -> None:
        others = tuple(i for i in self._enabled if i != plugin_id)
        self._enabled = (*others, plugin_id) if on else others
        self.restart.show()
        self.changed.emit(self._enabled)


class PluginRow(QWidget):
    """One plugin."""

    def __init__(self, plugin: PluginInfo, enabled: bool, problem: str) -> None:
        super().__init__()
        self.box = QCheckBox(plugin.label)
        self.box.setFont(theme.font(strong=True))
        self.box.setChecked(enabled)
        self.box.setAccessibleDescription(plugin.description)
        self.problem = QLabel(problem)
        self.problem.setWordWrap(True)
        below = QVBoxLayout()
        below.setContentsMargins(SPACE_24, 0, 0, 0)
        below.setSpacing(SPACE_4)
        if plugin.description:
            below.addWidget(explanation(plugin.description))
        if problem:
            icon = QLabel()
            icon.setPixmap(theme.icon("mdi6.alert", "warn").pixmap(ICON_SIZE, ICON_SIZE))
            line = QHBoxLayout()
            line.setSpacing(SPACE_8)
            line.addWidget(icon)
            line.addWidget(self.problem, 1)
            below.addLayout(line)
        if plugin.folder.name:
            below.addWidget(Place(plugin.folder))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_4)
        layout.addWidget(self.box)
        layout.addLayout(below)

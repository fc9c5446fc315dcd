"""The settings page: preferences, plugins, where files are kept, versions."""

from ggt_studio.ui.pages.settings.page import SettingsPage

__all__ = ["SettingsPage"]

"""Makes a page when it is first shown, and loads its code then."""

from __future__ import annotations

from collections.abc import Callable

from ggt_studio.settings import Settings
from ggt_studio.ui.pages.base import Page
from ggt_studio.ui.state.workspace import Workspace


def make_page(
    name: str,
    workspace: Workspace,
    settings: Settings,
    remember: Callable[[Settings], None],
) -> Page:
    """The page of this name over `workspace`; the settings page tells `remember` what was changed.

    Raises KeyError for a name that is no page's.
    """
    match name:
        case "sources":
            from ggt_studio.ui.pages.sources import SourcesPage

            return SourcesPage(workspace)
        case "generate":
            from ggt_studio.ui.pages.generate import GeneratePage

            return GeneratePage(workspace)
        case "review":
            from ggt_studio.ui.pages.review import ReviewPage

            return ReviewPage(workspace)
        case "dataset":
            from ggt_studio.ui.pages.dataset import DatasetPage

            return DatasetPage(workspace)
        case "train":
            from ggt_studio.ui.pages.train import TrainPage

            return TrainPage(workspace)
        case "settings":
            from ggt_studio.ui.pages.settings import SettingsPage

            page = SettingsPage(workspace, settings)
            page.settings_changed.connect(remember)
            return page
        case _:
            raise KeyError(name)

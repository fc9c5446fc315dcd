"""The sources page: import photos, look at their patches, put categories right, sample."""

from ggt_studio.ui.pages.sources.page import SourcesPage

__all__ = ["SourcesPage"]

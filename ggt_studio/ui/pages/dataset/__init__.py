"""The page on which pairs are exported as a dataset."""

from ggt_studio.ui.pages.dataset.page import DatasetPage

__all__ = ["DatasetPage"]

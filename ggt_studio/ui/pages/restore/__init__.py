"""The restore page."""

from ggt_studio.ui.pages.restore.page import RestorePage

__all__ = ["RestorePage"]

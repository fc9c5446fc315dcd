"""The page on which recipes are run over patches."""

from ggt_studio.ui.pages.generate.page import GeneratePage

__all__ = ["GeneratePage"]

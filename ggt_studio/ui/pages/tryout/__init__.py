"""The try-out: recipes on a few patches, side by side, before spending on all."""

from ggt_studio.ui.pages.tryout.view import TryoutView

__all__ = ["TryoutView"]

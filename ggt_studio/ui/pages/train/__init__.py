"""The train page."""

from ggt_studio.ui.pages.train.page import TrainPage

__all__ = ["TrainPage"]

"""The review page: people decide about pairs by keyboard."""

from ggt_studio.ui.pages.review.page import ReviewPage

__all__ = ["ReviewPage"]

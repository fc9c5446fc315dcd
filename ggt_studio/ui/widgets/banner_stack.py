"""Banners one below another over the pages; what is said already is not said twice."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from ggt_studio.ui.widgets.common import Banner, Severity


class BannerStack(QWidget):
    """Takes no room while nothing is told."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(1)
        self.hide()

    def tell(
        self, severity: Severity, message: str, action: str = "", on_action: Callable[[], None] | None = None
    ) -> None:
        """Show a banner until it is dismissed; `on_action` is called after it has gone."""
        if any(banner.message.text() == message for banner in self.banners()):
            return
        banner = Banner()
        banner.dismissed.connect(lambda: self._take_away(banner))
        if on_action is not None:
            banner.triggered.connect(banner.dismiss)
            banner.triggered.connect(on_action)
        self._layout.addWidget(banner)
        banner.tell(severity, message, action)
        self.show()

    def banners(self) -> list[Banner]:
        """What is said now, oldest first."""
        items = [self._layout.itemAt(index) for index in range(self._layout.count())]
        return [widget for item in items if item is not None and isinstance(widget := item.widget(), Banner)]

    def withdraw(self, message: str) -> None:
        """Take away what is no longer so; nothing where it is not said."""
        for banner in self.banners():
            if banner.message.text() == message:
                self._take_away(banner)

    def clear(self) -> None:
        """Take all banners away."""
        for banner in self.banners():
            self._take_away(banner)

    def _take_away(self, banner: Banner) -> None:
        self._layout.removeWidget(banner)
        banner.hide()
        banner.deleteLater()
        self.setVisible(bool(self.banners()))

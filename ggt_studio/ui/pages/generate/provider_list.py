"""The list that a provider is chosen from: groups by where photos go, and per row its price and what it lacks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPalette, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QApplication, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from ggt_studio.pipeline.readiness import Lack, Readiness, place, service_of
from ggt_studio.providers.base import ProviderInfo
from ggt_studio.providers.catalogue import Place
from ggt_studio.providers.hooks import Services
from ggt_studio.ui import theme
from ggt_studio.ui.pages.generate.words import price_words, tr
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_16, Text

ID, PRICE, LACK = (Qt.ItemDataRole.UserRole + n for n in range(3))
LIST_WIDTH = 420


@dataclass(frozen=True, slots=True)
class Group:
    """Providers with which photos go to the same place."""

    heading: str
    infos: tuple[ProviderInfo, ...]


def groups_of(infos: Iterable[ProviderInfo], services: Services | None) -> list[Group]:
    """What stays on this machine first, then what stays in the network, then each hosted service."""
    found: dict[tuple[int, str], list[ProviderInfo]] = {}
    for info in infos:
        where, to = place(services, info)
        service = service_of(services, info) if services else None
        match where:
            case Place.MACHINE:
                key = (0, tr("On this machine"))
            case Place.NETWORK:
                key = (1, tr("In your network"))
            case _:
                key = (2, tr("Photos go to {0}").format(service.label if service else to))
        found.setdefault(key, []).append(info)
    return [Group(heading, tuple(members)) for (_, heading), members in sorted(found.items(), key=lambda g: g[0][0])]


def list_model(
    infos: Iterable[ProviderInfo], services: Services | None, readiness: Readiness | None, unit: str
) -> QStandardItemModel:
    """The rows: a heading that cannot be chosen for each group, where there are several, and its providers."""
    model = QStandardItemModel()
    groups = groups_of(infos, services)
    for group in groups:
        if len(groups) > 1:
            heading = QStandardItem(group.heading)
            heading.setFlags(Qt.ItemFlag.NoItemFlags)
            model.appendRow(heading)
        for info in group.infos:
            lack = readiness.lack(info)[0] if readiness else Lack.NOTHING
            row = QStandardItem(info.label)
            row.setData(info.id, ID)
            row.setData(price_words(info, unit), PRICE)
            row.setData(lack_words(lack), LACK)
            row.setToolTip(info.description)
            told = ", ".join(
                part for part in (info.label, group.heading, price_words(info, unit), lack_words(lack)) if part
            )
            row.setData(told, Qt.ItemDataRole.AccessibleTextRole)
            model.appendRow(row)
    return model


def lack_words(lack: Lack) -> str:
    """What a provider has not got, in a word or two."""
    return {
        Lack.NOTHING: "",
        Lack.KEY: tr("needs a key"),
        Lack.REFUSED: tr("key refused"),
        Lack.MODEL: tr("not downloaded"),
        Lack.EXTRA: tr("needs the ml extra"),
    }[lack]


class ProviderDelegate(QStyledItemDelegate):
    """Paints a row: the name, what it lacks, the price at the right; a heading small and muted."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Headings have some room above them."""
        height = QFontMetrics(theme.font()).height() + SPACE_8
        is_heading = index.data(ID) is None
        return QSize(LIST_WIDTH, height + (SPACE_8 if is_heading and index.row() else 0))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """One row."""
        inside: QRect = option.rect.adjusted(SPACE_8, 0, -SPACE_8, 0)  # type: ignore[attr-defined]
        painter.save()
        if index.data(ID) is None:
            small = theme.font(Text.SMALL, strong=True)
            painter.setFont(small)
            painter.setPen(theme.tokens().colour("muted"))
            line = inside.adjusted(0, 0, 0, -SPACE_4)
            painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, str(index.data()))
            painter.restore()
            return
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)  # type: ignore[attr-defined]
        background = QStyleOptionViewItem(option)
        background.text = ""  # type: ignore[attr-defined]
        QApplication.style().drawPrimitive(
            QStyle.PrimitiveElement.PE_PanelItemViewItem,
            background,
            painter,
            option.widget,  # type: ignore[attr-defined]
        )
        colours = theme.tokens()
        if chosen:
            painter.fillRect(option.rect, option.palette.color(QPalette.ColorRole.Highlight))  # type: ignore[attr-defined]
        strong, quiet = (
            (colours.colour("on_accent"),) * 2 if chosen else (colours.colour("text"), colours.colour("muted"))
        )
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setFont(theme.font())
        painter.setPen(quiet)
        price = str(index.data(PRICE) or "")
        painter.drawText(inside, Qt.AlignmentFlag.AlignRight | middle, price)
        metrics = QFontMetrics(theme.font())
        room = inside.adjusted(SPACE_8, 0, -max(metrics.horizontalAdvance(price), SPACE_16 * 6) - SPACE_16, 0)
        small = theme.font(Text.SMALL)
        painter.setFont(small)
        lack = str(index.data(LACK) or "")
        painter.drawText(room, Qt.AlignmentFlag.AlignRight | middle, lack)
        room.adjust(0, 0, -QFontMetrics(small).horizontalAdvance(lack) - SPACE_8 if lack else 0, 0)
        painter.setFont(theme.font())
        painter.setPen(strong)
        painter.drawText(
            room,
            Qt.AlignmentFlag.AlignLeft | middle,
            metrics.elidedText(str(index.data()), Qt.TextElideMode.ElideRight, room.width()),
        )
        painter.restore()

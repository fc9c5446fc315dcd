"""What can be done on the review page, each with its keys and words: the one table that keys, tooltips and overlay share."""

from __future__ import annotations

from enum import Enum, auto

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

from ggt_studio.ui.pages.review.words import tr


class Command(Enum):
    """One thing that a person can ask of the page."""

    ACCEPT = auto()
    REJECT = auto()
    NEXT = auto()
    PREVIOUS = auto()
    FIRST = auto()
    LAST = auto()
    UNDO = auto()
    REDO = auto()
    TOGGLE = auto()
    EARLIER_ATTEMPT = auto()
    LATER_ATTEMPT = auto()
    FILM = auto()
    INFO = auto()
    FULL = auto()
    HELP = auto()


KEYS: dict[Command, tuple[str, ...]] = {
    Command.ACCEPT: ("A",),
    Command.REJECT: ("R", "X"),
    Command.NEXT: ("Right", "J"),
    Command.PREVIOUS: ("Left", "K"),
    Command.FIRST: ("Home",),
    Command.LAST: ("End",),
    Command.UNDO: ("Z", "Ctrl+Z"),
    Command.REDO: ("Ctrl+Shift+Z", "Ctrl+Y"),
    Command.TOGGLE: ("Space",),
    Command.EARLIER_ATTEMPT: (",",),
    Command.LATER_ATTEMPT: (".",),
    Command.FILM: ("T",),
    Command.INFO: ("I",),
    Command.FULL: ("E",),
    Command.HELP: ("H", "?"),
}
_BY_KEY = {key: command for command, keys in KEYS.items() for key in keys}
REPEATABLE = (Command.NEXT, Command.PREVIOUS)


def name(command: Command) -> str:
    """What a command does, in a few words."""
    return {
        Command.ACCEPT: tr("Accept and go on"),
        Command.REJECT: tr("Reject, with a reason"),
        Command.NEXT: tr("Next pair"),
        Command.PREVIOUS: tr("Previous pair"),
        Command.FIRST: tr("First pair"),
        Command.LAST: tr("Last pair"),
        Command.UNDO: tr("Undo the latest decision"),
        Command.REDO: tr("Redo"),
        Command.TOGGLE: tr("LQ or HQ in place (hold to peek)"),
        Command.EARLIER_ATTEMPT: tr("Look at the earlier attempt"),
        Command.LATER_ATTEMPT: tr("Look at the later attempt"),
        Command.FILM: tr("Show or hide the list of pairs"),
        Command.INFO: tr("Show or hide what is known"),
        Command.FULL: tr("Show texts in full or in short"),
        Command.HELP: tr("Show all keys"),
    }[command]


def key_text(key: str) -> str:
    """A key as this desktop writes it."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) or key


def tooltip(command: Command) -> str:
    """What a command does, with its keys."""
    joined = ", ".join(key_text(key) for key in KEYS[command])
    return f"{name(command)} ({joined})"


def command_of(event: QKeyEvent) -> Command | None:
    """The command that a key means; None for keys that are none of the page's."""
    if event.text() == "?":
        return Command.HELP
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    if event.key() in (0, Qt.Key.Key_unknown):
        return None
    pressed = QKeySequence(int(modifiers.value) | event.key()).toString(QKeySequence.SequenceFormat.PortableText)
    return _BY_KEY.get(pressed)

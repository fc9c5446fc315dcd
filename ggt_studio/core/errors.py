"""The one family of errors that are told to people; anything else is a bug and looks like one."""

from __future__ import annotations


class StudioError(Exception):
    """Something a person can act on. Its message says what happened, to what, and what to do."""


class UnusableImage(StudioError):
    """A file that cannot be used as a photo; the message is the reason shown in the quarantine list."""


class NotRegistrable(StudioError):
    """A received image that cannot be laid over its patch; the message says why, with numbers.

    `decided_by` is what spoke against it: `correlation`, `rotation`, `scale`, `shift` or `border`.
    """

    def __init__(self, message: str, decided_by: str = "correlation") -> None:
        super().__init__(message)
        self.decided_by = decided_by


class ProjectLocked(StudioError):
    """Another process has the project open for writing."""


class ProjectTooNew(StudioError):
    """The project was written by a newer version of GGT Studio."""


class NotAProject(StudioError):
    """The folder is not a GGT Studio project."""


class NothingToUndo(StudioError):
    """The decision that was to be taken back no longer stands."""


class OtherCandidate(StudioError):
    """The patch has another candidate now than the one that was decided about."""


class MlExtraMissing(StudioError):
    """A step needs torch and pyiqa, which the base install does not carry."""


class BaseMissing(StudioError):
    """The model that something was trained into is nowhere to be found; the message says which one it is, and what to do."""


class WriteError(StudioError):
    """Bytes could not be put on disk; the message says where, why and what to do. `errno` is the system's number."""

    def __init__(self, message: str, number: int | None = None) -> None:
        super().__init__(message)
        self.errno = number


class WorkerCrashed(StudioError):
    """The worker process ended while it was working on a request."""


def describe(error: BaseException) -> str:
    """What to tell a person: a StudioError's own words; anything else is a defect and is named as one, with where its details were
    kept (`details`), where somebody kept them."""
    if isinstance(error, StudioError):
        return str(error)
    details = getattr(error, "details", "")
    return f"Unexpected error: {type(error).__name__}: {error}{f'. {details}' if details else ''}"

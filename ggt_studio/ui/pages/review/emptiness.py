"""What the review page says when no pair is in front: why, and the one thing to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from ggt_studio.core.words import State
from ggt_studio.store.status import Status
from ggt_studio.ui import format as numbers
from ggt_studio.ui.pages.review.memory import Place
from ggt_studio.ui.pages.review.words import state_badge, tr
from ggt_studio.ui.vocabulary import category_name

EVERYTHING = "everything"
"""The target that shows all categories instead of another page."""


@dataclass(frozen=True, slots=True)
class Emptiness:
    """Icon, heading, sentence, the action's word and its target: a page's name, or `EVERYTHING`."""

    icon: str
    heading: str
    sentence: str
    action: str = ""
    target: str = ""


def emptiness(status: Status, place: Place, *, running: bool) -> Emptiness:
    """The words for a filter that holds nothing."""
    if place.category is not None and status.count(state=place.state):
        category, state = category_name(place.category).lower(), state_badge(place.state).word.lower()
        others = tr("{0} in the other categories.").format(numbers.count(status.count(state=place.state)))
        heading = tr("No {0} pairs are {1}").format(category, state)
        return Emptiness("mdi6.filter-off-outline", heading, others, tr("Show all categories"), EVERYTHING)
    if place.state is State.VERIFIED:
        told = tr("Pairs that you accept are listed here, and can be decided anew.")
        return Emptiness("mdi6.check-circle-outline", tr("No pairs are verified yet"), told)
    if place.state is State.REJECTED:
        told = tr("Candidates that a gate, the judge or a person rejected are listed here, and can be decided anew.")
        return Emptiness("mdi6.close-circle-outline", tr("No pairs are rejected"), told)
    return _nothing_waits(status, running=running)


def _nothing_waits(status: Status, *, running: bool) -> Emptiness:
    if not status.patches:
        told = tr("Add photos; their patches are restored and checked, and what passes comes here.")
        return Emptiness("mdi6.image-plus-outline", tr("Nothing to review yet"), told, tr("Add photos"), "sources")
    if running:
        told = tr("A run is going on. Pairs appear here as soon as they have passed its checks.")
        return Emptiness("mdi6.progress-clock", tr("Nothing waits at the moment"), told)
    verified, rejected = status.count(state=State.VERIFIED), status.count(state=State.REJECTED)
    counts = tr("{0} verified, {1} rejected.").format(numbers.count(verified), numbers.count(rejected))
    if status.runnable:
        left = numbers.counted(
            status.runnable, tr("1 patch has not been run yet."), tr("{0} patches have not been run yet.")
        )
        told = f"{counts} {left}" if verified or rejected else left
        heading = tr("Nothing waits for you")
        return Emptiness("mdi6.creation-outline", heading, told, tr("Run them"), "generate")
    if held := status.count(state=State.OPEN, held=True):
        told = numbers.counted(
            held, tr("1 patch is held back in Sources."), tr("{0} patches are held back in Sources.")
        )
        counts += f" {told}"
    failed = status.count(state=State.FAILED)
    if failed:
        counts += " " + tr("{0} failed and can be retried on the Generate page.").format(numbers.count(failed))
    if verified:
        heading = tr("All pairs are decided")
        return Emptiness("mdi6.check-all", heading, counts, tr("Export dataset"), "dataset")
    told = tr("{0} Another recipe may do better, or look at the rejected ones and decide anew.").format(counts)
    return Emptiness("mdi6.filter-remove-outline", tr("Nothing waits for you"), told, tr("Open Generate"), "generate")

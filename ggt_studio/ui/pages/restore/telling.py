"""What the restore page tells of its work: what is lacking, how far it is, what it costs and what may have been charged."""

from __future__ import annotations

from pathlib import Path

from ggt_studio.pipeline.readiness import Lack
from ggt_studio.pipeline.restoring import RestoreItem, RestoreQueue, Standing
from ggt_studio.training.job import name_of_weights
from ggt_studio.ui.format import counted, money, money_of
from ggt_studio.ui.pages.restore.words import tr
from ggt_studio.ui.state.restoring import Restoring


def lack_words(restoring: Restoring) -> str:
    """Why the model cannot be used now; empty when it can."""
    if restoring.problem:
        return tr("This restorer cannot be used.")
    if restoring.is_checkpoint:
        return "" if restoring.about else tr("Reading the restorer …")
    label = restoring.info.label if restoring.info else restoring.model
    match restoring.lack:
        case Lack.KEY:
            return tr("{0} needs your key: enter it on the right.").format(label)
        case Lack.REFUSED:
            return tr("The key for {0} was refused: replace it on the right.").format(label)
        case Lack.MODEL:
            return tr("{0} is not on this machine yet.").format(label)
        case Lack.EXTRA:
            return tr("{0} needs the ml extra.").format(label)
        case _:
            return ""


def primary_words(restoring: Restoring) -> str:
    """What the button does, and what that costs."""
    waiting, bill = restoring.queue.count(Standing.WAITING), restoring.bill
    words = counted(waiting, tr("Restore 1 photo"), tr("Restore {0} photos")) if waiting else tr("Restore again")
    if restoring.paid and bill is not None and bill.asks and bill.about_usd:
        return tr("{0} · about {1}").format(words, money(bill.about_usd))
    return words


def look_price(restoring: Restoring, item: RestoreItem) -> str:
    """What a look at a photo costs; empty where it costs nothing, or is paid for already."""
    info, bill = restoring.info, restoring.bill
    to_pay = restoring.paid and bill is not None and item.path in bill.asked
    return money(info.price_usd) if to_pay and info is not None and info.price_known else ""


def sentence(restoring: Restoring) -> str:
    """How far the photos are, where they go, and the most that it can cost."""
    queue, bill = restoring.queue, restoring.bill
    if not queue.items and restoring.is_checkpoint and restoring.about:
        return tr("What you add here is restored by {0}.").format(name_of_weights(Path(restoring.model)))
    if not queue.items:
        return tr("Photos in, restored ones out: seen side by side, with all that they have, in a folder of their own.")
    parts = [
        counted(number, one, many)
        for standing, one, many in (
            (Standing.WAITING, tr("1 waits"), tr("{0} wait")),
            (Standing.RESTORED, tr("1 restored"), tr("{0} restored")),
            (Standing.SKIPPED, tr("1 done before"), tr("{0} done before")),
            (Standing.FAILED, tr("1 not restored"), tr("{0} not restored")),
            (Standing.UNCERTAIN, tr("1 may have been charged"), tr("{0} may have been charged")),
        )
        if (number := queue.count(standing))
    ]
    if restoring.running:
        return " · ".join(parts)
    if bill is not None and bill.received:
        parts.append(counted(bill.received, tr("1 answer is here already"), tr("{0} answers are here already")))
    if bill is not None and bill.asks and bill.most_usd:
        parts.append(tr("at most {0}").format(money(bill.most_usd)))
    if restoring.info is not None and restoring.info.leaves_machine:
        parts.append(tr("photos are sent to {0}").format(restoring.info.leaves_machine))
    if queue.spent_usd:
        parts.append(tr("{0} spent").format(spent_words(restoring)))
    if queue.left_usd:
        parts.append(tr("{0} of it perhaps by an interrupted run").format(money(queue.left_usd)))
    return " · ".join(parts)


def spent_words(restoring: Restoring) -> str:
    """`$0.42 of $20.00`; empty where nothing costs anything."""
    spent, budget = restoring.queue.spent_usd, restoring.budget_usd
    if budget is not None:
        return money_of(spent, budget)
    return money(spent) if spent else ""


def uncertain_words(queue: RestoreQueue) -> tuple[str, str] | None:
    """That photos may have been charged before, and the word of what can be done; None where there are none."""
    doubtful = [item for item in queue.items if item.standing is Standing.UNCERTAIN]
    if not doubtful:
        return None
    cost = sum(float(item.facts.get("cost_usd", 0.0)) for item in doubtful)
    words = counted(
        len(doubtful),
        tr("1 photo was asked for without an answer, and may have been charged"),
        tr("{0} photos were asked for without an answer, and may have been charged"),
    )
    price = tr(" ({0})").format(money(cost)) if cost else ""
    told = tr("{0}{1}. Nothing is asked for again by itself.").format(words, price)
    return told, counted(len(doubtful), tr("Ask again"), tr("Ask again for {0}"))

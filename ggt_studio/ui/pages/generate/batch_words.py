"""What the generate page says of batches: what was ordered, how far it is, what came of it."""

from __future__ import annotations

from ggt_studio.pipeline.batch_results import Collected
from ggt_studio.pipeline.batch_runs import Submission
from ggt_studio.providers.base import ProviderInfo
from ggt_studio.store.batch_jobs import BatchJob, BatchStage
from ggt_studio.ui.format import count, counted, money, when
from ggt_studio.ui.pages.generate.words import tr, unit_price
from ggt_studio.ui.state.batching import OpenBatch


def price_of_batches(ordinary: ProviderInfo, batched: ProviderInfo) -> str:
    """What a candidate costs in a batch, beside what it costs at once."""
    if not (ordinary.price_known and batched.price_known):
        return tr("Answers come within a day or so, for less.")
    return tr("{0} instead of {1} per image; answers come within a day or so.").format(
        unit_price(batched.price_usd), unit_price(ordinary.price_usd)
    )


def batch_title(batch: OpenBatch) -> str:
    """`Nano Banana 2 · 120 patches`."""
    patches = counted(batch.job.items, tr("1 patch"), tr("{0} patches"))
    return f"{batch.label} · {patches}"


def batch_facts(batch: OpenBatch) -> str:
    """What it costs, and since when it is under way."""
    job = batch.job
    parts = [
        tr("at most {0}").format(money(batch.most_usd))
        if batch.most_usd is not None
        else tr("about {0}").format(money(job.estimated_usd)),
        tr("since {0}").format(when(job.left_at or job.created_at)),
    ]
    if job.open_items < job.items:
        parts.append(tr("{0} of {1} collected").format(count(job.items - job.open_items), count(job.items)))
    return " · ".join(parts)


def batch_state(job: BatchJob) -> str:
    """How far it is, as it was known last."""
    if job.stage is BatchStage.RUNNING:
        if not job.message:
            return tr("Taken by the service. Collect asks how far it is.")
        return _sentence(job.message)
    if job.message:
        return _sentence(job.message)
    if job.stage is BatchStage.LEAVING:
        return tr("Whether the order arrived is not known. Collect finds out; nothing is paid twice.")
    return tr("Being prepared; it was not sent yet.")


def ordered_words(done: Submission) -> str:
    """What an order came to."""
    if not done.jobs:
        told = tr("No patch wants a candidate. Nothing was ordered.")
    else:
        candidates = counted(done.items, tr("1 candidate"), tr("{0} candidates"))
        batches = counted(len(done.jobs), tr("a batch"), tr("{0} batches"))
        told = tr("Ordered: {0} in {1}, about {2}, at most {3}.").format(
            candidates, batches, money(done.estimated_usd), money(done.most_usd)
        )
    parts = [told]
    if done.left_out:
        parts.append(
            counted(
                done.left_out,
                tr("1 patch was left out; see Failed."),
                tr("{0} patches were left out; see Failed."),
            )
        )
    if done.ambiguous:
        parts.append(
            counted(
                done.ambiguous,
                tr("1 paid call of an interrupted run may have been charged; see Failed."),
                tr("{0} paid calls of an interrupted run may have been charged; see Failed."),
            )
        )
    return " ".join(parts)


def collected_words(done: Collected) -> str:
    """What came of asking after the batches."""
    if not done.jobs:
        return tr("No batch is under way.")
    parts = []
    if done.made or done.failed or done.taken_back:
        made = counted(done.made, tr("1 candidate"), tr("{0} candidates"))
        parts.append(tr("Collected: {0}, {1} spent.").format(made, money(done.cost_usd)))
    if done.failed:
        parts.append(counted(done.failed, tr("1 failed."), tr("{0} failed.")))
    if done.taken_back:
        parts.append(
            counted(
                done.taken_back,
                tr("1 patch was taken back at no cost and is open again."),
                tr("{0} patches were taken back at no cost and are open again."),
            )
        )
    ended = [job for job in done.jobs if job.ended_at is not None]
    if not parts and ended:
        # What ended without a result says itself why.
        parts += [_sentence(job.message) for job in ended if job.message]
    if done.open:
        parts.append(
            counted(
                done.open,
                tr("1 batch is not done yet."),
                tr("{0} batches are not done yet."),
            )
        )
    return " ".join(parts)


def cancelled_words(job: BatchJob) -> str:
    """What came of asking for a batch's end."""
    if job.stage is BatchStage.SET_ASIDE:
        return tr("The service does not know the batch any more; its patches have failed and may have been charged.")
    if job.ended_at is not None:
        return tr("The batch has ended. Nothing of it was charged; its patches are open again.")
    return tr("The batch's end is asked for. What was done by then is charged, and Collect fetches it.")


def _sentence(words: str) -> str:
    told = f"{words[:1].upper()}{words[1:]}"
    return told if told.endswith((".", "!", "?")) else f"{told}."

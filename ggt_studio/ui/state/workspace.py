"""The open project as the window sees it: counts, the work under way, and the mutations a person can ask for.

Views read through `query`, ask for changes through the methods, and react to the signals; none touches the store itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from ggt_studio.core.words import Category, Hold, State
from ggt_studio.dataset import sampling
from ggt_studio.pipeline.retrying import reopen, retry_failed
from ggt_studio.pipeline.session import Session
from ggt_studio.store import holds, photos
from ggt_studio.ui.bridge import Tasks
from ggt_studio.ui.state.batching import Batching
from ggt_studio.ui.state.jobs import Jobs, RunChoice
from ggt_studio.ui.state.reviewing import Reviewing
from ggt_studio.ui.state.screening import Screening
from ggt_studio.ui.state.trying import TryingOut

if TYPE_CHECKING:
    from ggt_studio.ui.state.training import Training


class Workspace(Jobs):
    """One open project: its long jobs, its `reviewing`, and the edits of many patches at once."""

    def __init__(self, session: Session, tasks: Tasks) -> None:
        super().__init__(session, tasks)
        self.reviewing = Reviewing(self)
        self.trying = TryingOut(self)
        self.batching = Batching(self)
        self.screening = Screening(self)
        self.writing_prompts = False
        """Whether prompts are being written ahead of a run."""
        self._was_engaged = False
        for work in (self.trying, self.batching, self.screening):
            work.changed.connect(self._tell_engaged)

    def _tell_engaged(self) -> None:
        """What must not be beside other work waits for it on every page."""
        if self.engaged != self._was_engaged:
            self._was_engaged = self.engaged
            self.work_changed.emit()

    @cached_property
    def training(self) -> Training:
        """The project's training runs; made when first asked for."""
        from ggt_studio.ui.state.training import Training

        return Training(self)

    @property
    def engaged(self) -> bool:
        """Whether a run, or what must not be beside one, is under way: each settles what an ended one left open."""
        others = self.trying.running or self.batching.ordering or self.screening.running
        return self.running or self.writing_prompts or others

    def start_run(self, choice: RunChoice, *, generate: bool = True) -> None:
        """Run a recipe over the open patches, see `Jobs`. Does nothing while `engaged`."""
        if not self.engaged:
            super().start_run(choice, generate=generate)

    async def close(self) -> None:
        """Stop all work, let it clean up, and close the project."""
        self.trying.stop()
        self.batching.stop()
        self.screening.stop()
        await super().close()

    def retry_failed(self, decided_by: str = "") -> None:
        """Open failed patches again: all, or those of one kind, named as in `core.policy.Summary.decided_by`."""
        self.change(lambda project: retry_failed(project, "asked for in the window", decided_by=decided_by))

    def reopen_rejected(self) -> None:
        """Start all rejected patches afresh."""
        self.change(lambda project: reopen(project, State.REJECTED, "asked for in the window"))

    def set_category(
        self, photo_ids: Sequence[int], category: Category, done: Callable[[int], None] | None = None
    ) -> None:
        """Put photos into a category; `done` gets how many changed."""
        self.change(lambda project: photos.set_category(project, photo_ids, category), done)

    def sample(
        self,
        ratio: tuple[int, int, int],
        total: int | None,
        seed: int,
        *,
        near_duplicates: bool,
        done: Callable[[sampling.SampleReport], None] | None = None,
    ) -> None:
        """Hold back all open patches but a sample by quality."""
        self.change(
            lambda project: sampling.sample(
                project, ratio=ratio, total=total, seed=seed, near_duplicates=near_duplicates
            ),
            done,
        )

    def release(self, holds: tuple[Hold, ...], done: Callable[[int], None] | None = None) -> None:
        """Let all patches that are held for these reasons take part in runs again; `done` gets how many."""
        self.change(lambda project: sampling.release(project, holds), done)

    def set_hold(self, patch_ids: Sequence[int], hold: Hold | None, done: Callable[[holds.Before], None]) -> None:
        """Hold these patches back from runs, or release them; `done` gets what the changed ones were before."""
        self.change(lambda project: holds.set_hold(project, patch_ids, hold), done)

    def restore_holds(self, before: holds.Before) -> None:
        """Give patches back the holds they had."""
        self.change(lambda project: holds.restore(project, before))

    def remove_photos(self, photo_ids: Sequence[int], done: Callable[[holds.Removal], None]) -> None:
        """Take photos and their patches out of the project until they are put back; `done` gets what that came to."""
        self.change(lambda project: holds.remove(project, photo_ids), done)

    def put_back_photos(self, photo_ids: Sequence[int], done: Callable[[int], None] | None = None) -> None:
        """Let removed photos be in the project again; `done` gets how many."""
        self.change(lambda project: holds.put_back(project, photo_ids), done)

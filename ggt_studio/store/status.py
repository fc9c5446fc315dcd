"""Where a project stands, from maintained counts alone."""

from __future__ import annotations

from dataclasses import dataclass

from ggt_studio.core.words import Category, Hold, QualityLevel, Stage, State
from ggt_studio.store.project import Project


@dataclass(frozen=True, slots=True)
class Tally:
    """How many patches share a category, state, stage, hold and quality level."""

    category: Category
    state: State
    stage: Stage
    hold: Hold | None
    level: QualityLevel
    n: int


@dataclass(frozen=True, slots=True)
class Status:
    """The counts of a project. Photos that a person removed, and their patches, count in `removed` alone.

    `in_batches`: open patches, not held, that wait for a batch to end.

    `near_duplicates`: photos that look like another one, without the first of each group.
    """

    photos: int
    near_duplicates: int
    duplicates: int
    quarantined: int
    removed: int
    in_batches: int
    tallies: tuple[Tally, ...]

    def count(
        self,
        *,
        state: State | None = None,
        category: Category | None = None,
        stage_at_least: Stage = Stage.NONE,
        held: bool | None = None,
        hold: Hold | None = None,
        level: QualityLevel | None = None,
    ) -> int:
        """How many patches fit; None means any."""
        return sum(
            t.n
            for t in self.tallies
            if (state is None or t.state is state)
            and (category is None or t.category is category)
            and t.stage >= stage_at_least
            and (held is None or (t.hold is not None) == held)
            and (hold is None or t.hold is hold)
            and (level is None or t.level is level)
        )

    @property
    def patches(self) -> int:
        """All patches, held ones included."""
        return self.count()

    @property
    def runnable(self) -> int:
        """Open patches that a run would take."""
        return self.count(state=State.OPEN, held=False) - self.in_batches

    def funnel(self) -> list[tuple[str, int]]:
        """The steps from patches to verified pairs with their counts."""
        return [
            ("patches", self.patches),
            ("generated", self.count(stage_at_least=Stage.GENERATED)),
            ("passed metrics", self.count(stage_at_least=Stage.PASSED_METRICS)),
            ("passed judge", self.count(stage_at_least=Stage.PASSED_JUDGE)),
            ("waiting for a person", self.count(state=State.WAITING)),
            ("verified", self.count(state=State.VERIFIED)),
        ]


def status(project: Project) -> Status:
    """Read the counts; takes the same time for ten patches and a million."""
    counters = dict(project.db.execute("SELECT name, n FROM counter"))
    rows = project.db.execute(
        "SELECT category, state, stage, hold, level, n FROM tally WHERE n > 0 AND hold != 'removed'"
    ).fetchall()
    tallies = tuple(
        Tally(Category(c), State(s), Stage(g), Hold(h) if h else None, QualityLevel(q), n) for c, s, g, h, q, n in rows
    )
    return Status(**counters, tallies=tallies)

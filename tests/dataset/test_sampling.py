"""Sampling by quality keeps the ratio, can be redone, and never touches what is decided."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.projects import add_patch, make_waiting
from ggt_studio.core.errors import StudioError
from ggt_studio.core.words import Hold, QualityLevel
from ggt_studio.dataset.sampling import quotas, release, sample
from ggt_studio.store.patches import Filter, ids, runnable
from ggt_studio.store.project import Project
from ggt_studio.store.status import status

HIGH, MEDIUM, LOW = QualityLevel.HIGH, QualityLevel.MEDIUM, QualityLevel.LOW


@given(st.tuples(*[st.integers(0, 500)] * 3), st.tuples(*[st.integers(0, 5)] * 3), st.none() | st.integers(1, 400))
def test_quotas_keep_the_ratio_and_take_no_more_than_there_is(counts, ratio, total) -> None:
    available = dict(zip((HIGH, MEDIUM, LOW), counts, strict=True))
    taken = quotas(available, ratio, total)
    parts = dict(zip((HIGH, MEDIUM, LOW), ratio, strict=True))
    assert all(0 <= taken[level] <= available[level] for level in taken)
    if total is not None:
        assert sum(taken.values()) <= total
    used = [level for level in taken if parts[level] and available[level]]
    for first in used:
        for second in used:
            # Within rounding by one patch each.
            assert abs(taken[first] * parts[second] - taken[second] * parts[first]) <= parts[first] + parts[second]


def test_the_paper_ratio() -> None:
    assert quotas({HIGH: 100, MEDIUM: 100, LOW: 90}, (1, 2, 3)) == {HIGH: 30, MEDIUM: 60, LOW: 90}
    assert quotas({HIGH: 100, MEDIUM: 100, LOW: 90}, (1, 2, 3), 60) == {HIGH: 10, MEDIUM: 20, LOW: 30}
    assert quotas({HIGH: 5, MEDIUM: 10, LOW: 0}, (1, 2, 3)) == {HIGH: 5, MEDIUM: 10, LOW: 0}


@pytest.fixture
def project(tmp_path: Path):
    with Project.create(tmp_path / "p") as created:
        for seed in range(30):
            add_patch(created, seed, level=(HIGH, MEDIUM, LOW)[seed % 3])
        yield created


def test_a_sample_holds_the_others_back_and_can_be_redone(project: Project) -> None:
    report = sample(project, seed=1)
    assert report.taken == {HIGH: 3, MEDIUM: 7, LOW: 10}
    first = [p.id for p in runnable(project)]
    assert len(first) == 20
    assert status(project).count(hold=Hold.NOT_SAMPLED) == 10
    sample(project, seed=2)
    assert [p.id for p in runnable(project)] != first
    sample(project, seed=1)
    assert [p.id for p in runnable(project)] == first, "equal seeds give equal samples"
    assert release(project, (Hold.NOT_SAMPLED,)) == 10
    assert len(runnable(project)) == 30


def test_what_is_decided_or_content_poor_is_left_alone(project: Project) -> None:
    make_waiting(project, 1, 1)
    poor = add_patch(project, 99, hold=Hold.CONTENT_POOR)
    near = add_patch(project, 100, near_duplicate_of=2)
    sample(project)
    assert 1 not in ids(project, Filter(held=True))
    held = {row[0]: row[1] for row in project.db.execute("SELECT id, hold FROM patch WHERE hold != ''")}
    assert held[poor] == Hold.CONTENT_POOR
    assert held[near] == Hold.NEAR_DUPLICATE


def test_a_senseless_ratio_is_refused(project: Project) -> None:
    with pytest.raises(StudioError, match="three numbers"):
        sample(project, ratio=(0, 0, 0))

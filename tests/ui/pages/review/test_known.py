"""What is known of a pair: attempts, the panel, the keys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fakes.hands import until
from fakes.projects import add_patch, facts_until_waiting, make_waiting, png, verdict
from fakes.reviewing import ShowPage, key, project_of, reviews, seen, settled
from ggt_studio.core.facts import Failed, Generated, Judged, Prompted, Retried
from ggt_studio.core.files import write_content_addressed
from ggt_studio.core.strengthen import strengthen
from ggt_studio.core.words import Aspect, Decision, Outcome
from ggt_studio.store.patches import append
from ggt_studio.store.photos import record_file
from ggt_studio.store.project import Project


async def test_an_earlier_attempt_is_looked_at_and_never_decided_about(tmp_path: Path, show_page: ShowPage) -> None:
    folder = tmp_path / "p"
    with Project.create(folder) as project:
        two_attempts(project)
    page = await show_page(folder)
    await seen(page, 1)
    current = page.compare.canvas.scene.hq
    assert page.front.shown_attempt == 1
    key(Qt.Key.Key_Comma)
    await until(lambda: page.compare.canvas.scene.hq not in (None, current))
    assert page.front.shown_attempt == 0
    assert "Rejected" in page.panel.attempts._rows[0][1].text()
    key(Qt.Key.Key_A)
    assert page.front.shown_attempt == 1
    assert not await reviews(page, 1)
    await seen(page, 1)
    key(Qt.Key.Key_A)
    await until(lambda: "Accepted #1" in page.toast.message.text())
    await settled(page)


async def test_calls_that_failed_on_the_way_are_told_of(tmp_path: Path, show_page: ShowPage) -> None:
    with Project.create(tmp_path / "p") as project:
        patch_id = add_patch(project, 1)
        append(project, patch_id, [Failed(1, "generate", Outcome.NETWORK, "No route."), Retried("asked for")])
        make_waiting(project, patch_id, 1)
    page = await show_page(tmp_path / "p")
    await seen(page, 1)
    told = page.panel.facts.failures
    assert told.isVisible()
    assert told.text == "Generating: the provider could not be reached (attempt 1). No route."


def two_attempts(project: Project, prompt: str = "Restore this photo.", original: str = "Restore this photo.") -> None:
    patch_id = add_patch(project, 1)
    data = png(77)
    sha256 = write_content_addressed(project.candidates_dir, data, ".png")
    facts = facts_until_waiting(sha256)
    judged = next(fact for fact in facts if isinstance(fact, Judged))
    facts[-1] = replace(judged, verdict=verdict(40.0, Decision.REJECT), ruled=Decision.REJECT)
    record_file(project, sha256, "candidates", ".png", len(data))
    facts[0] = Prompted("fix", original)
    append(project, patch_id, facts)
    data = png(78)
    sha256 = write_content_addressed(project.candidates_dir, data, ".png")
    record_file(project, sha256, "candidates", ".png", len(data))
    second = facts_until_waiting(sha256, attempt=2)[1:]
    assert isinstance(second[0], Generated)
    append(project, patch_id, [replace(second[0], prompt=prompt), *second[1:]])


async def test_the_panel_shows_all_without_scrolling(tmp_path: Path, show_page: ShowPage) -> None:
    folder = tmp_path / "p"
    with Project.create(folder) as project:
        two_attempts(project)
    page = await show_page(folder)
    page.resize(1192, 860)  # a window of 1360 x 860 without its rail
    await seen(page, 1)
    assert page.panel.isVisible()
    await until(lambda: page.panel.verticalScrollBar().maximum() == 0)
    assert page.panel.photo.toolTip() == "/photos/1.png"
    assert page.panel.state.badge.word == "Waiting"
    assert "correlation 0.95" in page.panel.facts.alignment.text
    await settled(page)


async def test_a_strengthened_prompt_shows_what_was_added_and_can_be_read_to_its_end(
    tmp_path: Path, show_page: ShowPage
) -> None:
    folder = tmp_path / "p"
    long = "Restore this photo, " * 30
    with Project.create(folder) as project:
        two_attempts(project, strengthened := strengthen(long, verdict(40.0, Decision.REJECT), tuple(Aspect)), long)
    page = await show_page(folder)
    await seen(page, 1)
    prompt = page.panel.prompt
    assert prompt.original.text == long.rstrip()
    assert prompt.added.isVisible()
    assert strengthened.endswith(prompt.added.text)
    short = prompt.height()
    key(Qt.Key.Key_E)
    await until(lambda: prompt.height() > short)
    drawn = prompt.added._broken(prompt.added.width())
    assert "".join("".join(drawn).split()) == "".join(prompt.added.text.split())
    await until(lambda: page.panel.verticalScrollBar().value() > 0)
    QTest.mouseClick(prompt.full_button, Qt.MouseButton.LeftButton)
    await until(lambda: prompt.height() == short)
    await settled(page)


async def test_all_keys_are_told_on_demand(tmp_path: Path, show_page: ShowPage) -> None:
    page = await show_page(project_of(tmp_path / "p", 2))
    await seen(page, 1)
    key(Qt.Key.Key_H)
    assert page.overlay.isVisible()
    key(Qt.Key.Key_A)
    assert not page.overlay.isVisible()
    assert page.front.patch_id == 1
    for command, button in page.header.buttons.items():
        assert "(" in button.toolTip(), command
        assert button.accessibleName()
    await settled(page)

"""The generate page as people use it: real projects, real runs, real mouse and keys."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from fakes.hands import click, type_over, until
from fakes.projects import add_patch, waiting_project
from fakes.providers import ScriptedGenerator, ScriptedJudge, ScriptedPrompts, blurred
from ggt_studio.core.facts import Failed
from ggt_studio.core.words import Category, Decision, Hold, Outcome, State
from ggt_studio.providers.base import GeneratedImage, GenerateRequest, ProviderError
from ggt_studio.quality.metrics import ML_EXTRA_COMMAND
from ggt_studio.settings import prompts_folder
from ggt_studio.store import named_recipes
from ggt_studio.store.named_recipes import Choice
from ggt_studio.store.patches import append
from ggt_studio.store.patches import facts as facts_on_record
from ggt_studio.store.project import Project
from ggt_studio.store.review import decide
from ggt_studio.ui.pages.generate import GeneratePage
from ggt_studio.ui.pages.generate.words import advice, decided_words
from ggt_studio.ui.state.workspace import Workspace
from ggt_studio.worker.process import Progress as Step

OpenWorkspace = Callable[..., Awaitable[Workspace]]
ShowPage = Callable[..., Awaitable[GeneratePage]]


@pytest_asyncio.fixture
async def show_page(open_workspace: OpenWorkspace) -> AsyncIterator[ShowPage]:
    """Open a project and show the page over it; the scripted providers stand beside the built-in ones."""
    pages: list[GeneratePage] = []

    async def show(
        folder: Path,
        *,
        generator: ScriptedGenerator | None = None,
        read_only: bool = False,
    ) -> GeneratePage:
        workspace = await open_workspace(folder, read_only=read_only)
        registry = workspace.session.registry
        if generator is not None:
            registry.generators["scripted"] = generator
            registry.judges["scripted"] = ScriptedJudge()
        page = GeneratePage(workspace)
        pages.append(page)
        page.resize(1280, 860)
        page.show()
        page.activateWindow()
        page.activated()
        await until(page.isActiveWindow)
        await until(lambda: page.sentence.text() or page.empty.isVisible())
        if generator is not None:
            choose(page, "scripted")
        return page

    yield show
    for page in pages:
        page.deactivated()
        page.close()


def choose(page: GeneratePage, provider: str) -> None:
    """Take a generator and a judge of this id, by keys, and switch the metric filter off by mouse."""
    for part in (page.panel.generator, page.panel.judge):
        part.combo.setFocus()
        while part.value != provider:
            QTest.keyClick(part.combo, Qt.Key.Key_Down)
    click(page.panel.metric_gate.button("none"))


def open_project(folder: Path, count: int, **options: object) -> Path:
    with Project.create(folder) as project:
        for seed in range(count):
            add_patch(project, seed, category=list(Category)[seed % 6], **options)  # type: ignore[arg-type]
    return folder


def refuse_some(request: GenerateRequest) -> GeneratedImage:
    if request.category is Category.RAIN:
        raise ProviderError(Outcome.NETWORK, "The network was away for a moment.")
    return blurred(request)


async def test_run_fills_the_funnel_and_leads_to_review(tmp_path: Path, show_page: ShowPage) -> None:
    page = await show_page(open_project(tmp_path / "p", 4), generator=ScriptedGenerator())
    asked: list[str] = []
    page.page_requested.connect(asked.append)
    await until(lambda: page.sentence.text() == "4 open patches. No charge.")
    assert page.primary.text() == "Run 4 patches"

    click(page.primary)
    await until(lambda: page.workspace.running)
    assert page.strip.isVisible()
    assert not page.primary.isVisible()
    assert not page.panel.generator.combo.isEnabled()
    await until(lambda: not page.workspace.running)
    await until(lambda: page.primary.text() == "Review")

    assert "Waiting for you: 4" in page.body.funnel.accessibleDescription()
    assert page.summary.text() == "Done: 4 patches, 4 attempts. 4 pairs wait for you."
    assert page.body.table.rowCount() == 4
    assert [page.body.table.item(0, column).text() for column in range(9)] == [
        *("General mixed", "1", "1", "1", "1", "1", "0", "0", "0"),
    ]
    await until(lambda: [patch.state for patch in page.body.latest.patches] == [State.WAITING] * 4)
    click(page.primary)
    assert asked == ["review"]


async def test_pause_resume_and_stop(tmp_path: Path, show_page: ShowPage) -> None:
    generator = ScriptedGenerator(delay_s=0.2, concurrency=1)
    page = await show_page(open_project(tmp_path / "p", 12), generator=generator)
    QTest.keyClick(page, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    await until(lambda: generator.requests)
    click(page.strip.pause_button)
    await until(lambda: page.strip.paused)
    assert page.sentence.text().startswith("Paused.")
    assert "$" not in page.strip.label.text(), "nothing costs anything here"
    # What was under way comes to its end; then nothing begins for as long as the pause lasts.
    while_paused = -1
    while while_paused != len(generator.requests):
        while_paused = len(generator.requests)
        await asyncio.sleep(1.5)
    assert while_paused < 12

    click(page.strip.pause_button)
    await until(lambda: len(generator.requests) > while_paused)
    began = asyncio.get_running_loop().time()
    click(page.strip.stop_button)
    await until(lambda: not page.workspace.running)
    assert asyncio.get_running_loop().time() - began < 1.0
    assert page.summary.text().startswith("Stopped:")
    await until(lambda: page.primary.isVisible() and page.primary.text().startswith("Continue"))
    status = page.workspace.status
    assert status is not None
    assert page.sentence.text().startswith(f"The last run was stopped with {status.runnable} patches still open")
    click(page.primary)
    await until(lambda: page.workspace.running)
    click(page.strip.stop_button)
    await until(lambda: not page.workspace.running)


async def test_a_run_that_came_to_its_end_leaves_nothing_to_continue(tmp_path: Path, show_page: ShowPage) -> None:
    page = await show_page(open_project(tmp_path / "p", 3), generator=ScriptedGenerator())
    click(page.panel.limited.button(True))
    page.panel.limit.setValue(1)
    click(page.primary)
    await until(lambda: page.summary.text().startswith("Done:"))
    await until(lambda: page.sentence.text().startswith("2 open patches"))
    await until(lambda: page.primary.text() == "Run 1 patch")


async def test_patches_that_are_held_back_are_counted_beside_what_is_open_and_what_waits(
    tmp_path: Path, show_page: ShowPage
) -> None:
    with waiting_project(tmp_path / "p", 1) as project:
        add_patch(project, 51, hold=Hold.CONTENT_POOR)
    page = await show_page(tmp_path / "p")
    await until(lambda: page.primary.text() == "Review")
    assert page.sentence.text() == "1 pair waits for you. 1 patch is held back in Sources."
    await page.workspace.query(lambda project: add_patch(project, 52))
    page.workspace.refresh()
    await until(lambda: page.primary.text() == "Run 1 patch")
    assert page.sentence.text() == "1 open patch, 1 more held back. No charge."


async def test_a_limit_takes_no_more_patches(tmp_path: Path, show_page: ShowPage) -> None:
    generator = ScriptedGenerator()
    page = await show_page(open_project(tmp_path / "p", 5), generator=generator)
    click(page.panel.limited.button(True))
    type_over(page.panel.limit, "2")
    click(page.primary)
    await until(lambda: page.summary.text())
    assert len(generator.requests) == 2
    await until(lambda: page.sentence.text().startswith("3 open patches"))


async def test_failures_say_why_and_can_be_retried(tmp_path: Path, show_page: ShowPage) -> None:
    page = await show_page(open_project(tmp_path / "p", 3), generator=ScriptedGenerator(refuse_some))
    click(page.primary)
    await until(lambda: page.body.failed.groups)
    (group,) = page.body.failed.groups
    assert (group.decided_by, group.n) == ("generate:network", 1)
    assert group.message == "The network was away for a moment."
    retry = page.body.failed.one_buttons["generate:network"]
    assert retry.text() == "Retry these 1"
    await until(retry.isEnabled)
    page.body.ensureWidgetVisible(retry)
    click(retry)
    await until(lambda: page.primary.text() == "Run 1 patch" and page.primary.isEnabled())
    await until(lambda: not page.body.failed.groups)
    await until(lambda: not page.body.failed.isVisible())


async def test_rejected_patches_can_start_afresh(tmp_path: Path, show_page: ShowPage) -> None:
    with waiting_project(tmp_path / "p", 2) as project:
        for patch_id in (1, 2):
            decide(project, patch_id, Decision.REJECT)
    page = await show_page(tmp_path / "p")
    await until(lambda: page.body.rejected.groups)
    assert not page.primary.isEnabled()
    assert "start rejected patches afresh" in page.sentence.text()
    page.body.ensureWidgetVisible(page.body.rejected.button)
    click(page.body.rejected.button)
    await until(lambda: page.primary.isEnabled())
    assert page.sentence.text().startswith("2 open patches")


async def test_an_empty_project_leads_to_sources(tmp_path: Path, show_page: ShowPage) -> None:
    Project.create(tmp_path / "p").close()
    page = await show_page(tmp_path / "p")
    asked: list[str] = []
    page.page_requested.connect(asked.append)
    await until(page.empty.isVisible)
    click(page.empty.button)
    assert asked == ["sources"]
    assert not page.primary.isVisible()


async def test_held_patches_are_told_apart_from_none(tmp_path: Path, show_page: ShowPage) -> None:
    page = await show_page(open_project(tmp_path / "p", 2, hold=Hold.NOT_SAMPLED))
    await until(lambda: "held back" in page.sentence.text())
    assert page.primary.text() == "Sources"


async def test_read_only_says_why_nothing_runs(tmp_path: Path, show_page: ShowPage) -> None:
    page = await show_page(open_project(tmp_path / "p", 1), read_only=True)
    await until(lambda: "read-only" in page.sentence.text())
    assert not page.primary.isEnabled()
    page.start()
    assert not page.workspace.running


async def test_the_choice_is_remembered_with_the_project(tmp_path: Path, show_page: ShowPage) -> None:
    folder = open_project(tmp_path / "p", 1)
    page = await show_page(folder)
    combo = page.panel.prompts.combo
    assert page.panel.prompts.value == "fix"
    combo.setFocus()
    QTest.keyClick(combo, Qt.Key.Key_Home)
    assert page.panel.prompts.value == "fix-nc"
    await asyncio.sleep(0)
    remembered = await page.workspace.query(lambda project: project.meta("generate.choice"))
    assert json.loads(remembered)["prompts"] == "fix-nc"

    again = GeneratePage(page.workspace)
    await until(lambda: again.panel.prompts.value == "fix-nc")
    again.close()


async def test_start_waits_until_the_project_is_read(tmp_path: Path, open_workspace: OpenWorkspace) -> None:
    workspace = await open_workspace(open_project(tmp_path / "p", 1))
    generator = workspace.session.registry.generators["scripted"] = ScriptedGenerator(delay_s=5)
    choice = {"generator": "scripted", "prompts": "fix", "judge": "measured", "limit": None, "metric_gate": "none"}
    await workspace.query(lambda project: project.set_meta("generate.choice", json.dumps(choice)))
    page = GeneratePage(workspace)
    page.start()
    assert not workspace.running
    await until(lambda: generator.requests)
    page.close()


async def test_a_preset_can_be_copied_edited_and_is_read_again(
    tmp_path: Path, show_page: ShowPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()) or True)
    page = await show_page(open_project(tmp_path / "p", 1))
    click(page.panel.prompt_fold.button)
    assert "Remove the rain" in page.panel.texts.words()
    page.body.ensureWidgetVisible(page.panel.texts.edit)
    click(page.panel.texts.edit)
    own = prompts_folder() / "fix.toml"
    assert opened == [own.as_posix()]

    own.write_text(own.read_text("utf-8").replace("Remove the rain", "Take the rain away"), "utf-8")
    page.activated()
    assert "Take the rain away" in page.panel.texts.words()

    own.write_text("label = ", "utf-8")
    page.activated()
    assert not page.primary.isEnabled()
    assert "fix.toml cannot be read" in page.sentence.text()


async def test_what_decides_is_said_in_words(tmp_path: Path, show_page: ShowPage) -> None:
    page = await show_page(open_project(tmp_path / "p", 1))
    click(page.panel.gates_fold.button)
    words = page.panel.gates.words()
    assert page.panel.gates.isVisible()
    assert "shift at most 3 px" in words
    assert "PIQE (lower is better) against the photo: it may lose up to 16 (general mixed)" in words
    assert "Each must reach 60, object consistency 90" in words
    assert "At most 3 attempts" in words
    click(page.panel.metric_gate.button("none"))
    assert "without being measured" in page.panel.gates.words()


async def test_without_the_ml_extra_patches_wait_and_the_command_can_be_copied(
    tmp_path: Path, show_page: ShowPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The worker process finds a pyiqa that cannot be imported, as on a base install.
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    (shadow / "pyiqa.py").write_text("raise ModuleNotFoundError('No module named pyiqa', name='pyiqa')\n")
    monkeypatch.setenv("PYTHONPATH", str(shadow))
    page = await show_page(open_project(tmp_path / "p", 2), generator=ScriptedGenerator())
    click(page.panel.metric_gate.button("default"))
    click(page.primary)
    await until(page.extra_banner.isVisible, 60)
    assert page.extra_banner.message.text().startswith("2 patches are generated and wait for the metric stage.")
    click(page.extra_banner.action)
    assert QGuiApplication.clipboard().text() == ML_EXTRA_COMMAND


async def test_failed_patches_are_told_of_beside_what_waits_and_what_can_be_exported(
    tmp_path: Path, show_page: ShowPage
) -> None:
    folder = tmp_path / "p"
    with waiting_project(folder, 1) as project:
        lost = add_patch(project, 9)
        append(project, lost, [Failed(1, "generate", Outcome.NETWORK, "No route.")])
    page = await show_page(folder)
    assert page.sentence.text() == "1 pair waits for you. 1 patch failed and can be retried below."
    await page.workspace.reviewing.decide(1, Decision.ACCEPT)
    await until(lambda: page.sentence.text().startswith("1 patch failed"))
    assert page.sentence.text().endswith("The verified pairs can be exported.")
    await until(lambda: "generate:network" in page.body.failed.one_buttons)
    click(page.body.failed.one_buttons["generate:network"])
    await until(lambda: page.sentence.text().startswith("1 open patch"))
    await until(lambda: not page.body.failed.isVisible())


async def test_a_price_is_told_before_the_run_with_what_it_rests_on(tmp_path: Path, show_page: ShowPage) -> None:
    generator = ScriptedGenerator(paid=True, price_usd=0.04)
    page = await show_page(open_project(tmp_path / "p", 5), generator=generator)
    # 5 patches, 1.6 attempts assumed, and three at most.
    await until(lambda: page.primary.text() == "Run 5 patches · about $0.32, at most $0.60")
    assert page.panel.generator.place.text() == "Nothing leaves this machine. About $0.04 per image."
    assert not page.header.assumptions.isVisible()
    click(page.header.assume_button)
    assert "1.6 attempts per patch" in page.header.assumptions.text()
    type_over(page.panel.budget.amount, "0.40")
    QTest.keyClick(page.panel.budget.amount, Qt.Key.Key_Return)
    await until(lambda: page.primary.text() == "Run 5 patches · about $0.32, at most $0.40")
    click(page.panel.budget.kept.button(False))
    await until(lambda: page.primary.text() == "Run 5 patches · about $0.32, at most $0.60")


async def test_the_budget_ends_the_run_and_is_remembered(tmp_path: Path, show_page: ShowPage) -> None:
    generator = ScriptedGenerator(paid=True, price_usd=0.04)
    folder = open_project(tmp_path / "p", 5)
    page = await show_page(folder, generator=generator)
    type_over(page.panel.budget.amount, "0.10")
    QTest.keyClick(page.panel.budget.amount, Qt.Key.Key_Return)
    await until(lambda: page.primary.text() == "Run 5 patches · about $0.10, at most $0.10")
    assert "the budget is expected to end the run early" in page.sentence.text().lower()
    click(page.primary)
    await until(page.banner.isVisible)
    assert "The budget of $0.10 allows no further call" in page.banner.message.text()
    assert len(generator.requests) == 2
    assert "$0.08 of $0.10 spent" in page.summary.text()
    again = GeneratePage(page.workspace)
    await until(lambda: again.panel.budget.value == 0.10)
    again.close()


async def test_a_recipe_is_kept_under_a_name_chosen_renamed_deleted_and_kept_again(
    tmp_path: Path, show_page: ShowPage
) -> None:
    page = await show_page(open_project(tmp_path / "p", 1), generator=ScriptedGenerator())
    names = page.panel.names
    assert names.name == ""
    click(names.save_button)
    QTest.keyClicks(names.field, "Scripted, unmeasured")
    QTest.keyClick(names.field, Qt.Key.Key_Return)
    await until(lambda: names.name == "Scripted, unmeasured")
    click(page.panel.metric_gate.button("default"))
    assert names.name == "", "another choice is not that recipe"
    names.combo.setFocus()
    QTest.keyClick(names.combo, Qt.Key.Key_Down)
    assert page.panel.metric_gate.value == "none"
    assert names.name == "Scripted, unmeasured"
    names.rename_action.trigger()
    type_over(names.field, "Mine")
    QTest.keyClick(names.field, Qt.Key.Key_Return)
    await until(lambda: names.name == "Mine")
    names.delete_action.trigger()
    await until(page.toast.isVisible)
    assert names.name == ""
    click(page.toast.undo)
    await until(lambda: names.name == "Mine")
    kept = await page.workspace.query(named_recipes.all_named)
    assert kept == {"Mine": Choice("scripted", "fix", "scripted", "none")}


async def test_prompts_are_written_read_and_put_into_ones_own_words_before_a_run(
    tmp_path: Path, show_page: ShowPage
) -> None:
    page = await show_page(open_project(tmp_path / "p", 3), generator=ScriptedGenerator())
    writer = page.workspace.session.registry.prompt_writers["scripted"] = ScriptedPrompts(
        "Mend it.", paid=True, price_usd=0.02
    )
    page.panel.show_registry()
    page.panel.set_recipe(Choice("scripted", "scripted", "scripted", "none"))
    click(page.panel.prompt_fold.button)
    page.body.ensureWidgetVisible(page.panel.texts.single)
    click(page.panel.texts.single)
    view = page.views.prompts
    assert view is not None
    await until(lambda: view.primary.text() == "Write 3 prompts · about $0.06")
    click(view.primary)
    await until(lambda: view.text.toPlainText() == "Mend it.")
    assert not view.primary.isVisible()
    assert writer.info.paid

    view.text.setFocus()
    QTest.keyClicks(view.text, "Gently: ")
    click(view.save)
    await until(view.take_back.isVisible)
    facts = await page.workspace.query(lambda project: facts_on_record(project, 1))
    assert [fact.text for fact in facts] == ["Mend it.", "Gently: Mend it."]
    click(view.take_back)
    await until(lambda: view.text.toPlainText() == "Mend it.")
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert page.header.isVisible()


@pytest.mark.parametrize(
    ("decided_by", "words"),
    [
        ("metric:piqe", "Metric filter: PIQE gained too little"),
        ("alignment:shift", "Alignment: shifted too far"),
        ("judge", "Judge: scores too low"),
        ("judge:malformed", "Judging: the answer could not be used"),
        ("person:artefact", "A person: artefact"),
        ("generate:safety_block", "Generating: blocked by the provider's safety filter"),
    ],
)
def test_what_decided_is_said_in_words(decided_by: str, words: str) -> None:
    assert decided_words(decided_by) == words


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.OK])
async def test_each_failure_is_shown_in_words_with_what_can_be_done(
    tmp_path: Path, show_page: ShowPage, outcome: Outcome
) -> None:
    folder = open_project(tmp_path / "p", 1)
    with Project.open(folder) as project:
        append(project, 1, [Failed(1, "generate", outcome, "The provider said so.")])
    page = await show_page(folder)
    await until(page.body.failed.isVisible)
    assert not page.primary.isEnabled()
    shown = "\n".join(label.text() for label in page.body.failed.findChildren(QLabel))
    assert "Generating: " in shown
    assert f"generate:{outcome}" not in shown
    assert "_" not in shown
    assert "The provider said so." in shown
    assert advice(f"generate:{outcome}") in shown
    assert advice(f"generate:{outcome}")
    if outcome in (Outcome.AMBIGUOUS, Outcome.CANCELLED):
        assert "may have been charged" in shown


async def test_what_a_model_on_this_machine_tells_is_shown_at_once(show_page, tmp_path):
    with Project.create(tmp_path / "p") as project:
        add_patch(project, 1)
    page = await show_page(tmp_path / "p", generator=ScriptedGenerator(delay_s=60.0))
    telling = page.workspace.session.services.telling
    click(page.primary)
    await until(lambda: page.workspace.run_progress is not None)
    telling.on_notice("It goes on with model offload.")
    assert page.banner.message.text() == "It goes on with model offload."
    telling.on_progress(Step("steps", 3, 28))
    await until(lambda: "step 3 of 28" in page.strip.doing.text())
    page.workspace.stop_run()
    await until(lambda: not page.workspace.running)

"""Plugins: off until enabled, registered whole or not at all, named when they are broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.projects import png
from ggt_studio.core.errors import StudioError
from ggt_studio.core.policy import attempt_seed
from ggt_studio.core.words import Category
from ggt_studio.providers.base import GenerateRequest, PromptRequest, ProviderError
from ggt_studio.providers.catalogue import load_catalogue
from ggt_studio.providers.hooks import Services
from ggt_studio.providers.keys import Keys
from ggt_studio.providers.presets import own_copy, reread
from ggt_studio.providers.registry import build_registry, find_plugins
from ggt_studio.worker.client import WorkerPool

GOOD = """
from ggt_studio.providers.base import GeneratedImage, ProviderInfo
from ggt_studio.providers.hooks import hookimpl

class Copy:
    info = ProviderInfo(id="copy", label="Copy", description="Gives the LQ patch back.")

    async def generate(self, request):
        return GeneratedImage(request.lq_path.read_bytes(), "image/png")

@hookimpl
def generators(services):
    return [Copy()]
"""


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GGT_STUDIO_HOME", str(tmp_path))
    return tmp_path


def write_plugin(home: Path, name: str, code: str, manifest: str = 'label = "L"\ndescription = "D"\n') -> None:
    folder = home / "plugins" / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(code)
    if manifest:
        (folder / "plugin.toml").write_text(manifest)


@pytest.fixture
def services():
    pool = WorkerPool(1)
    yield Services(pool, load_catalogue(), Keys({}))
    pool.close()


def test_the_built_ins_are_there(services: Services) -> None:
    registry = build_registry(services)
    assert registry.generators.keys() >= {"classical", "nano-banana-2", "gpt-image-2", "seedream-5.0", "kling-image-o1"}
    assert registry.prompt_writers.keys() >= {"fix", "fix-nc", "gemini", "gpt"}
    assert registry.judges.keys() >= {"measured", "gemini", "gpt"}
    assert registry.screeners.keys() >= {"gemini", "gpt"}
    assert registry.problems == {}


async def test_the_example_plugin_works_when_enabled(services: Services, tmp_path: Path) -> None:
    assert "unsharp_example" in {plugin.id for plugin in find_plugins()}
    assert "unsharp-example" not in build_registry(services).generators, "off until enabled"
    generator = build_registry(services, ["unsharp_example"]).generator("unsharp-example")
    lq = tmp_path / "lq.png"
    lq.write_bytes(png(1))

    def request(attempt: int) -> GenerateRequest:
        seed = attempt_seed("a" * 64, 0, attempt)
        return GenerateRequest("unsharp-example", lq, "a" * 64, 160, 160, Category.RAIN, "p", (), attempt, seed)

    first, again, second = [(await generator.generate(request(n))).data for n in (1, 1, 2)]
    assert first == again
    assert first != second, "another attempt is another sample"


def test_looking_at_plugins_runs_none_of_their_code(services: Services, own_home: Path) -> None:
    write_plugin(own_home, "bomb", "raise SystemExit('ran')")
    assert [(p.label, p.problem) for p in find_plugins() if p.id == "bomb"] == [("L", "")]
    build_registry(services)


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("raise ValueError('boom')", "ValueError: boom"),
        ("import", "SyntaxError"),
        ("x = 1", "registers nothing"),
        (GOOD.replace('id="copy"', 'id="classical"'), "taken already"),
        (GOOD.replace("async def", "def"), "no `async def generate`"),
        (GOOD.replace("    info =", "    infos ="), "no `info`"),
        (GOOD.replace("return [Copy()]", "return [Copy(), Copy()]"), "taken already"),
    ],
)
def test_a_broken_plugin_is_named_and_adds_nothing(services: Services, own_home: Path, code: str, problem: str) -> None:
    write_plugin(own_home, "broken", code)
    write_plugin(own_home, "good", GOOD)
    registry = build_registry(services, ["broken", "good", "gone"])
    assert problem in registry.problems["broken"]
    assert "gone" in registry.problems["gone"]
    assert registry.generators.keys() >= {"classical", "copy"}, "the others are not affected"


def test_a_missing_or_broken_description_is_named(own_home: Path) -> None:
    write_plugin(own_home, "bare", GOOD, manifest="")
    write_plugin(own_home, "odd", GOOD, manifest="label = ")
    problems = {p.id: p.problem for p in find_plugins()}
    assert "no plugin.toml" in problems["bare"]
    assert "cannot be read" in problems["odd"]


async def test_a_person_s_preset_takes_the_place_of_ours(services: Services, own_home: Path) -> None:
    (own_home / "prompts").mkdir()
    texts = "\n".join(f'{c} = "Mine for {c}."' for c in Category)
    (own_home / "prompts" / "fix.toml").write_text(f'label = "Mine"\ndescription = "D"\n[texts]\n{texts}\n')
    (own_home / "prompts" / "torn.toml").write_text("label = ")
    registry = build_registry(services)
    writer = registry.prompt_writer("fix")
    assert (await writer.write(PromptRequest(own_home, Category.RAIN))).text == "Mine for rain."
    torn = registry.prompt_writer("torn")
    with pytest.raises(StudioError, match=r"torn\.toml cannot be read"):
        torn.preset_texts()
    with pytest.raises(ProviderError):
        await torn.write(PromptRequest(own_home, Category.RAIN))


async def test_a_preset_that_is_no_text_or_no_file_is_seen_and_says_why(services: Services, own_home: Path) -> None:
    prompts = own_home / "prompts"
    prompts.mkdir()
    (prompts / "latin.toml").write_bytes('label = "café"'.encode("latin-1"))
    (prompts / "folder.toml").mkdir()
    registry = build_registry(services)
    assert {"fix", "latin", "folder"} <= set(registry.prompt_writers)
    for strategy, why in (("latin", r"latin\.toml is not in UTF-8"), ("folder", r"folder\.toml cannot be read")):
        with pytest.raises(StudioError, match=why):
            registry.prompt_writer(strategy).preset_texts()
        assert why.replace("\\", "") in registry.prompt_writer(strategy).info.description
    (prompts / "latin.toml").unlink()
    reread(registry.prompt_writers)
    assert "latin" not in registry.prompt_writers
    with pytest.raises(StudioError, match=r"folder\.toml cannot be read"):
        own_copy("folder")


async def test_every_category_has_a_text_of_its_own_in_both_strategies(services: Services) -> None:
    registry = build_registry(services)
    for strategy in ("fix", "fix-nc"):
        texts = registry.prompt_writer(strategy).preset_texts()
        assert set(texts) == set(Category)
        assert len(set(texts.values())) == len(Category)
    fix, nc = (registry.prompt_writer(s).preset_texts() for s in ("fix", "fix-nc"))
    assert all(nc[c].startswith(fix[c]) and nc[c] != fix[c] for c in Category)


def test_an_unknown_id_names_those_that_there_are(services: Services) -> None:
    with pytest.raises(StudioError, match="no generator called x. There are: classical, "):
        build_registry(services).generator("x")

"""What the README tells people to type is there: commands, their options, ids of models, and an entry of one's own that works."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import click
import pytest

from ggt_studio.cli.main import ggt_studio
from ggt_studio.providers.catalogue import load_catalogue

README = Path(__file__).resolve().parents[1].joinpath("README.md").read_text("utf-8")


def commands() -> list[str]:
    """Each command line of the README; those that stand side by side apart, and continued lines whole."""
    blocks = re.findall(r"```\n(.*?)```", README, re.DOTALL)
    lines = [line for block in blocks for line in re.sub(r"\n +(?=\[?--)", " ", block).splitlines()]
    typed = [
        part for line in lines for part in re.split(r"\s{2,}(?=ggt-studio)", line) if part.startswith("ggt-studio")
    ]
    return [re.sub(r"\s#.*", "", line) for line in typed] + re.findall(r"`(ggt-studio [^`]+)`", README)


def of(line: str) -> tuple[click.Command, list[str]]:
    """The command of a line, and the options that it is given."""
    words = re.sub(r"[\[\]]", " ", line).split()[1:]
    command: click.Command = ggt_studio
    while isinstance(command, click.Group):
        name = words.pop(0).split("|")[0].rstrip(",")
        found = command.get_command(click.Context(command), name)
        assert found is not None, line
        command = found
    return command, [word for word in words if word.startswith("--")]


@pytest.mark.parametrize("line", commands())
def test_each_command_is_there_with_the_options_that_are_named(line: str) -> None:
    command, options = of(line)
    able = {name for parameter in command.params for name in parameter.opts}
    assert set(options) <= able, line


def test_the_ids_of_models_are_those_of_the_catalogue() -> None:
    named = set(re.findall(r"--(?:generator|prompts|judge) ([a-z][\w.-]+)", README))
    assert named > {"nano-banana-2", "gemini"}
    assert named - {"lab-vlm"} <= load_catalogue().models.keys()


def test_the_entry_for_a_server_of_one_s_own_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert entry
    assert tomllib.loads(entry[1])
    monkeypatch.setenv("GGT_STUDIO_HOME", str(tmp_path))
    (tmp_path / "models.toml").write_text(entry[1])
    catalogue = load_catalogue()
    assert catalogue.problems == ()
    assert catalogue.service_of(catalogue.models["lab-vlm"]).protocol == "openai-compatible"

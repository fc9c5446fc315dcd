"""`ggt-studio models`: what `--generator`, `--prompts` and `--judge` take, and how to add models of one's own."""

from __future__ import annotations

from dataclasses import asdict

import click

from ggt_studio.cli.console import json_option, note, say
from ggt_studio.pipeline.offers import NO_KEY, Offer, offers_of, open_registry, problems_of
from ggt_studio.settings import load, models_file

_TITLES = {
    "generator": "Generators (--generator)",
    "prompts": "Prompt strategies (--prompts)",
    "judge": "Judges (--judge, and screening)",
}

EXAMPLE = """\
# Models of your own. Entries here add to ours; an entry with the id of one of ours changes the fields that it names.

# A server that speaks chat completions: vLLM, Ollama, LM Studio, SGLang. Photos go to this address and nowhere else.
[[service]]
id = "lab"
label = "Lab server"
protocol = "openai-compatible"
base_url = "http://127.0.0.1:8000/v1"      # vLLM; Ollama: http://127.0.0.1:11434/v1
# key_variables = ["LAB_API_KEY"]          # only where the server wants a key

# Then: ggt-studio run PROJECT --prompts lab-vlm --judge lab-vlm
[[model]]
id = "lab-vlm"
label = "Qwen3-VL in the lab"
service = "lab"
model = "Qwen/Qwen3-VL-32B-Instruct"       # the name under which the server serves it
roles = ["prompts", "judge"]
capabilities = ["schema"]                  # only where the server keeps answers to a JSON schema, as vLLM does
sizes = { max_side = 1024 }                # longer sides are scaled down before they are sent
price = { free = true }
"""


@click.command()
@click.option("--role", type=click.Choice(list(_TITLES)), help="Only those of one role.")
@click.option("--example", is_flag=True, help="Print an example of a models.toml with a server of your own.")
@json_option
def models(role: str | None, example: bool, as_json: bool) -> None:
    """List every id that --generator, --prompts and --judge take: what a call costs, where photos go, whether its key is there."""
    path = models_file()
    if example:
        if as_json:
            raise click.UsageError("--example prints TOML; it does not go with --json.")
        note(f"Put this into {path}, changed to what you have:")
        click.echo(EXAMPLE, nl=False)
        return
    with open_registry(load()) as (registry, services):
        offers = [offer for offer in offers_of(registry, services) if role in (None, offer.role)]
        problems = problems_of(registry, services)
    document = {
        "models": [asdict(offer) for offer in offers],
        "problems": problems,
        "file": str(path),
        "file_exists": path.is_file(),
    }
    lines = [line for title in _TITLES for line in _table(title, [offer for offer in offers if offer.role == title])]
    lines += [f"Problem: {problem}" for problem in problems]
    lines.append(_about_file(exists=path.is_file()))
    say(as_json, document, lines)


def price_words(offer: Offer) -> str:
    """What one call costs, for people."""
    if offer.price_usd is None:
        return "unknown"
    return f"${offer.price_usd:.3f}" if offer.paid else "free"


def _table(role: str, offers: list[Offer]) -> list[str]:
    if not offers:
        return []
    head = ("id", "a call", "photos go to", "key", "licence", "name")
    rows = [
        (o.id, price_words(o), o.photos_go, "missing" if o.key == NO_KEY else o.key, o.licence or "-", o.label)
        for o in offers
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return [_TITLES[role], *(f"  {line.rstrip()}" for line in table), ""]


def _about_file(*, exists: bool) -> str:
    there = "Your own models are in" if exists else "Models of your own go into"
    return f"{there} {models_file()}; `ggt-studio models --example` prints an entry. `ggt-studio key set SERVICE` keeps a key."

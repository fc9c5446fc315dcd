"""`ggt-studio key`: keep, remove, test and list the keys of services. A key is typed unseen or read from stdin, never an argument."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from ggt_studio.cli.console import DONE, FAILED, json_option, note, run_async, say
from ggt_studio.core.errors import StudioError
from ggt_studio.pipeline.offers import key_sources
from ggt_studio.providers.catalogue import Catalogue, Service, load_catalogue
from ggt_studio.providers.hosted.faults import host_of
from ggt_studio.providers.hosted.probe import probe
from ggt_studio.providers.keys import Keys, KeySource, keyring_name

_NAMES = ("access key", "secret key")


@click.group()
def key() -> None:
    """Keep, remove, test and list the keys of services. `ggt-studio key list` names the services."""


@key.command("set")
@click.argument("service")
@json_option
def set_(service: str, as_json: bool) -> None:
    """Keep the key of SERVICE in the system's keyring. It is typed unseen, or read from stdin: one line per secret."""
    chosen = pick_service(load_catalogue(), service)
    if not keyring_name():
        raise StudioError(f"This system has no keyring that could keep the key of {chosen.label}.{_instead(chosen)}")
    secrets = tuple(_read(chosen, index) for index in range(chosen.secrets))
    Keys({}).give(chosen, secrets, keep=True)
    lines = [
        f"The key of {chosen.label} is in {keyring_name()}. `ggt-studio key test {chosen.id}` tells whether it is taken."
    ]
    say(as_json, {"service": chosen.id, "source": KeySource.KEYRING.value}, lines)


@key.command()
@click.argument("service")
@json_option
def remove(service: str, as_json: bool) -> None:
    """Remove the key of SERVICE from the system's keyring."""
    chosen = pick_service(load_catalogue(), service)
    there = Keys({}).find(chosen) is not None
    keys = Keys()
    if there:
        keys.forget(chosen)
    lines = [
        f"The key of {chosen.label} is removed from {keyring_name()}." if there else "The keyring holds no such key."
    ]
    left = keys.find(chosen)
    if left is not None:
        lines.append(f"There is one in the environment all the same ({' and '.join(_variables(chosen))}).")
    say(as_json, {"service": chosen.id, "removed": there, "source": left.source.value if left else "none"}, lines)


@key.command()
@click.argument("service")
@json_option
def test(service: str, as_json: bool) -> int:
    """Ask SERVICE whether it takes the key, by a request that costs nothing. Exit code 1 when it does not."""
    catalogue, keys = load_catalogue(), Keys()
    chosen = pick_service(catalogue, service)
    served = sorted({model.model for model in catalogue.models.values() if model.service == chosen.id})
    result = run_async(lambda: probe(chosen, keys, served))
    say(as_json, {"service": chosen.id, **asdict(result)}, [result.words])
    return FAILED if result.ok is False else DONE


@key.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the services, and where the key of each was found. Keys themselves are never shown."""
    catalogue, keys = load_catalogue(), Keys()
    sources = key_sources(catalogue, keys)
    keyless = {service.id for service in catalogue.services.values() if service.secrets == 0}
    document = [
        {
            "service": service.id,
            "label": service.label,
            "source": sources[service.id],
            "variables": list(service.key_variables),
            "address": host_of(keys.address(service)),
            "key_url": service.key_url,
        }
        for service in catalogue.services.values()
        if service.id not in keyless
    ]
    lines = [
        f"{entry['service']:<12} {entry['source']:<12} {entry['label']:<24} "
        f"{' and '.join(_variables(catalogue.services[entry['service']]))}".rstrip()
        for entry in document
    ]
    for problem in catalogue.problems:
        note(problem)
    lines.append(
        f"The keyring is {keyring_name()}."
        if keyring_name()
        else "There is no keyring: keys come from the environment."
    )
    say(as_json, document, lines)


def pick_service(catalogue: Catalogue, name: str) -> Service:
    """The service of a name that takes a key. Raises StudioError naming those that there are."""
    able = {service.id: service for service in catalogue.services.values() if service.secrets}
    if name not in able:
        raise StudioError(f"There is no service {name} that takes a key. There are: {', '.join(sorted(able))}.")
    return able[name]


def _read(service: Service, index: int) -> str:
    """One secret, from a prompt that shows nothing or from the next line of stdin. Raises StudioError for what is no key."""
    name = _NAMES[index] if service.secrets > 1 else "key"
    if sys.stdin.isatty():
        secret = click.prompt(f"The {name} for {service.label} (not shown)", hide_input=True, err=True)
    else:
        secret = sys.stdin.readline()
    secret = secret.strip()
    if not secret:
        raise StudioError(f"There was no {name}. Nothing is changed.")
    if not (secret.isascii() and secret.isprintable()) or " " in secret:
        raise StudioError(f"The {name} holds characters that no key has, perhaps from copying. Nothing is changed.")
    return secret


def _variables(service: Service) -> tuple[str, ...]:
    """The environment variables that give the whole key: all of them, or the first of several names of one."""
    return service.key_variables[: service.secrets]


def _instead(service: Service) -> str:
    variables = " and ".join(_variables(service))
    return f" Set {variables} in your environment instead." if variables else ""

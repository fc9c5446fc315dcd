"""The way to hosted models: the keyring, each service with its key, and proxies."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import socket
import sys
from urllib.parse import urlsplit

from ggt_studio.pipeline.checkups.finding import Finding, absent, broken, unknown, works
from ggt_studio.pipeline.offers import NO_KEY, NOT_NEEDED, key_sources
from ggt_studio.providers.apart import apart
from ggt_studio.providers.catalogue import Catalogue, Place, Service, place_of
from ggt_studio.providers.hosted.faults import host_of
from ggt_studio.providers.hosted.probe import ProbeResult, probe
from ggt_studio.providers.keys import Keys, keyring_name, keyring_problem

KEYS, PROXIES = "Keys and services", "Proxies"
# A person may have to unlock the keyring.
_KEYRING_WITHIN_S = 20.0
_PROXY_WITHIN_S = 3.0
_PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")


async def look_at_keys(catalogue: Catalogue, keys: Keys, *, offline: bool) -> list[Finding]:
    """The keyring, and each service that takes a key or that a model of one's own names; all are asked at once."""
    ring = await _keyring()
    try:
        sources = await apart(lambda: key_sources(catalogue, keys), _KEYRING_WITHIN_S)
    except TimeoutError:
        return [ring, unknown(KEYS, "Services", "where their keys are is not known: the keyring did not answer")]
    asked = [
        service
        for service in catalogue.services.values()
        if service.protocol != "diffusers" and (service.key_variables or _models(catalogue, service))
    ]
    return [ring, *await asyncio.gather(*(_service(catalogue, s, keys, sources[s.id], offline=offline) for s in asked))]


async def _keyring() -> Finding:
    try:
        name = await apart(keyring_name, _KEYRING_WITHIN_S)
        if not name:
            return absent(KEYS, "Keyring", "there is none, so that keys come from the environment alone")
        problem = await apart(keyring_problem, _KEYRING_WITHIN_S)
    except TimeoutError:
        mend = "Unlock it, or look at the desktop's password window."
        return broken(KEYS, "Keyring", f"it did not answer within {_KEYRING_WITHIN_S:.0f} s", mend)
    if problem:
        return broken(KEYS, "Keyring", f"{name} cannot be read: {problem}", "Unlock it, and try again.")
    return works(KEYS, "Keyring", name, keyring=name)


def _models(catalogue: Catalogue, service: Service) -> list[str]:
    return sorted({model.model for model in catalogue.models.values() if model.service == service.id})


async def _service(catalogue: Catalogue, service: Service, keys: Keys, source: str, *, offline: bool) -> Finding:
    facts = {"service": service.id, "key": source, "address": host_of(keys.address(service))}
    if source == NO_KEY:
        if half := keys.other_half(service):
            return broken(KEYS, service.label, f"half a key: {' and '.join(half)} is not set", "Set it, too.", **facts)
        at = f"; keys are made at {service.key_url}" if service.key_url else ""
        variables = " and ".join(service.key_variables[: service.secrets])
        mend = f"`ggt-studio key set {service.id}`, or set {variables}{at}"
        return absent(KEYS, service.label, "no key", mend, **facts)
    where = "no key needed" if source == NOT_NEEDED else f"key from the {source}"
    if offline:
        return unknown(KEYS, service.label, f"{where}; not asked", **facts)
    result = await probe(service, keys, _models(catalogue, service))
    return _told(service, where, result, facts)


def _told(service: Service, where: str, result: ProbeResult, facts: dict[str, str]) -> Finding:
    facts = {**facts, "outcome": str(result.outcome or "")}
    words = f"{where}. {result.words}"
    match result.ok:
        case None:
            return unknown(KEYS, service.label, words, **facts)
        case True:
            return works(KEYS, service.label, words, **facts)
        case _:
            return broken(KEYS, service.label, words, **facts)


async def look_at_proxies(*, offline: bool) -> list[Finding]:
    """The proxies that the environment names, and whether something answers there. Names and passwords in them are not told."""
    named = {name: value for name in _PROXY_VARIABLES if (value := _value(name))}
    if not named:
        return [absent(PROXIES, "Proxies", "the environment names none: connections go straight")]
    findings = await asyncio.gather(*(_proxy(name, value, offline=offline) for name, value in named.items()))
    if without := _value("NO_PROXY"):
        findings.append(works(PROXIES, "NO_PROXY", f"no proxy is used for {without}"))
    return findings


def _value(name: str) -> str:
    return os.environ.get(name.lower(), "").strip() or os.environ.get(name, "").strip()


async def _proxy(name: str, value: str, *, offline: bool) -> Finding:
    address = value if "://" in value else f"http://{value}"
    host = host_of(address)
    mend = f"Correct {name}, or unset it where connections need no proxy."
    try:
        parts = urlsplit(address)
        at = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
    except ValueError:
        return broken(PROXIES, name, "it is no address", mend)
    if parts.scheme not in ("http", "https", "socks5", "socks5h") or not at[0]:
        return broken(PROXIES, name, "it is no address of a proxy", mend)
    if parts.scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        return broken(
            PROXIES, name, f"{host} is a SOCKS proxy", f"Install what it needs: {sys.executable} -m pip install socksio"
        )
    if offline:
        return unknown(PROXIES, name, f"leads to {host}; not asked", proxy=host)
    try:
        await apart(lambda: socket.create_connection(at, _PROXY_WITHIN_S).close(), 2 * _PROXY_WITHIN_S)
    except (OSError, UnicodeError, TimeoutError):
        return broken(PROXIES, name, f"leads to {host}, where nothing answers", mend, proxy=host)
    kind = "on this machine" if place_of(address) is Place.MACHINE else "which answers"
    return works(PROXIES, name, f"leads to {host}, {kind}", proxy=host)

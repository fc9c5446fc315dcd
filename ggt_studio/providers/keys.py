"""Keys and addresses of services: from the system's keyring, else the environment, else for this session only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ggt_studio.core.errors import StudioError
from ggt_studio.core.words import Outcome
from ggt_studio.providers.base import ProviderError
from ggt_studio.providers.catalogue import Service

_KEYRING_SERVICE = "ggt-studio"


class KeySource(StrEnum):
    """Where a key was found."""

    SESSION = "session"
    KEYRING = "keyring"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Key:
    """The secrets of one service; they are never printed."""

    secrets: tuple[str, ...] = field(repr=False)
    source: KeySource


class Keys:
    """Finds, keeps and forgets keys. Nothing here ever reaches a project, a log or a message.

    A key given for this session goes before the keyring's, and that before the environment's: what a person typed last counts.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._session: dict[str, tuple[str, ...]] = {}
        self._kept: dict[str, tuple[str, ...] | None] = {}

    def find(self, service: Service) -> Key | None:
        """The key of a service, if there is one."""
        if service.id in self._session:
            return Key(self._session[service.id], KeySource.SESSION)
        if (kept := self._in_keyring(service)) is not None:
            return Key(kept, KeySource.KEYRING)
        if service.secrets == 1:
            for variable in service.key_variables:
                if value := self._environment.get(variable, "").strip():
                    return Key((value,), KeySource.ENVIRONMENT)
            return None
        values = tuple(self._environment.get(v, "").strip() for v in service.key_variables[: service.secrets])
        return Key(values, KeySource.ENVIRONMENT) if values and all(values) else None

    def other_half(self, service: Service) -> tuple[str, ...]:
        """The environment variables that a key of two secrets lacks where the others are set; none where all are, or none is."""
        variables = service.key_variables[: service.secrets] if service.secrets > 1 else ()
        missing = tuple(v for v in variables if not self._environment.get(v, "").strip())
        return missing if len(missing) < len(variables) else ()

    def require(self, service: Service) -> tuple[str, ...]:
        """The secrets of a service. Raises ProviderError `bad_key`, saying how to give one."""
        if key := self.find(service):
            return key.secrets
        if not service.key_variables:
            return ()
        raise ProviderError(
            Outcome.BAD_KEY,
            f"There is no {'whole ' if self.other_half(service) else ''}key for {service.label}. Enter one in Settings, or set "
            f"{' and '.join(self.other_half(service) or service.key_variables[: service.secrets])}.",
        )

    def address(self, service: Service) -> str:
        """The base URL of a service: the environment's where a variable is set, else the catalogue's."""
        for variable in service.address_variables:
            if value := self._environment.get(variable, "").strip():
                return value.rstrip("/")
        return service.base_url.rstrip("/")

    def give(self, service: Service, secrets: tuple[str, ...], *, keep: bool) -> None:
        """Take a key from a person; `keep` puts it into the system's keyring. Raises StudioError where that cannot be done:
        the key then serves this session only."""
        self._session[service.id] = secrets
        if keep:
            self._write_keyring(service, secrets)
            del self._session[service.id]

    def forget(self, service: Service) -> None:
        """Remove a key from this session and from the keyring. That of the environment stays."""
        import keyring
        import keyring.errors

        self._session.pop(service.id, None)
        self._kept.pop(service.id, None)
        for index in range(max(1, service.secrets)):
            try:
                keyring.delete_password(_KEYRING_SERVICE, _entry(service, index))
            except keyring.errors.PasswordDeleteError:
                continue
            except keyring.errors.KeyringError as error:
                raise StudioError(
                    f"The system's keyring did not remove the key of {service.label}: {error}."
                ) from error

    def _in_keyring(self, service: Service) -> tuple[str, ...] | None:
        if service.id not in self._kept:
            self._kept[service.id] = self._read_keyring(service)
        return self._kept[service.id]

    def _read_keyring(self, service: Service) -> tuple[str, ...] | None:
        import keyring
        import keyring.errors

        if service.secrets == 0:
            return None
        try:
            found = [keyring.get_password(_KEYRING_SERVICE, _entry(service, index)) for index in range(service.secrets)]
        except keyring.errors.KeyringError:
            # A headless machine has no keyring, or a locked one: the environment is asked.
            return None
        return tuple(secret for secret in found if secret) if all(found) else None

    def _write_keyring(self, service: Service, secrets: tuple[str, ...]) -> None:
        import keyring
        import keyring.errors

        why = "it forgets what it is given"
        try:
            for index, secret in enumerate(secrets):
                keyring.set_password(_KEYRING_SERVICE, _entry(service, index), secret)
            kept = self._read_keyring(service) == secrets
        except keyring.errors.KeyringError as error:
            kept, why = False, str(error)
        if not kept:
            variables = " and ".join(service.key_variables[: service.secrets])
            instead = f"; to keep it, set {variables} in your environment" if variables else ""
            raise StudioError(
                f"This system has no keyring that keeps the key of {service.label} ({why}). It serves until the program ends{instead}."
            )
        self._kept[service.id] = secrets


def keyring_name() -> str:
    """The system's keyring in words; empty where there is none that keeps anything."""
    import keyring
    from keyring.backends import fail, null

    backend = keyring.get_keyring()
    return "" if isinstance(backend, fail.Keyring | null.Keyring) else backend.name


def keyring_problem() -> str:
    """Why the system's keyring gives nothing at the moment, such as that it is locked; empty where it can be read."""
    import keyring
    import keyring.errors

    try:
        keyring.get_password(_KEYRING_SERVICE, "nothing")
    except keyring.errors.KeyringError as error:
        return str(error) or type(error).__name__
    return ""


def _entry(service: Service, index: int) -> str:
    return service.id if index == 0 else f"{service.id}-{index + 1}"

"""Keys and addresses: which one counts, where it is kept, and that it is never shown."""

from __future__ import annotations

from collections.abc import Iterator

import keyring
import keyring.backend
import keyring.errors
import pytest

from ggt_studio.core.errors import StudioError
from ggt_studio.core.words import Outcome
from ggt_studio.providers.base import ProviderError
from ggt_studio.providers.catalogue import Service, load_catalogue
from ggt_studio.providers.keys import Keys, KeySource


class Drawer(keyring.backend.KeyringBackend):
    """A keyring in memory; `locked` refuses everything."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        self._open()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._open()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._open()
        if self.kept.pop((service, username), None) is None:
            raise keyring.errors.PasswordDeleteError("not found")

    def _open(self) -> None:
        if self.locked:
            raise keyring.errors.KeyringLocked("locked")


@pytest.fixture
def drawer() -> Iterator[Drawer]:
    before, mine = keyring.get_keyring(), Drawer()
    keyring.set_keyring(mine)
    yield mine
    keyring.set_keyring(before)


@pytest.fixture
def google() -> Service:
    return load_catalogue().services["google"]


@pytest.fixture
def kling() -> Service:
    return load_catalogue().services["kling"]


def test_what_was_typed_last_counts_then_the_keyring_then_the_environment(drawer: Drawer, google: Service) -> None:
    keys = Keys({"GOOGLE_API_KEY": "second", "GEMINI_API_KEY": "first"})
    assert keys.require(google) == ("first",)
    keys.give(google, ("kept",), keep=True)
    found = keys.find(google)
    assert found is not None
    assert (found.secrets, found.source) == (("kept",), KeySource.KEYRING)
    keys.give(google, ("typed",), keep=False)
    assert keys.require(google) == ("typed",)
    keys.forget(google)
    assert keys.require(google) == ("first",)
    assert drawer.kept == {}


def test_a_key_of_two_secrets_is_whole_or_not_there(drawer: Drawer, kling: Service) -> None:
    with pytest.raises(ProviderError, match="no key for.* or set KLING_ACCESS_KEY and KLING_SECRET_KEY"):
        Keys({}).require(kling)
    half = Keys({"KLING_ACCESS_KEY": "access"})
    assert half.find(kling) is None
    assert half.other_half(kling) == ("KLING_SECRET_KEY",)
    with pytest.raises(ProviderError, match=r"no whole key for.* or set KLING_SECRET_KEY\.$") as caught:
        half.require(kling)
    assert caught.value.outcome is Outcome.BAD_KEY
    half.give(kling, ("a", "s"), keep=True)
    assert Keys({}).require(kling) == ("a", "s"), "another session finds both in the keyring"


def test_a_locked_keyring_is_passed_over_and_says_so_when_it_should_keep(drawer: Drawer, google: Service) -> None:
    drawer.locked = True
    keys = Keys({"GEMINI_API_KEY": "env"})
    assert keys.require(google) == ("env",)
    with pytest.raises(StudioError, match=r"no keyring that keeps.*GEMINI_API_KEY"):
        keys.give(google, ("typed",), keep=True)
    assert keys.require(google) == ("typed",), "it serves this session"


def test_no_key_shows_in_a_representation(drawer: Drawer, google: Service) -> None:
    keys = Keys({})
    keys.give(google, ("canary",), keep=False)
    assert "canary" not in repr(keys.find(google)) + repr(keys)


def test_an_address_of_the_environment_goes_before_the_catalogue_s(google: Service) -> None:
    assert Keys({}).address(google) == "https://generativelanguage.googleapis.com"
    assert Keys({"GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:9/ "}).address(google) == "http://127.0.0.1:9"


def test_a_service_without_keys_needs_none() -> None:
    assert Keys({}).require(load_catalogue().services["local"]) == ()


def test_the_suite_never_sees_the_person_s_keyring() -> None:
    keyring.set_password("ggt-studio", "probe", "x")
    assert keyring.get_password("ggt-studio", "probe") is None

"""What Qt needs from the system: what is found missing, and what a person is told."""

from __future__ import annotations

import ctypes.util
from pathlib import Path

from scripts import system_libraries as system


def test_a_library_that_exists_loads_and_one_that_does_not_does_not() -> None:
    present = ctypes.util.find_library("c")
    assert present is not None
    assert system.loads(present)
    assert not system.loads("libno-such-library-anywhere.so.9")


def test_a_complete_system_lacks_nothing() -> None:
    assert system.missing(display=True, loads=lambda soname: True, has_fonts=lambda: True) == ()


def test_what_a_window_needs_counts_only_where_there_is_a_display() -> None:
    def no_cursor(soname: str) -> bool:
        return soname != "libxcb-cursor.so.0"

    assert system.missing(display=False, loads=no_cursor, has_fonts=lambda: True) == ()
    (need,) = system.missing(display=True, loads=no_cursor, has_fonts=lambda: True)
    assert need.apt == "libxcb-cursor0"


def test_a_bare_system_gets_one_command_of_its_package_manager() -> None:
    needs = system.missing(display=True, loads=lambda soname: False, has_fonts=lambda: False)
    for manager, words in (
        ("apt-get", ("sudo apt-get install -y", "libegl1", "libxkbcommon0", "libdbus-1-3", "fonts-dejavu-core")),
        ("dnf", ("sudo dnf install -y", "libglvnd-egl", "xcb-util-cursor", "dejavu-sans-fonts")),
        ("pacman", ("sudo pacman -S --needed", "libglvnd", "xcb-util-cursor", "ttf-dejavu")),
    ):
        line = system.install_line(needs, which=lambda name, manager=manager: name if name == manager else None)
        assert "\n" not in line
        assert all(word in line for word in words)
        packages = line.partition(words[0])[2].split()
        assert len(packages) == len(set(packages))


def test_an_unknown_system_gets_the_names_of_what_is_missing() -> None:
    line = system.install_line(system.ALWAYS[:1], which=lambda name: None)
    assert "libEGL.so.1" in line
    assert "package manager" in line


def test_root_installs_just_the_packages_of_what_is_missing() -> None:
    update, install = system.apt_commands((system.FONTS, system.ALWAYS[0]))
    assert update == ["apt-get", "update"]
    assert install[-2:] == ["fonts-dejavu-core", "libegl1"]


def test_fonts_are_looked_for_in_folders_below(tmp_path: Path) -> None:
    assert not system.has_fonts([str(tmp_path), str(tmp_path / "absent")])
    (tmp_path / "truetype").mkdir()
    (tmp_path / "truetype" / "README").touch()
    assert not system.has_fonts([str(tmp_path)])
    (tmp_path / "truetype" / "Some.TTF").touch()
    assert system.has_fonts([str(tmp_path)])

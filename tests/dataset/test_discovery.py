"""Discovery finds each photo once, in a stable order, and survives what file systems hold."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ggt_studio.core.errors import StudioError
from ggt_studio.core.words import Category
from ggt_studio.dataset.discovery import Found, Problem, category_of, discover

needs_permissions = pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 0)() == 0, reason="needs an account that permissions hold back, unlike root"
)


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def found(*roots: Path, exclude: tuple[Path, ...] = ()) -> list[str]:
    """Names relative to the first root, of what is found; problems fail the test."""
    items = list(discover(roots, exclude))
    assert all(isinstance(item, Found) for item in items), items
    return [os.path.relpath(item.path, roots[0]) for item in items if isinstance(item, Found)]


def test_natural_order_folder_by_folder(tmp_path: Path) -> None:
    for name in ("b/IMG_10.jpg", "b/IMG_9.JPG", "b/img_1.png", "a/z.tif", "top2.webp", "Top1.webp", "a/c/d.heic"):
        touch(tmp_path / name)
    expected = ["Top1.webp", "top2.webp", "a/z.tif", "a/c/d.heic", "b/img_1.png", "b/IMG_9.JPG", "b/IMG_10.jpg"]
    assert found(tmp_path) == [str(Path(name)) for name in expected]
    assert found(tmp_path) == found(tmp_path)


def test_what_is_no_photo_is_passed_over(tmp_path: Path) -> None:
    for name in (
        *("notes.txt", "a.csv", "b.json", "README.md", "video.mp4", "noextension", ".hidden.png", "Thumbs.db"),
        *(".git/x.png", "__MACOSX/._a.png", "$RECYCLE.BIN/b.png"),
    ):
        touch(tmp_path / name)
    for suffix in ("dng", "CR2", "nef", "avif", "HEIF", "jpeg", "bmp", "gif"):
        touch(tmp_path / f"photo.{suffix}")
    assert len(found(tmp_path)) == 8


def test_a_chosen_file_is_taken_whatever_its_name(tmp_path: Path) -> None:
    chosen = touch(tmp_path / "scan.photo")
    assert list(discover([chosen])) == [Found(chosen, chosen)]


def test_each_file_once(tmp_path: Path) -> None:
    photo = touch(tmp_path / "a" / "1.png")
    touch(tmp_path / "a" / "2.png")
    roots = [tmp_path, tmp_path / "a", photo, tmp_path / "a" / ".." / "a" / "1.png"]
    assert sorted(item.path.name for item in discover(roots) if isinstance(item, Found)) == ["1.png", "2.png"]


def test_links_in_circles_end(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "1.png")
    (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a", target_is_directory=True)
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    assert found(tmp_path) == [str(Path("a/1.png"))]


def test_links_to_other_folders_are_followed(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere" / "1.png")
    (tmp_path / "chosen").mkdir()
    (tmp_path / "chosen" / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert found(tmp_path / "chosen") == [str(Path("link/1.png"))]


def test_the_project_is_never_imported(tmp_path: Path) -> None:
    touch(tmp_path / "1.png")
    inside = touch(tmp_path / "project" / "patches" / "ab" / "ab.png")
    project = tmp_path / "project"
    assert found(tmp_path, exclude=(project,)) == ["1.png"]
    for chosen in (project, inside.parent, inside):
        (problem,) = discover([chosen], [project])
        assert isinstance(problem, Problem)
        assert "project" in problem.reason


def test_missing_paths_are_named_before_anything_is_found(tmp_path: Path) -> None:
    touch(tmp_path / "1.png")
    with pytest.raises(StudioError, match="gone"):
        next(discover([tmp_path, tmp_path / "gone"]))


def test_names_in_any_script(tmp_path: Path) -> None:
    for name in ("雨/写真.png", "дождь.jpg", "صورة.png", "🌧️ rain.png", " spaces .png", "a'b\"c;d%.png"):
        touch(tmp_path / name)
    assert len(found(tmp_path)) == 6


@pytest.mark.skipif(sys.platform != "linux", reason="only here are names plain bytes")
def test_names_that_are_not_utf8_are_told(tmp_path: Path) -> None:
    touch(tmp_path / "good.png")
    touch(tmp_path / os.fsdecode(b"caf\xe9") / "1.png")
    items = list(discover([tmp_path]))
    (problem,) = [item for item in items if isinstance(item, Problem)]
    problem.path.encode("utf-8")
    assert "rename" in problem.reason
    assert [item.path.name for item in items if isinstance(item, Found)] == ["good.png"]


@needs_permissions
def test_an_unreadable_folder_is_a_problem_and_no_end(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "1.png")
    touch(tmp_path / "b" / "2.png")
    (tmp_path / "a").chmod(0)
    try:
        items = list(discover([tmp_path]))
    finally:
        (tmp_path / "a").chmod(0o700)
    assert isinstance(items[0], Problem)
    assert items[0].path == str(tmp_path / "a")
    assert isinstance(items[1], Found)


def test_deep_folders(tmp_path: Path) -> None:
    """Deeper than the system's longest path: told, not crashed."""
    here = os.open(tmp_path, os.O_RDONLY)
    try:
        for _ in range(80):
            os.mkdir("deep" * 15, dir_fd=here)
            below = os.open("deep" * 15, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
    finally:
        os.close(here)
    touch(tmp_path / "z" / "1.png")
    items = list(discover([tmp_path]))
    assert [item.path.name for item in items if isinstance(item, Found)] == ["1.png"]
    assert len([item for item in items if isinstance(item, Problem)]) == 1


@pytest.mark.parametrize(
    ("folder", "category"),
    [
        ("rain", Category.RAIN),
        ("Rainy", Category.RAIN),
        ("Rainy_Days_2019", Category.RAIN),
        ("hazy", Category.HAZE),
        ("FOG", Category.HAZE),
        ("snowy", Category.SNOW),
        ("low-light", Category.LOW_LIGHT),
        ("Low Light", Category.LOW_LIGHT),
        ("low_light", Category.LOW_LIGHT),
        ("lowlight", Category.LOW_LIGHT),
        ("night", Category.LOW_LIGHT),
        ("dark", Category.LOW_LIGHT),
        ("old-photo", Category.OLD_PHOTO),
        ("Old Photos", Category.OLD_PHOTO),
        ("oldphoto", Category.OLD_PHOTO),
        ("general", Category.GENERAL_MIXED),
        ("general-mixed", Category.GENERAL_MIXED),
        ("General Mixed", Category.GENERAL_MIXED),
        ("mixed", Category.GENERAL_MIXED),
        ("noise", Category.GENERAL_MIXED),
        ("motion_blur", Category.GENERAL_MIXED),
        *((category.value, category) for category in Category),
        ("brain", None),
        ("training", None),
        ("old", None),
        ("photos", None),
        ("rain and snow", None),
    ],
)
def test_folder_names_tell_categories(tmp_path: Path, folder: str, category: Category | None) -> None:
    assert category_of(tmp_path / folder / "1.png", tmp_path) is category


def test_the_nearest_folder_wins_and_the_root_counts(tmp_path: Path) -> None:
    root = tmp_path / "snow"
    assert category_of(root / "rain" / "set1" / "1.png", root) is Category.RAIN
    assert category_of(root / "set1" / "1.png", root) is Category.SNOW
    assert category_of(root / "1.png", root / "1.png") is Category.SNOW
    assert category_of(tmp_path / "haze" / "photos" / "1.png", tmp_path / "haze" / "photos") is None


@pytest.mark.shared
def test_sample_folders_name_their_categories(shared_data: Path) -> None:
    items = list(discover([shared_data / "lq"]))
    assert len(items) == 18
    for item in items:
        assert isinstance(item, Found)
        assert category_of(item.path, item.root) == item.path.parent.name

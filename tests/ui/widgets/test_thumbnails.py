from __future__ import annotations

import os

import pytest
from PySide6.QtGui import QColor, QImage

from ggt_studio.ui.widgets.thumbnail_files import ThumbnailFolder, decode
from ggt_studio.ui.widgets.thumbnails import ThumbKey, ThumbnailCache


def picture(path, width=640, height=320, colour=(200, 30, 40)):
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor(*colour))
    assert image.save(str(path))
    return path


@pytest.fixture
def make(qapp):
    made = []

    def make_cache(folder, **options) -> ThumbnailCache:
        made.append(ThumbnailCache(folder, **options))
        return made[-1]

    yield make_cache
    for cache in made:
        cache.close()


def loaded(cache, qtbot, *keys):
    for key in keys:
        cache.get(key)
    qtbot.waitUntil(lambda: all(cache.get(key) is not None or cache.error(key) for key in keys))


@pytest.mark.parametrize("kind", ["png", "jpg", "webp"])
def test_files_are_decoded_small_with_their_shape_kept(qapp, tmp_path, kind):
    image, reason = decode(picture(tmp_path / f"a.{kind}"), 160)
    assert (image.width(), image.height(), reason) == (160, 80, "")


def test_a_small_photo_is_not_blown_up(qapp, tmp_path):
    image, _ = decode(picture(tmp_path / "a.png", 40, 20), 160)
    assert (image.width(), image.height()) == (40, 20)


def test_a_wrong_extension_does_not_matter(qapp, tmp_path):
    picture(tmp_path / "a.png").rename(tmp_path / "a.jpg")
    image, _ = decode(tmp_path / "a.jpg", 160)
    assert image is not None


def test_missing_and_broken_files_say_so_once(make, qtbot, tmp_path):
    (tmp_path / "b.png").write_bytes(b"not a picture")
    missing, broken = ThumbKey("1" * 64, str(tmp_path / "no.png")), ThumbKey("2" * 64, str(tmp_path / "b.png"))
    cache = make(tmp_path / "thumbs")
    loaded(cache, qtbot, missing, broken)
    assert cache.error(missing) == "no.png is missing. It was moved or deleted."
    assert cache.error(broken).startswith("b.png cannot be shown: ")
    picture(tmp_path / "no.png")
    cache.retry(missing)
    loaded(cache, qtbot, missing)
    assert cache.get(missing) is not None


def test_the_folder_answers_when_the_photo_is_gone(make, qtbot, tmp_path):
    path = picture(tmp_path / "a.png")
    key = ThumbKey("ab" * 32, str(path))
    loaded(make(tmp_path / "thumbs"), qtbot, key)
    path.unlink()
    again = make(tmp_path / "thumbs")
    loaded(again, qtbot, key)
    colour = again.get(key).pixelColor(5, 5)
    assert max(abs(colour.red() - 200), abs(colour.green() - 30), abs(colour.blue() - 40)) <= 4


def test_a_damaged_file_in_the_folder_is_made_anew(make, qtbot, tmp_path):
    key = ThumbKey("ab" * 32, str(picture(tmp_path / "a.png")))
    loaded(make(tmp_path / "thumbs"), qtbot, key)
    (kept,) = (tmp_path / "thumbs").rglob("*.jpg")
    kept.write_bytes(b"")
    again = make(tmp_path / "thumbs")
    loaded(again, qtbot, key)
    assert again.get(key) is not None
    assert kept.stat().st_size > 0


def test_memory_stays_below_its_limit_and_forgets_the_oldest(make, qtbot, tmp_path):
    one = 160 * 80 * 4
    cache = make(None, side=160, memory_bytes=3 * one)
    keys = [ThumbKey(f"{i:064x}", str(picture(tmp_path / f"{i}.png"))) for i in range(5)]
    for key in keys:
        loaded(cache, qtbot, key)
    assert cache.memory_bytes <= 3 * one
    path = tmp_path / "4.png"
    path.unlink()
    assert cache.get(keys[4]) is not None
    assert cache.get(keys[0]) is None


def test_the_newest_wish_comes_first(make, qtbot, tmp_path):
    cache = make(None, threads=1)
    keys = [ThumbKey(f"{i:064x}", str(picture(tmp_path / f"{i}.png"))) for i in range(6)]
    order = []
    cache.ready.connect(order.append)
    for key in keys:
        cache.get(key)
    qtbot.waitUntil(lambda: len(order) == 6)
    assert order == [keys[0], *reversed(keys[1:])]


def test_the_folder_never_outgrows_its_limit_and_drops_the_oldest(qapp, tmp_path):
    folder = ThumbnailFolder(tmp_path, 64, limit_bytes=6000)
    image = QImage(str(picture(tmp_path / "a.png", 64, 64)))
    for number in range(20):
        sha256 = f"{number:064x}"
        assert folder.save(sha256, image)
        (file,) = tmp_path.rglob(f"{sha256}*.jpg")
        os.utime(file, (number, number))
    files = list(tmp_path.rglob("*.jpg"))
    assert 0 < sum(file.stat().st_size for file in files) <= 6000
    assert folder.load(f"{19:064x}") is not None
    assert folder.load(f"{0:064x}") is None


def test_a_full_disk_costs_time_only(qapp, tmp_path):
    (tmp_path / "thumbs").write_text("a file where the folder should be")
    image = QImage(str(picture(tmp_path / "a.png", 64, 64)))
    assert not ThumbnailFolder(tmp_path / "thumbs", 64, 10_000).save("ab" * 32, image)

"""Pairs to train on: paired folders on disk, clean folders, and the pairs of a project. Only names are read here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ggt_studio.core.errors import StudioError
from ggt_studio.dataset.discovery import Found, category_of, discover, storable
from ggt_studio.dataset.records import PairRecord
from ggt_studio.training.pairs import PairFiles

LQ_WORDS = frozenset({"lq", "lr", "low", "input", "inputs", "in", "source", "degraded", "bad", "lowquality"})
HQ_WORDS = frozenset(
    {"hq", "hr", "high", "gt", "target", "targets", "out", "output", "label", "labels"}
    | {"reference", "ref", "groundtruth", "highquality", "original"}
)
"""What folders and files call the two sides; case, spaces, underscores and hyphens do not matter."""

LQ_KINDS = frozenset(
    {"noise", "noisy", "blur", "blurred", "blurry", "haze", "hazy", "rain", "rainy", "snow", "snowy"}
    | {"dark", "lowlight", "raindrop", "compressed"}
)
HQ_KINDS = frozenset({"clean", "clear", "sharp", "normal", "norain", "nosnow", "nohaze", "good"})
"""What they call them by what is wrong with them; a folder or file that says `lq` or `gt` says it better."""

_LQ, _HQ = LQ_WORDS | LQ_KINDS, HQ_WORDS | HQ_KINDS
_HELD_BACK = frozenset(["test", "testing", "val", "valid", "validation", "eval", "evaluation"])
_TOLD = 5

_Groups = dict[tuple[str, ...], tuple[list[Path], list[Path]]]
"""LQ and HQ files by the place that they have in common."""


@dataclass(frozen=True, slots=True)
class FoundPairs:
    """The pairs of a folder, in natural order; `unmatched` are files without a partner, or with more than one, and why;
    `left_out` are folders that are named as for tests and validation, and were not looked into."""

    pairs: tuple[PairFiles, ...]
    unmatched: tuple[tuple[Path, str], ...]
    left_out: tuple[Path, ...]

    def words(self) -> str:
        """For people: how many there are, and what was left."""
        told = ["1 pair" if len(self.pairs) == 1 else f"{len(self.pairs):,} pairs"]
        if self.unmatched:
            some = "; ".join(f"{storable(path)}: {why}" for path, why in self.unmatched[:_TOLD])
            more = f"; and {len(self.unmatched) - _TOLD:,} more" if len(self.unmatched) > _TOLD else ""
            told.append(f"{len(self.unmatched):,} files without a partner ({some}{more})")
        if self.left_out:
            told.append(f"not looked into: {', '.join(sorted({path.name for path in self.left_out}))}")
        return "; ".join(told)


def find_pairs(folder: Path) -> FoundPairs:
    """The pairs under a folder: in sub-folders of the customary names (lq and hq, input and target, LQ and GT, low and
    high, hazy and clear, ...), at any depth, or side by side with such a word in their names (`7_lq.png`, `7_hq.png`).

    Partners have the same name; or, without words for their side, the same name; or the HQ file's name begins the LQ
    file's (`0025.png` and `0025_0.8_0.04.jpg`: several LQ to one HQ). Folders named for tests or validation are left
    out unless chosen themselves. Raises `StudioError` where there is no pair, saying what was found instead.
    """
    files, left_out = _photos(folder)
    groups: _Groups = {}
    strangers = []
    for path in files:
        side = _side(path, folder)
        if side is None:
            strangers.append((path, "neither its name nor its folder says whether it is LQ or HQ"))
        else:
            groups.setdefault(side.group, ([], []))[side.is_hq].append(path)
    pairs, unmatched = _match_all(groups, folder)
    if not pairs:
        raise StudioError(_nothing(folder, files, left_out))
    return FoundPairs(tuple(pairs), (*unmatched, *strangers), left_out)


def match_folders(lq: Path, hq: Path) -> FoundPairs:
    """The pairs of an LQ and an HQ folder, whatever they are called; otherwise as `find_pairs`."""
    groups: _Groups = {}
    for is_hq, folder in enumerate((lq, hq)):
        for path in _photos(folder)[0]:
            groups.setdefault(path.relative_to(folder).parts[:-1], ([], []))[is_hq].append(path)
    pairs, unmatched = _match_all(groups, lq)
    if not pairs:
        raise StudioError(f"No file in {storable(lq)} has a partner of the same name in {storable(hq)}.")
    return FoundPairs(tuple(pairs), tuple(unmatched), ())


def find_clean(folder: Path) -> tuple[PairFiles, ...]:
    """The photos under a folder as clean ones, to be degraded. Raises `StudioError` where there is none."""
    files, _ = _photos(folder)
    if not files:
        raise StudioError(f"There are no photos in {storable(folder)}.")
    return tuple(PairFiles(_name(path, folder), None, path, _about(path, folder)) for path in files)


def project_pairs(records: Iterable[PairRecord]) -> tuple[PairFiles, ...]:
    """The pairs of a project, with what an evaluation by category and a model card need to know of them."""
    return tuple(
        PairFiles(
            f"patch {record.patch_id}",
            record.lq_path,
            record.hq_path,
            {
                "category": record.category.value,
                "group": record.group,
                "patch_id": record.patch_id,
                "generator": record.generator,
                "recipe_hash": record.recipe_hash,
            },
        )
        for record in records
    )


@dataclass(frozen=True, slots=True)
class _Side:
    """On which side a file is, and the folder without the word that says so: files are matched within it."""

    is_hq: bool
    group: tuple[str, ...]


def _photos(folder: Path) -> tuple[list[Path], tuple[Path, ...]]:
    """The photos under a folder, and the folders for tests that were left out."""
    if not folder.is_dir():
        raise StudioError(f"{storable(folder)} is no folder, or cannot be reached.")
    found = [item.path for item in discover([folder]) if isinstance(item, Found)]
    taken, left_out = [], set()
    for path in found:
        parts = path.relative_to(folder).parts[:-1]
        held_back = next((i for i, part in enumerate(parts) if _plain(part) in _HELD_BACK), None)
        if held_back is None:
            taken.append(path)
        else:
            left_out.add(folder.joinpath(*parts[: held_back + 1]))
    return taken, tuple(sorted(left_out))


def _side(path: Path, folder: Path) -> _Side | None:
    """By the nearest folder whose whole name is a word for a side, or by a word at either end of the file's name; words
    for kinds of damage, with which a folder may also name its subject, come after both."""
    parts = path.relative_to(folder).parts[:-1]
    for lq, hq in ((LQ_WORDS, HQ_WORDS), (_LQ, _HQ)):
        for i in reversed(range(len(parts))):
            if _plain(parts[i]) in lq | hq:
                return _Side(_plain(parts[i]) in hq, parts[:i] + parts[i + 1 :])
        ends = _ends(path.stem)
        if bool(ends & lq) != bool(ends & hq):
            return _Side(bool(ends & hq), parts)
    return None


def _match_all(groups: _Groups, folder: Path) -> tuple[list[PairFiles], list[tuple[Path, str]]]:
    pairs, unmatched = [], []
    for lq, hq in groups.values():
        found, left = _match(lq, hq, folder)
        pairs += found
        unmatched += left
    return pairs, unmatched


def _match(lq: list[Path], hq: list[Path], folder: Path) -> tuple[list[PairFiles], list[tuple[Path, str]]]:
    targets: dict[str, list[Path]] = {}
    bare: dict[str, list[Path]] = {}
    for path in hq:
        targets.setdefault(_key(path), []).append(path)
        bare.setdefault(_without_words(_key(path)), []).append(path)
    pairs, unmatched, used = [], [], set()
    for path in lq:
        partners = _partners(_key(path), targets, bare)
        used.update(partners)
        if len(partners) == 1:
            pairs.append(PairFiles(_name(path, folder), path, partners[0], _about(path, folder)))
        elif partners:
            names = " and ".join(partner.name for partner in partners[:2])
            unmatched.append((path, f"more than one file could be its target ({names})"))
        else:
            unmatched.append((path, "no HQ file has its name"))
    unmatched += [(path, "no LQ file has its name") for path in hq if path not in used]
    return pairs, unmatched


def _partners(key: str, targets: Mapping[str, list[Path]], bare: Mapping[str, list[Path]]) -> list[Path]:
    if key in targets:
        return targets[key]
    stripped = _without_words(key)
    if stripped in bare:
        return bare[stripped]
    for end in (m.start() for m in reversed(list(re.finditer(r"[-_. ]", stripped)))):
        if stripped[:end] in bare:
            return bare[stripped[:end]]
    return []


def _key(path: Path) -> str:
    return path.stem.casefold()


def _without_words(stem: str) -> str:
    """A file's name without words for its side at either end: `norain-001` and `rain-001` are both `001`."""
    parts = re.split(r"([-_. ]+)", stem)
    while len(parts) > 1 and _plain(parts[-1]) in _LQ | _HQ:
        parts = parts[:-2]
    while len(parts) > 1 and _plain(parts[0]) in _LQ | _HQ:
        parts = parts[2:]
    return "".join(parts)


def _ends(stem: str) -> frozenset[str]:
    parts = re.split(r"[-_. ]+", stem.casefold())
    return frozenset((parts[0], parts[-1])) if len(parts) > 1 else frozenset()


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _name(path: Path, folder: Path) -> str:
    return storable(path.relative_to(folder).with_suffix(""))


def _about(path: Path, folder: Path) -> dict[str, str]:
    category = category_of(path, folder)
    return {"category": category.value} if category else {}


def _nothing(folder: Path, files: list[Path], left_out: tuple[Path, ...]) -> str:
    seen = sorted({storable(path.relative_to(folder).parent) for path in files} - {"."})
    where = f" Its folders with photos: {', '.join(seen[:_TOLD])}{' ...' if len(seen) > _TOLD else ''}." if seen else ""
    tests = (
        f" Folders for tests were not looked into ({', '.join(path.name for path in left_out)})." if left_out else ""
    )
    return (
        f"No pairs were found in {storable(folder)} ({len(files):,} photos).{where}{tests} Pairs lie in two folders such as lq and "
        "hq, with the same names in both, or side by side as 1_lq.png and 1_hq.png; or choose the two folders one by one."
    )

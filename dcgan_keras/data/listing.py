"""Which files of a folder are its pictures, and which class and split they are of.

Files are listed and not opened: a million names take seconds.
"""

import contextlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dcgan_keras.data.pictures import suffixes
from dcgan_keras.files import UnreadableFile, printable, read_json

SYSTEM_NAMES = {  # in lower case; hidden ones (.DS_Store, ._photo.jpg) have their dot
    "__macosx",
    "__pycache__",
    "@eadir",
    "@recycle",
    "@recently-snapshot",
    "#recycle",
    "#snapshot",
    "~snapshot",
    "$recycle.bin",
    "recycler",
    "thevolumesettingsfolder",
    "@tmp",
    "#trash",
    "network trash folder",
    "temporary items",
    "system volume information",
    "lost+found",
    "thumbs.db",
    "desktop.ini",
}
FOUND_BY_CHKDSK = re.compile(r"found\.\d{3}")
RUN_FILES = ("config.json", "history.csv")  # a run's folder: its grids are no data
RUN_KEYS = {"recipe", "batch_size", "latent_dim"}  # in its config.json
RUN_PICTURES = re.compile(r"samples/step_\d+\.png|training\.gif")  # in its folder
# trainA and trainB are two domains; train2017, test_images and training-set no more
# than longer names.
SPLIT = re.compile(
    "((?P<train>train|training)|(?P<test>test|testing)|(val|valid|validation|dev))"
    "((?P<domain>[ab])|[ _-]?(set|data|images?|imgs|photos|pictures|[0-9]{2,4}))?",
    re.IGNORECASE,
)
# seg_train, test1, eval: no names of splits here; beside each other they may be meant.
LIKE_SPLIT = re.compile(
    "(?:.*[^a-z])?(?:(train|training)|test|testing|val|valid|validation|dev|eval|"
    "evaluation|holdout)(?:[^a-z].*)?",
    re.IGNORECASE | re.DOTALL,
)
NO_CLASS = re.compile(  # alone in a test part
    "images?|imgs|photos|pictures|data|all|unknown|unlabell?ed", re.IGNORECASE
)
OTHER_KINDS = "of other kinds"
OF_A_RUN = "of a run"
ALREADY = "linked to what is counted already"

_loaded: dict[str, list[str]] = {}  # names of classes, by the folder as it was loaded


class LeftOut:
    """What is not used: how many of each kind, and the first of them by name.

    Args:
        folder: names are given relative to it.
    """

    NAMED = 3

    def __init__(self, folder: str | Path):
        self.folder = str(folder)
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = {}

    def add(self, kind: str, path: str, detail: str = "") -> None:
        """Count a file or a folder; ``detail`` says what is wrong with it."""
        name = os.path.relpath(path, self.folder)
        self.count(kind, f"{name}: {detail}" if detail else name)

    def count(self, kind: str, example: str = "", number: int = 1) -> None:
        """Count ``number`` of this kind, such as ``example``."""
        self.counts[kind] += number
        named = self.examples.setdefault(kind, [])
        if example and len(named) < self.NAMED and printable(example) not in named:
            named.append(printable(example))

    def __str__(self) -> str:
        """ "2 hidden (.a, .b), 12 of other kinds (.txt, .mat)"."""
        return ", ".join(map(self._of_kind, self.counts))

    def _of_kind(self, kind: str) -> str:
        named, number = self.examples[kind], self.counts[kind]
        more = ["..."] if number > len(named) == self.NAMED else []
        return f"{number:,} {kind}" + (f" ({', '.join(named + more)})" if named else "")


class Listing(NamedTuple):
    """The pictures of one split.

    paths: in the order of their names.
    labels: int64, the place of each one's class in ``classes``, or None.
    classes: names; those of all splits, where there are splits.
    remark: which classes or splits are not seen where one would expect them, or "".
    is_split: whether this is one of several splits.
    """

    paths: list[str]
    labels: np.ndarray | None
    classes: list[str]
    remark: str
    is_split: bool


def list_pictures(folder: str | Path, split: str, left_out: LeftOut) -> Listing:
    """The pictures of a folder's split, by name alone.

    Hidden and system files and folders, files that Pillow does not decode, and what is
    no regular file are left out. Links are followed; what they lead to counts once.
    Folders of runs are left out; where this folder is itself one, what the run drew.

    Subfolders named as splits usually are (train, training; test, testing; val, valid,
    validation, dev; also trainA and trainB, train2017, test_images) are splits where
    one is for training and one is not, or where there is nothing else; "test" is val/
    if there is no test/. If every class has splits of its own (cat/train, cat/test),
    these are meant. Other subfolders are classes, if there are two or more. One that
    stands alone is looked into, also one in each split (train/train, train/images), or
    as test/images, test/unknown and the like where no class for training has its name.

    Args:
        folder: the folder.
        split: "train" or "test".
        left_out: what is not used is added to it.

    Raises:
        ValueError: no picture, or no such split.
        OSError: the folder cannot be opened.
    """
    paths = _without_own(_walk(str(folder), left_out), str(folder), left_out)
    if not paths:
        raise ValueError(
            f"name: no image in the folder {folder}; looked for .png, .jpg and what "
            "else Pillow decodes, in it and below"
            + (f"; left out: {left_out}" if left_out.counts else "")
        )
    start = len(os.path.join(folder, ""))
    names = [path[start:] for path in paths]
    tops = Counter(map(_top, names))
    while len(tops) == 1 and "" not in tops and not _split_of(*tops):
        start = len(*tops) + 1
        names = [name[start:] for name in names]
        tops = Counter(map(_top, names))
    if not _has_splits(tops) and _are_classes_of_splits(names):
        names = [_split_before_class(name) for name in names]
        tops = Counter(map(_top, names))
    splits = {top: _split_of(top) for top in tops if top}
    kinds = set(splits.values())
    if not _has_splits(tops) and ("" in tops or None in kinds):
        if split == "test":
            raise ValueError(
                f"split: {folder} has no test part: it lacks the subfolders train/ and "
                "test/"
            )
        remark = _unused_splits(names) or _like_splits(tops)
        return _listing(paths, [_top(name) for name in names], remark)
    wanted = "val" if split == "test" and "test" not in kinds else split
    if wanted not in kinds:
        there = ", ".join(f"{top}/" for top in splits)
        raise ValueError(f"split: {folder} has no {split} part, only {there}")
    for top, number in tops.items():
        if splits.get(top) != wanted:
            left_out.count(f"in {top}/" if top else "in the folder itself", "", number)
    names = _without_lone(names, {top for top in splits if splits[top]})
    names = _without_unlearned(names, splits)
    known = {_class_in_split(name) for name in names if splits.get(_top(name))} - {""}
    chosen = [i for i, name in enumerate(names) if splits.get(_top(name)) == wanted]
    classes = [_class_in_split(names[i]) for i in chosen]
    return _listing([paths[i] for i in chosen], classes, known=known)


def class_names(folder: str | Path, count: int) -> list[str] | None:
    """The names that the labels of a folder's training pictures are places in.

    Args:
        folder: that ``list_pictures`` takes.
        count: one more than the largest label.

    Returns:
        The names that the labels had when this process last loaded the folder. If it
        did not, those of the listing, or None where these are not ``count``: without
        splits a class of which no picture can be read has no number.

    Raises:
        ValueError: as from ``list_pictures``.
    """
    loaded = _loaded.get(os.path.realpath(folder), [])
    if count <= len(loaded):
        return loaded
    listing = list_pictures(folder, "train", LeftOut(folder))
    most, is_split = len(listing.classes), listing.is_split
    is_known = count == most or is_split and count < most
    return listing.classes if is_known else None


def remember_names(folder: str | Path, names: list[str]) -> None:
    """Keep the names behind the labels of a folder's training pictures."""
    _loaded[os.path.realpath(folder)] = names


def is_run(folder: str | Path) -> bool:
    """Whether a folder is a run's; it may have been killed before its first history."""
    config, history = (os.path.join(folder, name) for name in RUN_FILES)
    if not os.path.exists(config) or os.path.exists(history):
        return os.path.exists(config)
    with contextlib.suppress(OSError, UnreadableFile):
        return read_json(config, "the configuration of a run").keys() >= RUN_KEYS
    return False


def has_split(folder: str | Path, split: str) -> bool:
    """Whether ``list_pictures`` finds pictures of that split in a folder."""
    try:
        list_pictures(folder, split, LeftOut(folder))
    except ValueError:
        return False
    return True


def _top(name: str) -> str:
    """The first folder of a relative path; "" for a file that lies flat."""
    first, separator, _ = name.partition(os.sep)
    return first if separator else ""


def _below(name: str) -> str:
    """cat/train/1.png -> "train/1.png"; 1.png -> ""."""
    return name.partition(os.sep)[2]


def _split_before_class(name: str) -> str:
    """cat/train/1.png -> "train/cat/1.png"."""
    first, second, rest = name.split(os.sep, 2)
    return os.path.join(second, first, rest)


def _are_classes_of_splits(names: list[str]) -> bool:
    """Whether in each first folder there are splits and nothing else.

    Not trainA and the like, for these say what the classes are.
    """
    inside: dict[str, set[str]] = {}
    for name in names:
        inside.setdefault(_top(name), set()).add(_top(_below(name)))
    seconds = set().union(*inside.values())
    are_splits = [SPLIT.fullmatch(second) for second in seconds]
    return all(map(_has_splits, inside.values())) and all(
        found and not found["domain"] for found in are_splits
    )


def _without_lone(names: list[str], tops: set[str]) -> list[str]:
    """train/train/cat/1.png -> "train/cat/1.png", if in test/ there is test/ alone.

    Or the same folder in each split, or pictures alone; other folders are classes.
    """
    while True:
        inside = {(_top(name), _top(_below(name))) for name in names}
        inside = [(top, second) for top, second in inside if top in tops]
        seconds = {second for _, second in inside} - {""}
        is_one = len(seconds) == 1 or all(map(_split_of, seconds))
        if not seconds or not is_one or len(inside) > len(tops):
            return names
        names = [_without_second(n) if _top(n) in tops else n for n in names]


def _without_unlearned(names: list[str], splits: dict[str, str | None]) -> list[str]:
    """test/images/1.png -> "test/1.png", if train/ has no class of that name."""
    inside = {(_top(name), _top(_below(name))) for name in names}
    counts = Counter(top for top, _ in inside)
    learned = {second for top, second in inside if splits.get(top) == "train"}
    lone = {
        top
        for top, second in inside
        if splits.get(top) and counts[top] == 1
        if second not in learned and NO_CLASS.fullmatch(second)
    }
    return [_without_second(n) if _top(n) in lone else n for n in names]


def _without_second(name: str) -> str:
    """train/images/1.png -> "train/1.png"; train/1.png stays."""
    first, _, rest = name.partition(os.sep)
    return os.path.join(first, _below(rest) or rest)


def _has_splits(tops: Iterable[str]) -> bool:
    """Whether one is for training, and one is not."""
    return {"train"} < set(map(_split_of, tops)) - {None}


def _unused_splits(names: list[str]) -> str:
    """A word if there are splits further down."""
    inside: dict[str, set[str]] = {}
    for folder in sorted({os.path.dirname(name) for name in names}):
        while folder:
            folder, last = os.path.split(folder)
            inside.setdefault(folder, set()).add(last)
    for folder, tops in inside.items():
        if _has_splits(tops):
            return f"the splits in {folder}/ are not used, all counts"
    return ""


def _like_splits(tops: Iterable[str]) -> str:
    """A word if there may be splits by other names, and one of them for training."""
    found = {top: match for top in sorted(tops) if (match := LIKE_SPLIT.fullmatch(top))}
    if {bool(match[1]) for match in found.values()} != {True, False}:
        return ""
    named = ", ".join(f"{top}/" for top in found)
    return f"{named}: not named as splits are (train/, test/, val/), so all counts"


def _split_of(top: str) -> str | None:
    """train, Training, trainA, train_images -> "train"; no split's name -> None."""
    match = SPLIT.fullmatch(top)
    if not match:
        return None
    return "train" if match["train"] else "test" if match["test"] else "val"


def _class_in_split(name: str) -> str:
    """train/cat/1.png -> "cat"; trainA/1.png -> "A"; train/1.png -> ""."""
    domain = SPLIT.fullmatch(_top(name))["domain"]
    return domain.upper() if domain else _top(_below(name))


def _listing(
    paths: list[str], classes: list[str], remark: str = "", known: set | None = None
) -> Listing:
    names = sorted(set(classes) | (known or set()))
    is_split = known is not None
    flat = classes.count("")
    if flat or len(names) < 2:
        if 0 < flat < len(paths):
            beside = f"no classes, for {flat:,} lie beside the subfolders"
            remark = "; ".join(filter(None, [beside, remark]))
        return Listing(paths, None, [], remark, is_split)
    remark = "; ".join(filter(None, [_alike(names), remark]))
    places = {name: place for place, name in enumerate(names)}
    labels = np.array([places[name] for name in classes], np.int64)
    return Listing(paths, labels, names, remark, is_split)


def _alike(names: list[str]) -> str:
    """A word on classes that one may take for the same."""
    seen: dict[str, str] = {}
    for name in names:
        plain = unicodedata.normalize("NFC", name.strip()).casefold()
        first = seen.setdefault(plain, name)
        if first != name:
            return f"two classes have nearly the same name ({first!r}, {name!r})"
    return ""


def _walk(folder: str, left_out: LeftOut) -> list[str]:
    """The pictures in and below a folder, each real folder entered once."""
    readable = suffixes()
    found, file_links = [], []
    waiting, folder_links, entered = [folder], [], set()
    root = os.path.realpath(folder)
    while waiting or folder_links:
        # Links wait until all real folders are read: those keep their own names.
        here = waiting.pop() if waiting else folder_links.pop(0)
        real = os.path.realpath(here)
        if real in entered or root.startswith(os.path.join(real, "")):
            left_out.add(ALREADY, here)
            continue
        entered.add(real)
        entries = _entries(here, left_out, here == folder)
        for entry in entries:
            kind = _refusal(entry, readable)
            if kind == OTHER_KINDS:
                left_out.count(kind, os.path.splitext(entry.name)[1] or "no suffix")
            elif kind:
                left_out.add(kind, entry.path)
            elif entry.is_dir():
                (folder_links if entry.is_symlink() else waiting).append(entry.path)
            else:
                (file_links if entry.is_symlink() else found).append(entry.path)
    counted = set()
    for link in file_links:
        real = os.path.realpath(link)
        if real in counted or _is_listed(real, entered, readable):
            left_out.add(ALREADY, link)
        else:
            counted.add(real)
            found.append(link)
    found.sort(key=lambda path: path.replace(os.sep, "\0"))  # folder by folder
    return found


def _entries(here: str, left_out: LeftOut, is_root: bool) -> list[os.DirEntry]:
    try:
        with os.scandir(here) as opened:
            entries = sorted(opened, key=lambda entry: entry.name)
    except OSError as error:
        if is_root:
            raise
        left_out.add("that cannot be opened", here, error.strerror)
        return []
    if not is_root and is_run(here):
        left_out.add(OF_A_RUN, here)
        return []
    return entries


def _without_own(paths: list[str], folder: str, left_out: LeftOut) -> list[str]:
    """Leave out what a run drew, if the folder is this run's, or the run's samples/.

    For a training may write into the folder that it reads.
    """
    root = os.path.realpath(folder)
    homes = [home for home in (root, os.path.dirname(root)) if is_run(home)]
    if not homes:
        return paths
    others = []
    for path in paths:
        place = os.path.join(root, os.path.relpath(path, folder))
        names = (os.path.relpath(place, home).replace(os.sep, "/") for home in homes)
        if any(map(RUN_PICTURES.fullmatch, names)):
            left_out.add(OF_A_RUN, path)
        else:
            others.append(path)
    return others


def _refusal(entry: os.DirEntry, readable: set[str]) -> str:
    """Why an entry is neither a picture nor a folder to enter, or ""."""
    if entry.name.startswith("."):
        return "hidden"
    name = entry.name.lower()
    if name in SYSTEM_NAMES or FOUND_BY_CHKDSK.fullmatch(name):
        return "of the system"
    if entry.is_symlink() and not os.path.exists(entry.path):
        return "linked to nothing"
    if entry.is_dir():
        return ""
    if os.path.splitext(entry.name)[1].lower() not in readable:
        return OTHER_KINDS
    return "" if entry.is_file() else "neither file nor folder"


def _is_listed(real: str, entered: set[str], readable: set[str]) -> bool:
    """Whether a file was met by its own name in a folder that was read."""
    parent, name = os.path.split(real)
    suffix = os.path.splitext(name)[1].lower()
    return parent in entered and suffix in readable and not name.startswith(".")

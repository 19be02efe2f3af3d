"""What counts as a picture of a folder, and of which class and split it is."""

import os
import socket

import numpy as np
import pytest

from dcgan_keras.data import listing
from dcgan_keras.data.listing import LeftOut, class_names, list_pictures
from dcgan_keras.data.pictures import suffixes


def files(folder, *names):
    """Empty files: listing opens none."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return folder


def listed(folder, split="train"):
    """The relative names, the labels as a list or None, and what is said."""
    left_out = LeftOut(folder)
    found = list_pictures(folder, split, left_out)
    labels = None if found.labels is None else list(found.labels)
    return [os.path.relpath(p, folder) for p in found.paths], labels, str(left_out)


CLASSES = ["cat/1.png", "dog/1.png"]
RUN = ["config.json", "history.csv", "weights.npz", "training.gif"]
RUN += [f"samples/step_{step:06d}.png" for step in (1, 200, 1_000_000)]


# What is no picture ----------------------------------------------------------


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (".ipynb_checkpoints/x.png", "1 hidden (.ipynb_checkpoints)"),
        ("cat/.ipynb_checkpoints/1-checkpoint.png", "1 hidden"),
        ("cat/._1.png", "1 hidden (cat/._1.png)"),
        (".cat.png.swp.png", "1 hidden"),
        (".git/x.png", "1 hidden (.git)"),
        ("cat/.DS_Store", "1 hidden"),
        ("__MACOSX/cat/1.png", "1 of the system (__MACOSX)"),
        ("cat/@eaDir/1.png/thumb.jpg", "1 of the system (cat/@eaDir)"),
        ("$RECYCLE.BIN/x.png", "1 of the system"),
        ("@Recycle/cat/x.png", "1 of the system (@Recycle)"),
        ("RECYCLER/S-1-5-21/x.png", "1 of the system (RECYCLER)"),  # Windows XP
        ("found.001/x.png", "1 of the system (found.001)"),
        ("FOUND.000/dir0000.chk/x.png", "1 of the system (FOUND.000)"),  # chkdsk
        ("TheVolumeSettingsFolder/x.png", "1 of the system"),  # netatalk
        ("cat/@tmp/x.png", "1 of the system (cat/@tmp)"),  # Synology
        ("cat/#snapshot/hourly/1.png", "1 of the system (cat/#snapshot)"),
        ("cat/Thumbs.db", "1 of the system"),
        ("notes.txt", "1 of other kinds (.txt)"),
        ("annotations/1.JSON", "1 of other kinds (.JSON)"),
        ("README", "1 of other kinds (no suffix)"),
        ("cat/1.eps", "1 of other kinds (.eps)"),
        ("clip.mpeg", "1 of other kinds (.mpeg)"),
        ("cat/arrow.cur", "1 of other kinds (.cur)"),
    ],
)
def test_what_is_no_picture_is_counted_and_makes_no_class(tmp_path, extra, said):
    files(tmp_path, *CLASSES, extra)
    names, labels, left_out = listed(tmp_path)
    assert names == CLASSES and labels == [0, 1]
    assert said in left_out


def test_many_of_a_kind_are_counted_and_a_few_are_named(tmp_path):
    files(tmp_path, "1.png", *[f".{n}.png" for n in range(5)])
    files(tmp_path, *[f"{n}.txt" for n in range(4)], "a.mat")
    _, _, left_out = listed(tmp_path)
    assert left_out == (
        "5 hidden (.0.png, .1.png, .2.png, ...), 5 of other kinds (.txt, .mat)"
    )


def test_nothing_is_said_where_nothing_is_left_out(tmp_path):
    assert listed(files(tmp_path, *CLASSES))[2] == ""


def test_a_hidden_folder_is_read_where_it_is_asked_for(tmp_path):
    files(tmp_path / ".cache" / "__MACOSX", *CLASSES)
    assert listed(tmp_path / ".cache" / "__MACOSX")[0] == CLASSES


@pytest.mark.parametrize(
    "suffix",
    ".png .PNG .Jpg .jpeg .jfif .jpe .ppm .pgm .bmp .gif .webp .tif .tiff .tga .dds "
    ".jp2 .mpo".split(),
)
def test_what_pillow_decodes_is_listed(tmp_path, suffix):
    assert listed(files(tmp_path, f"a{suffix}"))[0] == [f"a{suffix}"]


def test_programs_are_not_run_for_a_picture():
    assert not suffixes() & {".eps", ".ps", ".wmf", ".h5", ".pdf", ".mpg"}


def test_a_folder_with_the_name_of_a_picture_is_entered(tmp_path):
    assert listed(files(tmp_path, "a.png/1.png"))[0] == ["a.png/1.png"]


def test_what_is_neither_file_nor_folder_is_left_out(tmp_path, monkeypatch):
    """A FIFO would be waited at for ever, /dev/zero be read for ever."""
    files(tmp_path, "1.png")
    os.mkfifo(tmp_path / "fifo.png")
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind("socket.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    (tmp_path / "linked.png").symlink_to(tmp_path / "fifo.png")
    names, _, left_out = listed(tmp_path)
    assert names == ["1.png"] and "4 neither file nor folder (fifo.png" in left_out


def test_the_grids_of_a_run_are_no_data(tmp_path):
    """An output folder inside of the data."""
    files(tmp_path, "1.png", *[f"run/{name}" for name in RUN])
    names, _, left_out = listed(tmp_path)
    assert names == ["1.png"] and left_out == "1 of a run (run)"
    files(tmp_path, "other/config.json", "other/2.png")
    assert listed(tmp_path)[0] == ["1.png", "other/2.png"]


@pytest.mark.parametrize(
    ("own", "labels"),
    [
        (["1.png", "samples.png", "step_000001.png"], None),
        (CLASSES, [0, 1]),
        (["cat/training.gif", "dog/samples/step_000001.png"], [0, 1]),
        (["cat/1.png", "dog/1.png", "samples/1.png"], [0, 1, 2]),
        (["samples/1.png", "samples/step_a.png"], None),
    ],
)
def test_a_run_in_the_data_s_own_folder_adds_no_picture(tmp_path, own, labels):
    """``--output p3 --dataset p3``, and then ``--resume``."""
    folder = files(tmp_path / "p3", *own)
    assert listed(folder)[:2] == (own, labels)
    link(tmp_path / "link", files(folder, *RUN))
    said = "4 of a run (samples/step_000001.png, samples/step_000"
    for name in (folder, tmp_path / "link"):
        assert listed(name)[:2] == (own, labels) and said in listed(name)[2]
    (folder / "history.csv").unlink()  # killed before it was written
    config = '{"recipe": "paper", "batch_size": 8, "latent_dim": 3}'
    (folder / "config.json").write_text(config)
    assert listed(folder)[:2] == (own, labels) and said in listed(folder)[2]


def test_a_run_around_the_data_adds_no_picture(tmp_path):
    """Its grids go to samples/, which may be the folder with the data."""
    files(tmp_path / "run", "samples/1.png", *RUN)
    names, _, left_out = listed(tmp_path / "run" / "samples")
    assert names == ["1.png"] and left_out.startswith("3 of a run (step_000001.png, ")


def test_what_a_run_would_draw_is_a_picture_where_there_is_no_run(tmp_path):
    own = ["samples/step_000001.png", "training.gif"]
    assert listed(files(tmp_path, *own, "config.json"))[0] == own


def test_a_folder_of_a_run_and_nothing_else_has_no_image(tmp_path):
    with pytest.raises(ValueError, match=r"no image in the folder .*4 of a run \(samp"):
        listed(files(tmp_path, *RUN))


def test_a_class_may_be_without_a_picture_that_can_be_read(tmp_path):
    """Then the listing alone does not know which of the names has which number."""
    files(tmp_path, "a/1.png", "b/1.png", "c/1.png")
    assert class_names(tmp_path, 3) == ["a", "b", "c"]
    assert class_names(tmp_path, 2) is None


def test_a_folder_that_cannot_be_opened_is_named(tmp_path, monkeypatch):
    files(tmp_path, *CLASSES, "secret/1.png")
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    names, labels, left_out = listed(tmp_path)
    assert names == CLASSES and labels == [0, 1]
    assert left_out == "1 that cannot be opened (secret: Permission denied)"
    with pytest.raises(PermissionError):
        listed(tmp_path / "secret")


def test_a_folder_without_pictures_says_what_there_was(tmp_path):
    files(tmp_path, "a.txt", "b.txt", ".c.png")
    with pytest.raises(ValueError, match=r"no image in .*1 hidden \(\.c\.png\), 2 of"):
        listed(tmp_path)


# Links -----------------------------------------------------------------------


def link(path, target):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def test_class_folders_may_be_links(tmp_path):
    files(tmp_path / "far", "a/1.png", "b/1.png", "b/2.png")
    link(tmp_path / "here" / "cat", tmp_path / "far" / "a")
    link(tmp_path / "here" / "dog", tmp_path / "far" / "b")
    names, labels, left_out = listed(tmp_path / "here")
    assert names == ["cat/1.png", "dog/1.png", "dog/2.png"] and labels == [0, 1, 1]
    assert left_out == ""


def test_the_folder_itself_may_be_a_link(tmp_path):
    link(tmp_path / "here", files(tmp_path / "far", *CLASSES))
    assert listed(tmp_path / "here")[:2] == (CLASSES, [0, 1])


@pytest.mark.parametrize("target", [".", "..", "cat", "../here/cat", "/", "cat/loop"])
def test_loops_are_cut_and_nothing_counts_twice(tmp_path, target):
    """ "best" sorts before "cat", but the real folder keeps the pictures."""
    here = files(tmp_path / "here", *CLASSES)
    files(tmp_path, "outside.png")
    link(here / "best", target)
    link(here / "cat" / "loop", here / "cat")
    names, labels, left_out = listed(here)
    assert names == CLASSES and labels == [0, 1]
    assert "2 linked to what is counted already" in left_out


def test_links_in_a_circle_lead_nowhere(tmp_path):
    link(tmp_path / "a.png", tmp_path / "b.png")
    link(tmp_path / "b.png", tmp_path / "a.png")
    link(tmp_path / "c", tmp_path / "gone")
    names, _, left_out = listed(files(tmp_path, "1.png"))
    assert names == ["1.png"]
    assert left_out == "3 linked to nothing (a.png, b.png, c)"


def test_linked_pictures_are_read_once(tmp_path):
    """As in caches of downloads: the link has the suffix, its target has none."""
    files(tmp_path / "blobs", "0a1b")
    here = files(tmp_path / "here", "1.png")
    link(here / "0.png", "../blobs/0a1b")
    link(here / "2.png", "../blobs/0a1b")
    link(here / "3.png", "1.png")
    names, _, left_out = listed(here)
    assert names == ["0.png", "1.png"]
    assert left_out == "2 linked to what is counted already (2.png, 3.png)"


def test_a_link_is_read_where_its_target_is_not_read_by_its_own_name(tmp_path):
    here = files(tmp_path, ".hidden.png", "1.PNG")
    link(here / "0.png", ".hidden.png")
    link(here / "2.png", "1.PNG")
    names, _, left_out = listed(here)
    assert names == ["0.png", "1.PNG"]
    assert left_out.endswith("1 linked to what is counted already (2.png)")


# Splits and classes ----------------------------------------------------------


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "test"),
        ("train", "val"),
        ("Train", "Validation"),
        ("training", "testing"),
        ("TRAIN", "valid"),
        ("train", "dev"),
        ("train2017", "val2017"),  # COCO
        ("training_set", "test_set"),
        ("train_images", "test-images"),
        ("trainset", "Test Data"),
    ],
)
def test_the_usual_names_are_splits(tmp_path, train, test):
    files(tmp_path, f"{train}/cat/1.png", f"{train}/dog/2.png", f"{test}/dog/3.png")
    names, labels, left_out = listed(tmp_path)
    assert names == [f"{train}/cat/1.png", f"{train}/dog/2.png"] and labels == [0, 1]
    assert left_out == f"1 in {test}/"
    names, labels, left_out = listed(tmp_path, "test")
    assert names == [f"{test}/dog/3.png"] and labels == [1]
    assert left_out == f"2 in {train}/"


def test_a_flat_part_beside_one_of_classes_shifts_no_number(tmp_path):
    files(tmp_path, *[f"train/{name}" for name in CLASSES], "val/1.png")
    assert listed(tmp_path)[1] == [0, 1]
    assert listed(tmp_path, "test")[1] is None


def test_test_goes_before_val(tmp_path):
    files(tmp_path, "train/1.png", "val/2.png", "val/3.png", "test/4.png", "5.png")
    names, labels, left_out = listed(tmp_path, "test")
    assert names == ["test/4.png"] and labels is None
    assert left_out == "1 in the folder itself, 1 in train/, 2 in val/"


def test_two_domains_with_a_letter_each_are_classes(tmp_path):
    """As the data of CycleGAN come: trainA, trainB, testA, testB."""
    files(tmp_path, "trainA/1.png", "trainB/2.png", "testA/3.png", "testB/4.png")
    assert listed(tmp_path)[:2] == (["trainA/1.png", "trainB/2.png"], [0, 1])
    assert listed(tmp_path, "test")[:2] == (["testA/3.png", "testB/4.png"], [0, 1])


def test_words_that_begin_as_a_split_are_classes(tmp_path):
    files(tmp_path, "trainer/1.png", "testament/2.png", "valley/3.png", "trainc/4.png")
    assert listed(tmp_path)[1] == [0, 1, 2, 3]


def test_a_train_among_other_things_is_a_class(tmp_path):
    """Locomotives."""
    files(tmp_path, "bus/1.png", "car/1.png", "train/1.png")
    assert listed(tmp_path)[1] == [0, 1, 2]
    with pytest.raises(ValueError, match="no test part"):
        listed(tmp_path, "test")


def test_train_alone_is_the_split(tmp_path):
    files(tmp_path, "train/cat/1.png", "train/dog/1.png")
    assert listed(tmp_path)[1] == [0, 1]
    with pytest.raises(ValueError, match=r"no test part, only train/"):
        listed(tmp_path, "test")


def test_a_part_that_is_not_there_is_not_made_of_others(tmp_path):
    files(tmp_path, "test/1.png", "val/1.png")
    with pytest.raises(ValueError, match=r"split: .* no train part, only test/, val/"):
        listed(tmp_path)


@pytest.mark.parametrize("above", ["", "photos/", "a/b/c/"])
def test_a_folder_that_stands_alone_is_looked_into(tmp_path, above):
    """As archives are unpacked."""
    files(tmp_path, f"{above}cat/1.png", f"{above}dog/1.png", "__MACOSX/x.png")
    assert listed(tmp_path)[1] == [0, 1]
    files(tmp_path / "2", f"{above}train/1.png", f"{above}val/2.png")
    assert listed(tmp_path / "2", "test")[0] == [f"{above}val/2.png"]


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train/train", "test/test"),  # as archives in one archive are unpacked
        ("train/images", "val/images"),
        ("train/Train/images", "test/Test/images"),
    ],
)
def test_a_folder_that_stands_alone_in_each_split_is_looked_into(tmp_path, train, test):
    names = [f"{train}/cat/1.png", f"{train}/dog/2.png"]
    files(tmp_path, *names, f"{test}/dog/3.png", f"{test}/cat/4.png")
    assert listed(tmp_path)[:2] == (names, [0, 1])
    assert listed(tmp_path, "test")[1] == [0, 1]
    assert class_names(tmp_path, 2) == ["cat", "dog"]


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["train/train/1.png", "test/test/2.png"], None),
        (["train/images/cat/1.png", "train/images/dog/2.png", "val/3.png"], [0, 1]),
        (["train/images/1.png", "train/masks/2.png", "val/images/3.png"], [0, 1]),
        (["train/a/x/1.png", "test/b/y/2.png"], [0]),  # a class in each
        (["train/a/1.png", "test/a/2.png", "test/b/3.png"], [0]),
    ],
)
def test_what_is_a_class_in_one_split_alone_stays_one(tmp_path, names, labels):
    files(tmp_path, *names)
    assert listed(tmp_path)[1] == labels


def test_a_folder_alone_in_a_test_part_is_no_class(tmp_path):
    """As Tiny ImageNet comes: its test pictures have no labels."""
    train = ["train/n01/images/1.png", "train/n02/images/2.png"]
    files(tmp_path, *train, "val/images/3.png", "test/images/4.png")
    assert listed(tmp_path)[:2] == (train, [0, 1])
    assert listed(tmp_path, "test")[:2] == (["test/images/4.png"], None)
    assert class_names(tmp_path, 2) == ["n01", "n02"]
    files(tmp_path / "b", "train/a/1.png", "train/b/2.png", "test/b/3.png")
    assert listed(tmp_path / "b", "test")[1] == [1]  # a class that is learned
    files(tmp_path / "c", "train/a/1.png", "train/b/2.png", "test/all/b/3.png")
    assert listed(tmp_path / "c", "test")[1] == [1]


def test_folders_that_stand_alone_may_be_many():
    """More than Python calls itself."""
    names = [f"{top}/{'a/' * 1500}cat/1.png" for top in ("train", "test")]
    shorter = listing._without_lone(names, {"train", "test"})
    assert shorter == ["train/1.png", "test/1.png"]


@pytest.mark.parametrize(
    ("one", "other"), [("Cat", "cat"), ("cat", "cat "), ("cafe\u0301", "caf\xe9")]
)
def test_classes_of_nearly_the_same_name_get_a_word(tmp_path, one, other):
    """As folders unpacked on other systems, or by two people, are merged."""
    files(tmp_path, f"{one}/1.png", f"{other}/2.png", "dog/3.png")
    found = list_pictures(tmp_path, "train", LeftOut(tmp_path))
    assert len(found.classes) == 3
    assert found.remark == f"two classes have nearly the same name ({one!r}, {other!r})"


@pytest.mark.parametrize(("train", "test"), [("train", "test"), ("Training", "val")])
def test_splits_below_each_class_are_splits(tmp_path, train, test):
    """As those of MVTec's data, once a class is unpacked beside another."""
    parts = [(name, split) for name in ("cat", "train") for split in (train, test)]
    names = [f"{name}/{split}/1.png" for name, split in parts]
    files(tmp_path, *names)
    assert listed(tmp_path)[:2] == (names[::2], [0, 1])
    assert listed(tmp_path, "test")[:2] == (names[1::2], [0, 1])


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["cat/train/1.png", "dog/test/2.png"], [0, 1]),
        (["bus/dev/1.png", "car/Test/2.png", "steam/train/3.png"], [0, 1, 2]),
        (["cat/testA/1.png", "cat/trainA/2.png", "dog/trainA/3.png"], [0, 0, 1]),
        (["a/test/1.png", "a/train/2.png", "b/train/3.png"], [0, 0, 1]),
    ],
)
def test_splits_of_some_classes_alone_are_none(tmp_path, names, labels):
    files(tmp_path, *names)
    assert listed(tmp_path)[:2] == (names, labels)


@pytest.mark.parametrize(
    ("names", "where"),
    [
        (["archive/train/1.png", "archive/test/2.png", "cover.png"], "archive"),
        (["a/train/1.png", "a/val/2.png", "b/3.png"], "a"),
        (["a/b/train/1.png", "a/b/test/x/2.png", "c/3.png", "a/4.png"], "a/b"),
    ],
)
def test_splits_further_down_get_a_word(tmp_path, names, where):
    files(tmp_path, *names)
    found = list_pictures(tmp_path, "train", LeftOut(tmp_path))
    assert len(found.paths) == len(names)
    assert found.remark.endswith(f"the splits in {where}/ are not used, all counts")


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "test1"),  # Kaggle's cats and dogs
        ("seg_train/seg_train", "seg_test/seg_test"),  # Intel's scenes
        ("DIV2K_train_HR", "DIV2K_valid_HR"),
        ("Training", "eval"),
        ("Train", "Test "),
    ],
)
def test_what_looks_like_splits_and_is_none_gets_a_word(tmp_path, train, test):
    files(tmp_path, f"{train}/cat/1.png", f"{test}/cat/2.png")
    found = list_pictures(tmp_path, "train", LeftOut(tmp_path))
    tops = sorted(name.split("/")[0] for name in (train, test))
    assert len(found.paths) == 2 and found.classes == tops
    assert found.remark == (
        f"{tops[0]}/, {tops[1]}/: not named as splits are (train/, test/, val/), so "
        "all counts"
    )


@pytest.mark.parametrize(
    "names",
    [
        ["train/1.png", "valley/2.png", "testament/3.png"],
        ["crash_test/1.png", "test-tube/2.png"],
        ["a/train/1.png", "b/2.png"],  # locomotives
        ["a/test/1.png", "b/val/2.png"],
        ["a/train/1.png", "b/test/2.png", "c/3.png"],
    ],
)
def test_a_name_of_a_split_alone_gets_no_word(tmp_path, names):
    files(tmp_path, *names)
    found = list_pictures(tmp_path, "train", LeftOut(tmp_path))
    assert len(found.paths) == len(names) and found.remark == ""


def test_pictures_beside_the_classes_take_them_away_with_a_word(tmp_path):
    files(tmp_path, *CLASSES, "preview.png")
    found = list_pictures(tmp_path, "train", LeftOut(tmp_path))
    assert len(found.paths) == 3 and found.labels is None
    assert found.remark == "no classes, for 1 lie beside the subfolders"
    files(tmp_path / "flat", "1.png", "2.png")  # these lie beside nothing
    flat = list_pictures(tmp_path / "flat", "train", LeftOut(tmp_path / "flat"))
    assert len(flat.paths) == 2 and flat.remark == ""


def test_the_order_is_that_of_the_folders(tmp_path):
    """Not of the text: "-" sorts before "/"."""
    names = ["a/2.png", "a/b/1.png", "a-b/1.png", "a.png", "ab/1.png"]
    files(tmp_path, *reversed(names))
    assert listed(tmp_path)[0] == names


def test_names_that_are_no_text_are_read_and_said_on_one_line(tmp_path):
    name = os.fsdecode(b"caf\xe9.png")
    files(tmp_path, name, "a\n.png", "\x1b[2Jb\n.txt\n")
    names, _, left_out = listed(tmp_path)
    assert names == ["a\n.png", name]
    assert left_out == r"1 of other kinds (.txt\n)"


def test_no_file_is_opened(tmp_path, monkeypatch):
    """Neither is one asked for its size: a million names must take seconds."""
    files(tmp_path, *[f"{n % 3}/{n}.png" for n in range(300)])
    calls = []
    for name in ("stat", "lstat", "open"):
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *a, real=real, **k: calls.append(a) or real(*a, **k)
        )
    assert len(listed(tmp_path)[0]) == 300
    # A few for each folder's real path.
    assert len(calls) < 100
    assert isinstance(list_pictures(tmp_path, "train", LeftOut("")).labels, np.ndarray)

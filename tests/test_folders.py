import os
from pathlib import Path

import pytest

from asl import ASLDataset, DatasetError, find_dataset
from asl.folders import class_folders, class_root, files_by_sign, images_in, left_out


@pytest.mark.parametrize(
    ("place", "found"), [("", True), ("up/here", True), ("too/far/down", False)]
)
def test_class_folders_are_found_two_levels_below_and_no_deeper(place, found, tmp_path):
    (tmp_path / place / "z").mkdir(parents=True)
    (tmp_path / ".hidden" / "a").mkdir(parents=True)
    assert class_root(tmp_path) == (tmp_path / place if found else None)


def test_images_are_files_with_the_right_suffix_that_are_not_hidden(tmp_path):
    for name in ("b.png", "a.JPG", "c.jpeg", "notes.txt", "._b.png"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in images_in(tmp_path)] == ["a.JPG", "b.png", "c.jpeg"]
    assert images_in(tmp_path / "nowhere") == []


def test_class_folders_may_be_upper_case(write_images, tmp_path):
    folder = write_images()
    for sign in "abcxyz":
        (folder / sign).rename(folder / f"{sign}.")
        (folder / f"{sign}.").rename(folder / sign.upper())
    dataset = ASLDataset(folder)
    assert len(dataset) == 180 and dataset.labels == [
        label for label in range(36) for _ in range(5)
    ]
    assert class_folders(folder)[10] == ("a", folder / "A")


def test_both_cases_of_a_sign_are_one_class(write_images):
    folder = write_images()
    lower, upper = folder / "a", folder / "A"
    if upper.exists():
        pytest.skip("this file system does not tell A from a")
    upper.mkdir()
    (lower / "hand1_a_dif_seg_1_cropped.png").rename(upper / "photo.png")
    assert ASLDataset(folder).labels.count(10) == 5


@pytest.mark.parametrize("parts", [("train", "test"), ("train", "valid", "test")])
def test_train_and_test_side_by_side_are_both_offered(parts, write_images, tmp_path):
    for part in parts:
        write_images(folder=tmp_path / "data" / part)
    for find in (ASLDataset, find_dataset):
        with pytest.raises(DatasetError, match=f"found {len(parts)}: name one of them") as caught:
            find(tmp_path / "data")
        assert all(
            f"asl.ASLDataset('{tmp_path / 'data' / part}')" in str(caught.value) for part in parts
        )
    assert len(ASLDataset(tmp_path / "data" / "train")) == 180


def test_files_that_are_no_images_are_counted_and_named(tmp_path):
    for name in ("a.txt", "b.gif", "c", "Thumbs.db", "desktop.ini", ".DS_Store", "x.png"):
        (tmp_path / name).touch()
    images, others, *_ = files_by_sign([("a", tmp_path)], tmp_path)
    assert images == {tmp_path / "x.png": "a"}
    assert [path.name for path in others] == ["a.txt", "b.gif", "c"]
    words = left_out(others, [], tmp_path, "asking")
    assert words.startswith("left out 3 file(s) that are not images (.gif, .txt, no suffix): ")
    many = left_out([tmp_path / f"{i}.txt" for i in range(9)], [], tmp_path, "asking")
    assert "9 file(s)" in many and many.endswith("/4.txt, …")
    assert left_out([], [], tmp_path, "asking") == ""


# --- folders that may not be read ----------------------------------------------------------------


@pytest.mark.parametrize("closed", ["itself", "above it"])
@pytest.mark.parametrize("read", [ASLDataset, find_dataset])
def test_a_folder_that_may_not_be_read_is_not_called_empty(
    read, closed, write_images, tmp_path, monkeypatch
):
    folder, access, status = write_images(), os.access, os.stat

    def refuse(path, **options):
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied", str(path))
        return status(path, **options)

    if closed == "itself":  # root may read everything, so it is not closed in earnest
        monkeypatch.setattr(os, "access", lambda at, mode: Path(at) != folder and access(at, mode))
    else:
        monkeypatch.setattr(os, "stat", refuse)
    with pytest.raises(PermissionError, match=r"^the folder '.*images' may not be read$"):
        read(folder)


def test_a_folder_in_it_that_may_not_be_read_does_not_matter(write_images, tmp_path, monkeypatch):
    folder, listed = write_images(folder=tmp_path / "down" / "here"), Path.iterdir

    def refuse(path):
        if path == tmp_path / "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    (tmp_path / "closed").mkdir()
    monkeypatch.setattr(Path, "iterdir", refuse)
    assert class_root(tmp_path) == folder


@pytest.mark.parametrize("name", ["nowhere", "no\0name"])
def test_a_folder_that_is_not_there_has_no_class_folders(name, tmp_path):
    assert class_root(tmp_path / name) is None


def _link(path, target):
    try:
        path.symlink_to(target)
    except OSError:  # Windows asks for a right
        pytest.skip("no symbolic links here")


def _nowhere(path):
    _link(path, path.with_name("moved.png"))


def _to_itself(path):
    _link(path, path)


def _out_to_nowhere(path):
    _link(path, path.parents[3] / "moved" / "1.png")


def _pipe(path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes with names here")
    os.mkfifo(path)


@pytest.mark.parametrize("make", [_nowhere, _to_itself, _pipe, _out_to_nowhere])
def test_what_is_named_like_an_image_but_is_no_file_is_named(make, write_images, run):
    folder = write_images()
    make(folder / "a" / "lost.png")
    follow = {"follow_links": make is _out_to_nowhere}
    with pytest.raises(DatasetError, match="found 1 unreadable image file.*\n.*lost.png: "):
        ASLDataset(folder, **follow)
    with pytest.warns(UserWarning, match="left out 1 unreadable image file.*\n.*lost.png: "):
        assert len(ASLDataset(folder, on_error="skip", **follow)) == 180
    if make is _out_to_nowhere:
        with pytest.warns(UserWarning, match=r"left out 1 link\(s\) that lead out of .*lost.png"):
            assert len(ASLDataset(folder)) == 180
    arguments = ["--follow-links"] * follow["follow_links"]
    status, out, err = run("predict", *arguments, folder / "a")
    assert status == 2 and out.count(".png: ") == 5 and "lost.png" in err


def test_the_order_is_that_of_names_on_every_system(tmp_path):
    for name in ("b.png", "C.png", "a.png", "a b.png"):
        (tmp_path / name).touch()
    assert [path.name for path in images_in(tmp_path)] == ["C.png", "a b.png", "a.png", "b.png"]

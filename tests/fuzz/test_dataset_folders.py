"""Whatever a folder holds, it is read as its class folders say, or refused as documented."""

import shutil
import warnings
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from readers import pictures

from asl import SIGNS, ASLDataset, find_dataset

PNG = pictures()[0]
CONTENTS = {"picture": PNG, "damaged": PNG[:60], "text": b"no picture", "empty": b""}
FOLDERS = [*"a0tZ", "zz", "train", "test", "images", ".hidden", "a.png", "ä", " a", "__MACOSX"]
FILES = ["1.png", "2.JPG", "a.jpeg", "._1.png", ".x.png", "a", "hand1_a_dif_seg_1_cropped.jpeg"]
FILES += ["Thumbs.db", "notes.txt", "x.HEIC", "hand99999999999999999999_a_dif_seg_0_.png"]
FILES += ["line\nbreak.png"]

contents = st.sampled_from([*CONTENTS, "link to the folder above", "link to nothing"])
trees = st.recursive(
    st.dictionaries(st.sampled_from(FILES), contents, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from(FOLDERS), inner | contents, max_size=5),
    max_leaves=12,
)


def write(tree, folder: Path) -> None:
    folder.mkdir()
    for name, content in tree.items():
        if isinstance(content, dict):
            write(content, folder / name)
        elif content == "link to the folder above":
            (folder / name).symlink_to("..")
        elif content == "link to nothing":
            (folder / name).symlink_to("nothing")
        else:
            (folder / name).write_bytes(CONTENTS[content])


@given(tree=trees, on_error=st.sampled_from(["skip", "raise"]))
def test_any_folder_is_read_as_its_class_folders_say_or_refused(tree, on_error, tmp_path):
    root = tmp_path / "root"
    shutil.rmtree(root, ignore_errors=True)
    write(tree, root)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            found = find_dataset(root)
            dataset = ASLDataset(root, image_size=16, on_error=on_error, progress=False)
        except (OSError, ValueError):
            return
    assert dataset.data_dir == found
    files = [Path(file) for file in dataset.image_files]
    assert [SIGNS[label] for label in dataset.labels] == [f.parent.name.lower() for f in files]
    assert all(file.read_bytes() == PNG for file in files)
    there = [path for path in found.glob("*/*") if path.parent.name.lower() in SIGNS]
    visible = [
        p
        for p in there
        if p.name[0] != "." and p.suffix.lower() in (".png", ".jpg", ".jpeg", ".heic")
    ]
    assert sorted(files) == sorted(p for p in visible if p.is_file() and p.read_bytes() == PNG)
    picture = Image.open(files[0]).convert("RGB")
    assert dataset.images.shape == (len(files), 3, 16, 16)
    assert (dataset.images == dataset.images[0]).all() and np.asarray(picture).std() > 0

import hashlib
import re

import pytest

from asl import SIGNS, ASLDataset, corrections, load_asl_data


def test_the_table_names_images_of_the_set_that_lie_in_the_folder_of_another_sign():
    for name, (sign, digest) in corrections.CORRECTIONS.items():
        assert sign in SIGNS and name.split("_")[1] != sign
        assert re.fullmatch("[0-9a-f]{16}", digest)
    assert len({digest for _, digest in corrections.CORRECTIONS.values()}) == 10


@pytest.fixture
def misfiled(write_images, monkeypatch):
    """A folder in which one file is known, by name and content, to show another sign."""
    folder = write_images()
    file = folder / "4" / "hand1_4_dif_seg_2_cropped.png"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    monkeypatch.setattr(corrections, "CORRECTIONS", {file.name: ("5", digest)})
    return file


def sign_of(dataset, file):
    return SIGNS[dataset.labels[dataset.image_files.index(str(file))]]


def test_labels_are_corrected_only_on_request(misfiled):
    folder = misfiled.parent.parent
    as_filed, corrected = ASLDataset(folder), ASLDataset(folder, corrected=True)
    assert (sign_of(as_filed, misfiled), sign_of(corrected, misfiled)) == ("4", "5")
    assert sum(a != b for a, b in zip(as_filed.labels, corrected.labels, strict=True)) == 1


def test_a_split_is_the_same_with_corrected_labels(misfiled):
    folder = misfiled.parent.parent
    for split in ("random", "burst"):
        as_filed = load_asl_data(folder, split=split)
        corrected = load_asl_data(folder, split=split, corrected=True)
        assert [part.indices for part in as_filed] == [part.indices for part in corrected]
    assert sign_of(corrected[0].dataset, misfiled) == "5"


def test_another_picture_of_the_same_name_keeps_its_label(misfiled):
    misfiled.write_bytes(misfiled.with_name("hand1_4_dif_seg_3_cropped.png").read_bytes())
    with pytest.warns(UserWarning, match="corrected=True changed nothing.*none of the"):
        dataset = ASLDataset(misfiled.parent.parent, corrected=True)
    assert sign_of(dataset, misfiled) == "4"


@pytest.mark.real_images
def test_all_corrections_apply_to_the_real_images(real_images):
    as_filed, corrected = ASLDataset(real_images), ASLDataset(real_images, corrected=True)
    changed = [
        (SIGNS[a], SIGNS[b])
        for a, b in zip(as_filed.labels, corrected.labels, strict=True)
        if a != b
    ]
    assert sorted(changed) == [("4", "5")] * 5 + [("5", "4")] * 5

import hashlib
import re
import string

import pytest
import torch
from torch.utils.data import ConcatDataset, DataLoader, Subset, TensorDataset

from asl import (
    ANSWERS,
    LOOK_ALIKES,
    MOTION_SIGNS,
    SHAPE_OF,
    SHAPES,
    SIGNS,
    ASLDataset,
    load_asl_data,
    sign_name,
    signs,
)
from asl.signs import IMAGE_SIZE, MONK_TONES, check_classes, check_labels


def test_digits_come_first_then_letters():
    assert "".join(SIGNS) == string.digits + string.ascii_lowercase


def test_groups_name_existing_signs():
    assert {sign for pair in LOOK_ALIKES for sign in pair} | set(MOTION_SIGNS) <= set(SIGNS)


def test_signs_that_look_alike_have_one_shape():
    assert len(SHAPES) == 33 and SHAPES[:3] == ("0/o", "1", "2/v") and SHAPES[-1] == "z"
    assert [set(SHAPES[shape].split("/")) for shape in SHAPE_OF] == [
        next((set(pair) for pair in LOOK_ALIKES if sign in pair), {sign}) for sign in SIGNS
    ]


def test_answers_are_the_shapes_as_people_read_them_with_f_as_it_is_taught():
    assert len(ANSWERS) == 32 and ANSWERS[:3] == ("0 or o", "1", "2 or v")
    assert set(SHAPES) - {answer.replace(" or ", "/") for answer in ANSWERS} == {"9", "f"}
    assert "9 or f" in ANSWERS
    named = [sign for answer in ANSWERS for sign in answer.split(" or ")]
    assert sorted(named) == sorted(SIGNS)


def test_skin_tones_are_the_ten_of_the_published_scale():
    published = "f6ede4 f3e7db f7ead0 eadaba d7bd96 a07e56 825c43 604134 3a312a 292420"
    assert [bytes(tone).hex() for tone in MONK_TONES] == published.split()


def test_images_are_as_small_as_the_users_notebook_made_them():
    assert IMAGE_SIZE == 28


def test_name_of_a_label():
    assert [sign_name(0), sign_name(10), sign_name(torch.tensor(35))] == ["0", "a", "z"]


@pytest.mark.parametrize("label", [-1, 36])
def test_label_out_of_range(label):
    with pytest.raises(ValueError, match=f"from 0 to 35, found {label}"):
        sign_name(label)


@pytest.mark.parametrize("labels", [[0, 36], [-100, 3], [1.0, 2.0]])
def test_labels_that_name_no_sign(labels):
    check_labels(torch.tensor([0, 35]))
    with pytest.raises(ValueError, match="expected labels from 0 to 35"):
        check_labels(torch.tensor(labels))


def test_another_order_of_classes_is_refused_with_the_line_that_maps_it():
    letters = TensorDataset(torch.zeros(2, 3, 28, 28), torch.tensor([0, 1]))
    letters.classes, letters.class_to_idx = ["A", "B"], {"A": 0, "B": 1}  # as ImageFolder has it
    for data in (letters, DataLoader(Subset(letters, [0])), ConcatDataset([letters])):
        with pytest.raises(ValueError, match="label 10 for the sign 'A'.*found 0") as caught:
            check_classes(data)
    dataset = letters
    exec(
        str(caught.value).split("ImageFolder: ")[1], {"dataset": dataset, "asl": __import__("asl")}
    )
    assert [dataset.target_transform(i) for i in (0, 1)] == [10, 11]
    check_classes(dataset)


def test_our_own_order_and_other_classes_pass():
    data = TensorDataset(torch.zeros(1))
    data.class_to_idx = {"0": 0, "a": 10, "hello": 3}
    check_classes(data)
    check_classes(TensorDataset(torch.zeros(1)))


# --- wrong labels --------------------------------------------------------------------------------


def test_the_table_names_images_of_the_set_that_lie_in_the_folder_of_another_sign():
    for name, (sign, digest) in signs.CORRECTIONS.items():
        assert sign in SIGNS and name.split("_")[1] != sign
        assert re.fullmatch("[0-9a-f]{16}", digest)
    assert len({digest for _, digest in signs.CORRECTIONS.values()}) == 10


@pytest.fixture
def misfiled(write_images, monkeypatch):
    """A folder in which one file is known, by name and content, to show another sign."""
    folder = write_images()
    file = folder / "4" / "hand1_4_dif_seg_2_cropped.png"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    monkeypatch.setattr(signs, "CORRECTIONS", {file.name: ("5", digest)})
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

import string

import pytest
import torch

from asl import LOOK_ALIKES, MOTION_SIGNS, SHAPE_OF, SHAPES, SIGNS, sign_name
from asl.signs import IMAGE_SIZE, MONK_TONES


def test_digits_come_first_then_letters():
    assert "".join(SIGNS) == string.digits + string.ascii_lowercase


def test_groups_name_existing_signs():
    assert {sign for pair in LOOK_ALIKES for sign in pair} | set(MOTION_SIGNS) <= set(SIGNS)


def test_signs_that_look_alike_have_one_shape():
    assert len(SHAPES) == 33 and SHAPES[:3] == ("0/o", "1", "2/v") and SHAPES[-1] == "z"
    assert [set(SHAPES[shape].split("/")) for shape in SHAPE_OF] == [
        next((set(pair) for pair in LOOK_ALIKES if sign in pair), {sign}) for sign in SIGNS
    ]


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

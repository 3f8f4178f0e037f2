import string

import pytest
import torch

from asl import LOOK_ALIKES, MOTION_SIGNS, SIGNS, sign_name


def test_digits_come_first_then_letters():
    assert "".join(SIGNS) == string.digits + string.ascii_lowercase


def test_groups_name_existing_signs():
    assert {sign for pair in LOOK_ALIKES for sign in pair} | set(MOTION_SIGNS) <= set(SIGNS)


def test_name_of_a_label():
    assert [sign_name(0), sign_name(10), sign_name(torch.tensor(35))] == ["0", "a", "z"]


@pytest.mark.parametrize("label", [-1, 36])
def test_label_out_of_range(label):
    with pytest.raises(ValueError, match=f"from 0 to 35, found {label}"):
        sign_name(label)

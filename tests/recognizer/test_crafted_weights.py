"""Files of weights whose checksum fits but whose content must not be let in are refused."""

import pytest
from crafted_weights import CRAFTED, LIMIT_MB, Masked, masked, measure
from peak_memory import CAN_MEASURE

from asl import load_model, save_model


@pytest.mark.parametrize("name", CRAFTED)
def test_a_crafted_file_is_refused_with_the_reason(name, tmp_path):
    case = CRAFTED[name]
    case.write(tmp_path / "w")
    with pytest.raises(ValueError, match=case.message) as caught:
        case.load(tmp_path / "w")
    words = str(caught.value)
    assert str(tmp_path / "w") in words and "\x1b" not in words and len(words) < 1000


@pytest.mark.skipif(not CAN_MEASURE, reason="asks Linux how much memory it takes")
def test_to_refuse_them_takes_little_memory():
    found = measure()
    assert found["let in"] == [] and found["refused"] == len(CRAFTED) > 90
    assert 0 < found["MB"] <= LIMIT_MB


def test_a_model_of_your_own_may_have_masks_and_lazy_layers(tmp_path):
    mine = masked()
    save_model(mine, tmp_path / "m")
    assert load_model(tmp_path / "m", Masked()).layer.weight.equal(mine.layer.weight)

"""Joints are looked for once more where the first answer is not sure, and only there."""

import pytest
import torch
from torch import Tensor, nn

from asl import ASLMobileNet, HandFinder
from asl.recognizer.graph import RecognizerGraph
from asl.recognizer.joint_reader import Look
from asl.recognizer.seeing import see

SURE, AGAIN = 3, 7  # signs


class Joints(nn.Module):
    image_size = 32


class Reader(nn.Module):
    """Is sure of light hands, and of dark ones at the place of the second look only."""

    def __init__(self):
        super().__init__()
        self.joints = Joints()
        self.looked: list[float] = []

    def places(self, features: Tensor, boxes: Tensor) -> Tensor:
        return torch.tensor([0.0, 0.0, 1.0, 0.0]).expand(len(boxes), 4)

    def forward(self, crops: Tensor, places: Tensor) -> Look:
        self.looked += places[:, 3].tolist()
        answers = torch.zeros(len(crops), 36)
        answers[crops.mean(dim=(1, 2, 3)) > 0, SURE] = 30
        answers[places[:, 3] > 0, AGAIN] = 30
        return Look(answers, places + torch.tensor([0, 0, 0, 0.5]))


@pytest.fixture
def parts():
    torch.manual_seed(0)
    classifier = ASLMobileNet(image_size=32).eval()
    nn.init.zeros_(classifier.classifier.weight)
    nn.init.zeros_(classifier.classifier.bias)
    return HandFinder(image_size=32).eval(), classifier, Reader(), 32


LIGHT, DARK = (torch.full((40, 40, 3), value, dtype=torch.uint8) for value in (255, 0))


def test_of_many_pictures_those_that_are_not_sure_are_looked_at_again(parts):
    (seen,) = see(*parts, [p.permute(2, 0, 1) for p in (LIGHT, DARK, LIGHT, DARK)])
    assert seen.log_probs.argmax(dim=1).tolist() == [SURE, AGAIN, SURE, AGAIN]
    assert parts[2].looked == [0, 0, 0, 0, 0.5, 0.5]


@pytest.mark.parametrize(("picture", "answer", "looks"), [(LIGHT, SURE, 1), (DARK, AGAIN, 2)])
def test_one_picture_is_looked_at_again_in_the_same_way(parts, picture, answer, looks):
    with torch.inference_mode():
        found = RecognizerGraph(*parts, temperature=1.0)(picture)
    assert found.log_probs.argmax() == answer and len(parts[2].looked) == looks
    (seen,) = see(*parts, [picture.permute(2, 0, 1)])
    torch.testing.assert_close(seen.log_probs[0], found.log_probs)

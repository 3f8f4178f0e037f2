"""What one crop cannot tell is looked at again, and elsewhere; what it can is not."""

import math

import pytest
import torch
from torch import Tensor, nn

from asl import SIGNS, ASLMobileNet
from asl.recognizer.graph import RecognizerGraph
from asl.recognizer.joint_reader import Look
from asl.recognizer.looking import (
    Opinions,
    certain,
    missed,
    read_again,
    worth_reading_again,
)
from asl.recognizer.pyramid import Pyramid
from asl.recognizer.seeing import see

SURE, AGAIN, TURNED, SECOND, CERTAIN = 3, 7, 11, 15, 21  # signs
BOXES = torch.tensor([[0.0, 0.0, 0.5], [0.4, 0.4, 0.2]])  # of the surest hand and the second


class Finder(nn.Module):
    """Finds hands in both boxes."""

    image_size = 32

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))  # says on which device it is

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        evidence = torch.full((len(views), 16, 16), -8.0)
        boxes = torch.zeros(len(views), 3, 16, 16)
        for (row, column), sure, box in zip(((4, 4), (12, 12)), (3.0, 1.0), BOXES, strict=True):
            evidence[:, row, column], boxes[:, :, row, column] = sure, box
        return boxes, evidence


class Joints(nn.Module):
    image_size = 32


class Reader(nn.Module):
    """Is sure of light hands, and of dark ones at the place of the second look only.

    Of grey hands it sees joints where `there` says, from x and angle of a place, and not elsewhere.
    """

    def __init__(self, there=lambda x, angle: x > 9):
        super().__init__()
        self.joints, self.there = Joints(), there
        self.looked: list[float] = []

    def places(self, features: Tensor, boxes: Tensor) -> Tensor:
        return torch.cat([boxes, torch.zeros(len(boxes), 1)], dim=1)

    def forward(self, crops: Tensor, places: Tensor) -> Look:
        if not torch.compiler.is_exporting():
            self.looked += places[:, 3].tolist()
        brightest, (x, angle) = crops.amax(dim=(1, 2, 3)), (places[:, 0], places[:, 3])
        light, dark = brightest > 1.5, brightest < -1.5
        there = ~light & ~dark & self.there(x, angle)
        seen = {SURE: light, AGAIN: dark & (angle > 0), TURNED: there & (x == 0)}
        seen[SECOND] = there & (x != 0)
        nothing = torch.zeros_like(x)
        columns = [30 * seen[sign].float() if sign in seen else nothing for sign in range(36)]
        present = torch.where(light | dark | there, 5.0, -3.0)
        again = torch.cat([places[:, :3], places[:, 3:] + 0.5 * dark.float().unsqueeze(1)], dim=1)
        boxes = torch.stack([x + 0.1, places[:, 1], places[:, 2]], dim=1)
        return Look(torch.stack(columns, dim=1), again, present, boxes)


@pytest.fixture
def parts():
    torch.manual_seed(0)
    classifier = ASLMobileNet(image_size=32).eval()
    nn.init.zeros_(classifier.classifier.weight)
    nn.init.zeros_(classifier.classifier.bias)
    return [Finder(), classifier, Reader(), 32]


LIGHT, DARK = (torch.full((40, 40, 3), value, dtype=torch.uint8) for value in (255, 0))
GREY = torch.arange(110, 150).view(1, 40, 1).expand(40, 40, 3).byte()  # no two boxes look alike


def read(parts, picture: Tensor):
    """Returns what a picture's graph answers, which many pictures are answered, too."""
    with torch.inference_mode():
        found = RecognizerGraph(*parts, temperature=1.0)(picture)
    looked = list(parts[2].looked)
    (seen,) = see(*parts, [picture.permute(2, 0, 1)] * 2)
    for log_probs, box, evidence in zip(seen.log_probs, seen.boxes, seen.evidence, strict=True):
        torch.testing.assert_close(log_probs, found.log_probs)
        reach = (found.box[2] - found.box[0]) / 2 / 1.25
        torch.testing.assert_close(box[2] * 20, reach)
        torch.testing.assert_close(evidence.sigmoid(), found.hand)
    return found.log_probs.argmax().item(), found.box, looked


def test_of_many_pictures_those_that_are_not_sure_are_looked_at_again(parts):
    (seen,) = see(*parts, [p.permute(2, 0, 1) for p in (LIGHT, DARK, LIGHT, DARK)])
    assert seen.log_probs.argmax(dim=1).tolist() == [SURE, AGAIN, SURE, AGAIN]
    assert parts[2].looked == [0, 0, 0, 0, 0.5, 0.5]


@pytest.mark.parametrize(("picture", "answer", "looks"), [(LIGHT, SURE, 1), (DARK, AGAIN, 2)])
def test_one_picture_is_looked_at_again_in_the_same_way(parts, picture, answer, looks):
    found, _, looked = read(parts, picture)
    assert found == answer and len(looked) == looks


@pytest.mark.parametrize(
    ("there", "answer", "half"),
    [
        (lambda x, angle: (x == 0) & (angle > 1), TURNED, 0.5),
        (lambda x, angle: (x == 0) & (angle < -1), TURNED, 0.5),
        (lambda x, angle: (x > 0) & (angle == 0), SECOND, 0.2),
        (lambda x, angle: (x > 0) & (angle > 1), SECOND, 0.2),
        (lambda x, angle: (x > 0) & (angle < -1), SECOND, 0.2),
    ],
)
def test_joints_that_are_missed_are_looked_for_elsewhere(parts, there, answer, half):
    parts[2] = Reader(there)
    found, box, looked = read(parts, GREY)
    assert found == answer
    assert box[2] - box[0] == pytest.approx(40 * half * 1.25)  # it says where the hand was
    quarter = math.pi / 2
    assert looked[2:7] == pytest.approx([quarter, -quarter, 0, quarter, -quarter])


def test_where_there_are_no_joints_at_all_the_first_answer_stays(parts):
    found, box, _ = read(parts, GREY)
    assert box[2] - box[0] == pytest.approx(40 * 0.5 * 1.25)


@pytest.mark.parametrize(("picture", "log_odds"), [(LIGHT, 5), (GREY, -3)])
def test_whether_there_is_a_hand_is_known_by_its_joints(parts, picture, log_odds):
    (seen,) = see(*parts, [picture.permute(2, 0, 1)])
    assert seen.evidence.tolist() == [log_odds]  # the finder says 3 of every picture


def test_if_the_classifier_is_certain_nothing_else_is_asked(parts):
    parts[1].classifier.bias.data[CERTAIN] = 9.0
    found, _, looked = read(parts, DARK)
    assert found == CERTAIN and looked == []
    parts[1].classifier.bias.data[CERTAIN] = 6.0  # 92 % sure: the joints say something else
    assert read(parts, LIGHT)[0] == SURE


def test_certain_is_98_percent_look_alikes_counted_as_one():
    answers = torch.full((3, 36), 0.001)
    answers[0, 20], answers[1, 20], answers[2, 0], answers[2, SIGNS.index("o")] = (
        0.99,
        0.97,
        0.5,
        0.49,
    )
    assert certain(answers.log()).tolist() == [True, False, True]


def test_the_classifier_reads_again_where_there_are_joints():
    class Brightness(nn.Module):
        """Says 5 of a light crop, 6 of a dark one."""

        def forward(self, crops: Tensor) -> Tensor:
            light = crops.mean(dim=(1, 2, 3)) > 0
            return 9.0 * torch.stack(
                [(light == (sign == 5)) & (sign in (5, 6)) for sign in range(36)], dim=1
            )

    right_half_is_light = torch.cat([DARK[:, :20], LIGHT[:, 20:]], dim=1)
    boxes = torch.tensor([[0.5, 0.0, 0.3], [-0.5, 0.0, 0.3], [0.5, 0.0, 0.3]])
    nothing = torch.zeros(3, 36)
    before = Opinions(nothing.log_softmax(dim=1), nothing, torch.full((3,), 5.0), boxes, boxes)
    after = read_again(Brightness(), 32, [Pyramid(right_half_is_light)] * 3, before)
    assert after.log_probs.argmax(dim=1).tolist() == [5, 6, 5]
    assert after.crops[0, 5] - after.crops[0, 6] == pytest.approx(4.5)  # the mean of both answers
    assert after.joints is before.joints


def test_it_reads_again_only_where_no_sign_is_sure_and_the_joints_surely_are_there():
    nothing, sure = torch.zeros(3, 36), torch.zeros(3, 36)
    sure[1, 20] = 9.0
    boxes = torch.zeros(3, 3)
    opinions = Opinions(nothing, sure, torch.tensor([5.0, 5.0, 2.0]), boxes, boxes)
    assert worth_reading_again(opinions).tolist() == [True, False, False]


def test_what_is_hardly_a_hand_is_not_looked_for_elsewhere():
    present, evidence = torch.tensor([-3.0, -3.0, 3.0]), torch.tensor([2.0, -9.0, 2.0])
    assert missed(present, evidence).tolist() == [True, False, False]


def test_an_exported_graph_looks_again_and_elsewhere_too(parts):
    parts[2] = Reader(lambda x, angle: (x > 0) & (angle > 1))
    graph = RecognizerGraph(*parts, temperature=1.0).eval()
    sides = ({i: torch.export.Dim(name, min=1, max=99) for i, name in enumerate("HW")},)
    with torch.no_grad():
        program = torch.export.export(graph, (GREY,), dynamic_shapes=sides).module()
        for picture, answer in ((LIGHT, SURE), (DARK, AGAIN), (GREY, SECOND)):
            found, expected = program(picture), graph(picture)
            assert found.log_probs.argmax() == answer
            for a, b in zip(found, expected, strict=True):
                torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-4)

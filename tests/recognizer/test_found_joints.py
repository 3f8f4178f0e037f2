import math

import pytest
import torch
from torch import nn

from asl.checkpoints import Checkpoint, read_checkpoint, write_checkpoint
from asl.decoding import denormalize
from asl.recognizer import found_joints
from asl.recognizer.found_joints import (
    find_joints,
    joints_on_black,
    joints_on_photographs,
)
from asl.recognizer.hand_joints import Joints
from asl.recognizer.mobile_net import ASLMobileNet
from asl.recognizer.recipe import Recipe
from asl.recognizer.train_reader import HandPhotographs
from tests.recognizer.upright import upright_hand


def generator():
    return torch.Generator().manual_seed(0)


class Seen(nn.Module):
    """Stands for the network that finds joints: the same hand in every crop."""

    image_size = 32

    def __init__(self):
        super().__init__()
        self.nothing = nn.Parameter(torch.zeros(1))
        self.crops = []

    def forward(self, crops):
        self.crops.append(crops)
        return Joints(*(part.repeat(len(crops), *[1] * (part.ndim - 1)) for part in upright_hand()))


class Mean(nn.Module):
    """Stands for the classifier: its features are the mean colours of the left and right halves."""

    image_size, width = 16, 6

    def features(self, crops):
        self.crops = crops
        halves = denormalize(crops).unflatten(3, (2, 8))
        return halves.mean(dim=(2, 4)).flatten(1)


def find(count=5, *, draw=None, checkpoint=None, network=None):
    """Finds joints in grey pictures, each lighter than the one before."""
    pictures = torch.linspace(0, 255, count).round().view(-1, 1, 1, 1).expand(-1, 3, 40, 40)

    def usual(some):
        return pictures[some], torch.tensor([0, 0, 0.5]).expand(len(some), 3)

    labels = torch.arange(count) % 36
    network = network or Seen()
    places = Mean(), draw or usual, labels, torch.zeros(count).long(), generator()
    return find_joints(network, *places, checkpoint=checkpoint)


def test_joints_are_looked_for_twice_and_the_aim_leads_from_the_box_to_the_second_place():
    network = Seen()
    found = find(network=network)
    assert len(network.crops) == 2 and found.labels.tolist() == [0, 1, 2, 3, 4]
    assert found.poses.shape == (5, 2, 21, 3)
    colours = torch.linspace(0, 255, 5).round().div(255).view(-1, 1).expand(-1, 6)
    torch.testing.assert_close(found.features, colours)
    # The network sees a hand of 0.4 in a crop of 1.6, and again in what that leads to, 0.4 of it.
    sizes = found.aims[:, 2].exp()
    assert (sizes - 1.6 * 0.4 * 0.4).abs().max() < 0.1
    assert found.aims[:, 3:].norm(dim=1).tolist() == pytest.approx([1] * 5)


def test_features_are_kept_of_some_hands_only(monkeypatch):
    monkeypatch.setattr(found_joints, "_AIMED", 7)
    found = find(40)
    assert len(found.poses) == 40 and len(found.features) == len(found.aims) == 7


def equal(one, other):
    return all(a.equal(b) for a, b in zip(one, other, strict=True))


@pytest.fixture
def often(monkeypatch):
    """Lets joints be kept after every second batch of 16 hands."""
    monkeypatch.setattr(found_joints, "_KEPT_EVERY", 2)


def interrupted(path, after):
    """Finds joints of 80 hands in 5 batches until Ctrl-C; returns how many were drawn."""
    drawn = []

    def draw(some):
        if len(drawn) == after:
            raise KeyboardInterrupt
        drawn.append(some)
        return torch.full((len(some), 3, 40, 40), 9.0), torch.tensor([[0, 0, 0.5]] * len(some))

    with pytest.raises(KeyboardInterrupt):
        find(80, draw=draw, checkpoint=path)
    return len(drawn)


def test_an_interrupted_search_goes_on_where_it_was_kept_and_finds_the_same(often, tmp_path):
    kept = Checkpoint(tmp_path / "found", {"hands": "these"})
    grey = torch.full((80, 3, 40, 40), 9.0)
    drawn = []

    def draw(some):
        drawn.append(some)
        return grey[some], torch.tensor([[0, 0, 0.5]] * len(some))

    whole = find(80, draw=draw)
    assert interrupted(kept, after=3) == 3
    drawn.clear()
    assert equal(find(80, draw=draw, checkpoint=kept), whole)
    assert [some[0].item() for some in drawn] == [32, 48, 64]  # two of five batches were kept
    drawn.clear()
    assert equal(find(80, draw=draw, checkpoint=kept), whole) and drawn == []


def test_what_follows_a_search_draws_the_same_numbers_whether_it_was_kept_or_not(often, tmp_path):
    kept = Checkpoint(tmp_path / "found", {"hands": "these"})
    ends = []
    for checkpoint in (None, kept, kept):
        drawn = generator()
        pictures = torch.zeros(40, 3, 40, 40), torch.tensor([[0, 0, 0.5]] * 40)
        find_joints(
            Seen(),
            Mean(),
            lambda some, of=pictures: (of[0][some], of[1][some]),
            torch.zeros(40).long(),
            torch.zeros(40).long(),
            drawn,
            checkpoint=checkpoint,
        )
        ends.append(drawn.get_state())
    assert ends[0].equal(ends[1]) and ends[0].equal(ends[2])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.pop("batches"), "batches"),
        (lambda s: s.update(batches=6), "number of batches, found 6"),
        (lambda s: s.update(batches=True), "number of batches, found True"),
        (lambda s: s.update(batches=3), "poses"),
        (lambda s: s["found"].pop("aims"), "aims"),
        (lambda s: s["found"].update(aims=torch.zeros(32, 4)), "aims"),
        (lambda s: s["found"].update(features=torch.zeros(31, 6)), "features"),
        (lambda s: s["found"].update(poses=torch.full((32, 2, 21, 3), math.nan)), "nan"),
        (lambda s: s.update(generator=torch.zeros(5056).byte()), "generator"),
        (lambda s: s.update(generator=torch.zeros(3).byte()), "generator"),
    ],
)
def test_what_no_search_keeps_is_refused(change, said, often, tmp_path):
    kept = Checkpoint(tmp_path / "found", {"hands": "these"})
    interrupted(kept, after=3)
    state = read_checkpoint(kept.path, kept.description)
    change(state)
    write_checkpoint(kept.path, kept.description, state)
    with pytest.raises(ValueError, match=f"(?s)found.*holds no checkpoint.*{said}"):
        find(80, checkpoint=kept)


@pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")
def test_hands_on_black_and_in_photographs_are_looked_at(real, photographs):
    recipe, both = Recipe(image_size=32), (Seen(), Mean())
    black = joints_on_black(*both, real, real.signers, photographs, recipe, generator())
    assert len(black.poses) == len(real) and black.labels.tolist() == real.labels
    assert black.groups.tolist() == real.signers
    images = torch.zeros(4, 3, 168, 168, dtype=torch.uint8)
    images[..., 84:] = 255  # white on the right
    theirs = HandPhotographs(images, torch.tensor([1, 2, 3, 4]))
    found = joints_on_photographs(*both, theirs, 7, generator())
    assert found.groups.tolist() == [7] * 4 and found.labels.tolist() == [1, 2, 3, 4]
    left, right = found.features[:, 0], found.features[:, 1]
    assert (left < right).any() and (left > right).any()  # some are mirrored


@pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")
def test_what_was_found_is_kept_for_the_same_hands_only(real, photographs, tmp_path):
    recipe, mobile = Recipe(image_size=32), ASLMobileNet(image_size=32)

    def find_on(signers, backgrounds=photographs, classifier=mobile, network=None, recipe=recipe):
        network = network or Seen()
        kept = tmp_path / "black.safetensors"
        given = real, signers, backgrounds, recipe, generator()
        return joints_on_black(network, classifier, *given, checkpoint=kept)

    first = find_on(real.signers)
    network = Seen()
    assert equal(find_on(real.signers, network=network), first) and network.crops == []
    other = Seen()
    other.nothing.data += 1
    for name, change in {
        "signers": {"signers": [None] * len(real)},
        "backgrounds": {"backgrounds": photographs.flip(0)},
        "classifier": {"classifier": ASLMobileNet(image_size=32)},
        "joints": {"network": other},
        "recipe": {"recipe": Recipe(image_size=32, tilt=9.0)},
    }.items():
        with pytest.raises(ValueError, match=f"another training[^$]*{name}"):
            find_on(**{"signers": real.signers} | change)
    black = HandPhotographs(torch.zeros(3, 3, 168, 168).byte(), torch.tensor([1, 2, 3]))
    kept = {"checkpoint": tmp_path / "photographs.safetensors"}
    found = joints_on_photographs(Seen(), mobile, black, 7, generator(), **kept)
    again = joints_on_photographs(Seen(), mobile, black, 7, generator(), **kept)
    assert equal(found, again)
    with pytest.raises(ValueError, match="group"):
        joints_on_photographs(Seen(), mobile, black, 8, generator(), **kept)

import pytest
import torch

from asl.augmentation import backgrounds
from asl.augmentation.backgrounds import backlight, draw_backgrounds, load_photographs, occlude
from asl.augmentation.random_draws import Draw
from asl.signs import MONK_TONES


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_backgrounds_differ_and_photographs_are_among_them(pixels):
    drawn = draw_backgrounds(pixels, Draw(40, generator()))
    assert drawn.shape == pixels.shape and drawn.min() >= 0 and drawn.max() <= 1
    assert drawn.flatten(2).std(dim=2).mean() > 0.05
    photographs = torch.tensor([0, 255, 0]).view(1, 3, 1, 1).expand(1, 3, 40, 40).byte()
    shown = draw_backgrounds(pixels, Draw(40, generator()), photographs)
    green = (shown == torch.tensor([0, 1, 0]).view(3, 1, 1)).all(dim=1).flatten(1)
    share = green.float().mean(dim=1)
    assert 0.25 < (share > 0.3).float().mean() < 0.75


def test_some_hands_are_dark_before_a_bright_background(pixels):
    grey = torch.full_like(pixels, 0.5)
    hands, background = backlight(pixels, grey, Draw(40, generator()))
    changed = (hands != pixels).flatten(1).any(dim=1)
    assert 1 <= changed.sum() <= 15
    assert (hands[changed].amax() <= 0.4) and (background[changed].min() > 0.39)
    assert background[~changed].equal(grey[~changed])


def test_a_small_part_of_one_picture_in_six_is_covered():
    black = torch.zeros(600, 3, 32, 32)
    covered = (occlude(black, Draw(600, generator())) > 0).any(dim=1).flatten(1).float().mean(dim=1)
    hidden = covered[covered > 0]
    assert 0.1 < len(hidden) / 600 < 0.2  # a shape may lie outside its picture
    assert hidden.median() < 0.1 and hidden.max() < 0.4


def test_no_photograph_is_in_two_parts():
    pytest.importorskip("skimage", reason="needs the extra 'train'")
    parts = [load_photographs(part, 20) for part in ("train", "val", "test")]
    assert [len(part) for part in parts] == [14, 3, 3] and parts[0].shape[1:] == (3, 20, 20)
    assert len(torch.cat(parts).flatten(1).unique(dim=0)) == 20


def test_the_people_to_train_with_are_the_same_every_time():
    pytest.importorskip("skimage", reason="needs the extra 'train'")
    state = torch.get_rng_state()
    first = load_photographs("people", 20)
    assert (
        len(first) == 100
        and first.equal(load_photographs("people", 20))
        and first.dtype == torch.uint8
    )
    assert torch.get_rng_state().equal(state)


def test_a_face_sits_on_shoulders_before_a_room():
    faces, rooms = torch.full((40, 25, 25), 0.5), torch.zeros(2, 3, 80, 80).byte()
    rooms[:, 2] = 255  # blue
    people = backgrounds._people(faces, rooms).float() / 255
    assert people.shape == (40, 3, 80, 80) and people.min() >= 0 and people.max() <= 1
    blue = (people == torch.tensor([0, 0, 1.0]).view(3, 1, 1)).all(dim=1)
    assert (blue[:, 0].float().mean(dim=1) > 0.5).float().mean() > 0.8  # the room, above
    assert (~blue[:, -1]).float().mean() > 0.3  # clothes, below
    tones = torch.tensor(MONK_TONES) / 255 * 0.8
    shown = (people.flatten(2).transpose(1, 2)[:, :, None] - tones).abs().amax(dim=3) < 0.01
    assert (shown.any(dim=2).float().mean(dim=1) > 0.02).float().mean() > 0.95  # all but hidden
    assert shown.any(dim=1).sum(dim=0).min() >= 1  # each tone in some


def test_photographs_missing(monkeypatch):
    monkeypatch.setattr(backgrounds, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install -e .\[train\]"):
        load_photographs("train")

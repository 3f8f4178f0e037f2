import pytest
import torch
from torch.utils.data import TensorDataset

from asl import normalize
from asl.recognizer.networks import HandFinder
from asl.recognizer.recipe import Recipe
from asl.recognizer.train_finder import box_error, draw_scenes, finder_loss, train_finder


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def hands():
    """Forty pictures, each filled by a light disc on black."""
    axis = torch.linspace(-1, 1, 32)
    disc = (axis[:, None] ** 2 + axis**2 < 0.8).float()
    skin = torch.tensor([220.0, 170, 140]).view(3, 1, 1)
    return normalize((disc * skin).repeat(40, 1, 1, 1))


def test_scenes_hold_hands_of_all_sizes_or_none(hands):
    scenes, boxes, present = draw_scenes(hands, generator())
    assert scenes.shape == hands.shape and boxes.shape == (40, 3)
    assert 0.5 < present.mean() < 0.9 and set(present.tolist()) == {0.0, 1.0}
    assert boxes[:, 2].min() < 0.4 and boxes[:, 2].max() > 0.8
    again = draw_scenes(hands, generator())[0]
    assert scenes.equal(again) and not scenes.equal(draw_scenes(hands, generator(1))[0])


def test_a_finder_learns_where_a_hand_is_and_repeats_exactly(hands):
    data = TensorDataset(hands, torch.zeros(40, dtype=torch.long))

    def run(epochs, seed):
        torch.manual_seed(0)
        finder = HandFinder(image_size=32)
        recipe = Recipe(finder_epochs=epochs, finder_learning_rate=1e-2, seed=seed)
        return train_finder(finder, data, recipe, batch_size=20, progress=False), finder

    losses, finder = run(80, 0)
    assert len(losses) == 80 and sum(losses[-5:]) / 5 < 0.7 * losses[0] and not finder.training
    assert run(2, 0)[0] == run(2, 0)[0] != run(2, 1)[0]


def test_a_finder_learns_from_images_of_another_size(hands):
    data = TensorDataset(hands, torch.zeros(40, dtype=torch.long))
    finder = HandFinder(image_size=48)
    assert len(train_finder(finder, data, Recipe(finder_epochs=1), progress=False)) == 1
    assert finder(torch.zeros(1, 3, 48, 48))[0].shape == (1, 3)


def test_errors_count_in_sizes_of_the_hand():
    boxes = torch.tensor([[0.5, 0.0, 0.2], [0.5, 0.0, 0.4]])
    found = boxes + torch.tensor([0.1, 0.0, 0.0])
    torch.testing.assert_close(box_error(found, boxes)[:, 0], torch.tensor([0.5, 0.25]))
    torch.testing.assert_close(
        box_error(boxes * torch.tensor([1, 1, 2]), boxes)[:, 2], torch.full((2,), 2.0).log()
    )


def test_small_errors_count_by_their_square_and_large_ones_by_their_size():
    boxes, present = torch.tensor([[0.0, 0.0, 1.0]]), torch.ones(1)
    certain = torch.tensor([99.0])
    for error, expected in ((0.1, 0.1**2 / 0.4), (0.5, 0.5 - 0.1)):  # they meet at 0.2
        loss = finder_loss(boxes + torch.tensor([error, 0, 0]), certain, boxes, present)
        assert loss.item() == pytest.approx(expected)


def test_a_box_does_not_count_where_there_is_no_hand():
    boxes, evidence = torch.tensor([[0.0, 0.0, 1.0]] * 2), torch.tensor([9.0, -9.0])
    found, present = torch.tensor([[0.0, 0.0, 1.0], [1.0, 1.0, 0.1]]), torch.tensor([1.0, 0.0])
    assert finder_loss(found, evidence, boxes, present) < 0.01
    assert finder_loss(found, evidence, boxes, torch.ones(2)) > 3
    assert finder_loss(found, -evidence, boxes, present) > 3

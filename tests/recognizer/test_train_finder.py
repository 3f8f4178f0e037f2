import pytest
import torch
from torch.utils.data import Subset, TensorDataset

from asl import HandFinder, normalize
from asl.recognizer import train_finder as module
from asl.recognizer.graph import find_hands
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


@pytest.fixture
def data(hands):
    return TensorDataset(hands, torch.zeros(40, dtype=torch.long))


def test_scenes_hold_hands_of_all_sizes_or_none(hands):
    scenes, boxes, present = draw_scenes(hands, generator())
    assert scenes.shape == hands.shape and boxes.shape == (40, 3)
    assert 0.5 < present.mean() < 0.9 and set(present.tolist()) == {0.0, 1.0}
    assert boxes[:, 2].min() < 0.25 and boxes[:, 2].max() > 0.8
    again = draw_scenes(hands, generator())[0]
    assert scenes.equal(again) and not scenes.equal(draw_scenes(hands, generator(1))[0])


SHORT = {"batch_size": 20, "progress": False, "device": "cpu"}


def test_a_finder_learns_where_a_hand_is(data):
    torch.manual_seed(0)
    finder = HandFinder(image_size=32)
    recipe = Recipe(
        finder_epochs=25,
        finder_learning_rate=3e-3,
        finder_windows=(4.0, 6.0),
        finder_background_share=0.0,
        finder_strength=0.5,
    )
    losses = train_finder(finder, data, recipe, **SHORT)
    assert len(losses) == 25 and sum(losses[-5:]) / 5 < 0.5 * losses[0] and not finder.training
    scenes, boxes, present = draw_scenes(data.tensors[0], generator(9), recipe)
    with torch.inference_mode():
        found, evidence, _ = find_hands(finder, scenes)
    there = present > 0
    assert evidence[there].mean() > evidence[~there].mean() + 1
    distance = (found[:, 0] - boxes)[there][:, :2].norm(dim=1) / boxes[there][:, 2]
    guess = boxes[there][:, :2].norm(dim=1) / boxes[there][:, 2]  # always the middle
    assert distance.median() < 0.4 * guess.median()


def test_a_training_repeats_exactly_and_goes_on_where_it_was_interrupted(
    data, tmp_path, monkeypatch, leave_draft
):
    def run(checkpoint=None, seed=0, first=0):
        torch.manual_seed(first)
        finder = HandFinder(image_size=32)
        recipe = Recipe(finder_epochs=2, seed=seed)
        options = SHORT | {"batch_size": 4, "checkpoint": checkpoint}
        return train_finder(finder, Subset(data, range(8)), recipe, **options)

    whole = run()
    assert whole == run() != run(seed=1)
    calls = []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 4:  # in the second epoch
            raise KeyboardInterrupt
        return finder_loss(*arguments)

    monkeypatch.setattr(module, "finder_loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "kept")
    assert run(tmp_path / "kept") == whole and len(calls) == 4 + 2
    left = leave_draft(tmp_path / "kept")  # and what was killed after its last epoch leaves nothing
    assert run(tmp_path / "kept") == whole and not left.exists()
    # One that began with other weights, such as another --pretrained, is another training.
    with pytest.raises(ValueError, match="checkpoint of another training.*\n +first weights: "):
        run(tmp_path / "kept", first=1)


def test_a_finder_learns_from_images_of_another_size(data):
    finder = HandFinder(image_size=64)
    assert len(train_finder(finder, data, Recipe(finder_epochs=1), **SHORT)) == 1
    assert finder(torch.zeros(1, 3, 64, 64))[0].shape == (1, 3, 8, 8)


def test_first_layers_can_be_kept_as_they_are(data):
    torch.manual_seed(0)
    finder = HandFinder(image_size=32)
    before = {name: value.clone() for name, value in finder.state_dict().items()}
    recipe = Recipe(finder_epochs=1, finder_learning_rate=1e-3)
    train_finder(finder, data, recipe, kept=[finder.first_layers()], **SHORT)
    first = {id(p) for p in finder.first_layers().parameters()}
    changed = {n for n, p in finder.named_parameters() if not p.detach().equal(before[n])}
    assert changed == {n for n, p in finder.named_parameters() if id(p) not in first}
    assert all(p.requires_grad for p in finder.parameters())


def maps_of(*boxes, cells=4):
    """Returns boxes as a network that is right in every cell would give them, (N, 3, K, K)."""
    return torch.tensor(boxes)[:, :, None, None].expand(-1, -1, cells, cells).clone()


def middles(count=4):
    return HandFinder(image_size=8 * count).cells


def test_errors_count_in_sizes_of_the_hand():
    boxes = torch.tensor([[0.5, 0.0, 0.2], [0.5, 0.0, 0.4]])
    found = boxes + torch.tensor([0.1, 0.0, 0.0])
    torch.testing.assert_close(box_error(found, boxes)[:, 0], torch.tensor([0.5, 0.25]))
    torch.testing.assert_close(
        box_error(boxes * torch.tensor([1, 1, 2]), boxes)[:, 2], torch.full((2,), 2.0).log()
    )


def test_the_middle_of_the_hand_should_say_that_it_is_there_and_all_other_cells_that_it_is_not():
    box, present = (0.25, -0.25, 0.4), torch.ones(1)  # the middle of a cell: row 1, column 2
    boxes = torch.tensor([box])
    right = torch.full((1, 4, 4), -9.0)
    right[0, 1, 2] = 9
    assert finder_loss(maps_of(box), right, boxes, present, middles()) < 0.01
    assert finder_loss(maps_of(box), -right, boxes, present, middles()) > 5
    for row, column in ((3, 0), (0, 0), (3, 3)):
        wrong = right.clone()
        wrong[0, row, column] = 9
        assert finder_loss(maps_of(box), wrong, boxes, present, middles()) > 5
    missed = torch.full((1, 4, 4), -9.0)
    assert finder_loss(maps_of(box), missed, boxes, present, middles()) > 5
    # Where there is no hand, no cell should say so.
    assert finder_loss(maps_of(box), missed, boxes, 0 * present, middles()) < 0.01
    assert finder_loss(maps_of(box), right, boxes, 0 * present, middles()) > 5


def test_next_to_the_middle_it_is_not_so_clear():
    box, present = (0.25, -0.25, 1.0), torch.ones(1)
    right = torch.full((1, 4, 4), -9.0)
    right[0, 1, 2] = 9
    near, far = right.clone(), right.clone()
    near[0, 1, 1] = 9  # half of the hand's half side away
    far[0, 1, 0] = 9
    losses = [
        finder_loss(maps_of(box), evidence, torch.tensor([box]), present, middles()).item()
        for evidence in (near, far)
    ]
    assert losses[0] == pytest.approx(losses[1] / 4, rel=0.01)


def test_a_small_hand_between_cells_is_some_cells_and_counts_as_much_as_a_large_one():
    present = torch.ones(1)
    for box in ((0.0, 0.0, 0.05), (0.0, 0.0, 0.9)):
        boxes = torch.tensor([box])
        nothing = torch.full((1, 16, 16), -9.0)
        loss = finder_loss(maps_of(box, cells=16), nothing, boxes, present, middles(16))
        assert 7 < loss < 11  # the mean over the cells of the middle


def test_boxes_count_only_in_the_middle_of_a_hand():
    box, wrong = (0.25, -0.25, 0.4), (0.65, -0.25, 0.4)
    boxes, sure = torch.tensor([box]), torch.full((1, 4, 4), -99.0)
    sure[0, 1, 2] = 99
    found = maps_of(wrong)
    found[0, :, 1, 2] = torch.tensor(box)
    assert finder_loss(found, sure, boxes, torch.ones(1), middles()) == 0
    # There, small errors count by their square and large ones by their size: they meet at 0.1.
    for error, expected in ((0.05, 0.05**2 / 0.2), (0.5, 0.5 - 0.05)):
        found[0, 0, 1, 2] = box[0] + error * box[2]
        loss = finder_loss(found, sure, boxes, torch.ones(1), middles())
        assert loss.item() == pytest.approx(2 * expected, rel=1e-3)
    assert finder_loss(found, -99 + 0 * sure, boxes, torch.zeros(1), middles()) == 0

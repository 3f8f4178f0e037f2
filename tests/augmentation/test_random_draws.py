import math

import pytest
import torch

from asl.augmentation import random_draws
from asl.augmentation.random_draws import Draw, change_some, coordinates, matrix
from asl.processes.group import Processes, drawing_for


def draw(strength=1.0, count=4000):
    return Draw(count, torch.Generator().manual_seed(0), strength)


def test_numbers_spread_over_images_and_repeat():
    assert draw().uniform(2, 3, channels=3, side=2).shape == (4000, 3, 2, 2)
    assert draw().uniform(0, 1).equal(draw().uniform(0, 1))
    uniform = draw().uniform(2, 3)
    assert 2 <= uniform.min() < 2.01 and 2.99 < uniform.max() <= 3
    assert abs(draw(count=9).normal(3, 40, 40).std() - 1) < 0.05


def test_strength_scales_ranges_and_chances():
    for strength in (0.0, 0.5, 1.0):
        around = draw(strength).around(1, 0.2, 0.4)
        assert (around >= 1 - 0.2 * strength).all() and (around <= 1 + 0.4 * strength).all()
        assert around.max() - around.min() >= 0.59 * strength
        factor = draw(strength).factor(2).log() / math.log(2)
        assert factor.abs().max() <= strength + 1e-6 and abs(factor.mean()) < 0.05
        assert abs(draw(strength).chance(0.4).float().mean() - 0.4 * strength) < 0.03


def test_coordinates_run_from_side_to_side():
    y, x = coordinates(torch.zeros(1, 3, 5, 3))
    assert y.flatten().tolist() == [-1, -0.5, 0, 0.5, 1] and x.flatten().tolist() == [-1, 0, 1]
    assert y.shape == (1, 1, 5, 1) and x.shape == (1, 1, 1, 3)


def test_a_matrix_is_filled_row_by_row():
    numbers = (torch.full((2, 1, 1, 1), float(n)) for n in range(4))
    assert matrix(*numbers)[1].tolist() == [[0, 1], [2, 3]]


@pytest.mark.parametrize("which", [[0, 2], [], [0, 1, 2]])
@pytest.mark.parametrize("freely", [True, False])
def test_some_pictures_are_changed_each_by_its_own_number(which, freely, monkeypatch):
    monkeypatch.setattr(random_draws, "counts_freely", lambda device: freely)
    some = torch.zeros(3, dtype=torch.bool)
    some[which] = True
    pictures, numbers = torch.ones(3, 3, 2, 2), torch.tensor([2.0, 3.0, 4.0]).view(3, 1, 1, 1)
    changed = change_some(pictures, some, lambda x, by: x * by, numbers)
    assert pictures.eq(1).all()
    assert changed.equal(torch.where(some.view(3, 1, 1, 1), numbers * pictures, pictures))


@pytest.mark.parametrize("freely", [True, False])
def test_no_pictures_are_left_as_they_are(freely, monkeypatch):
    monkeypatch.setattr(random_draws, "counts_freely", lambda device: freely)
    none = torch.zeros(0, 3, 2, 2)
    assert change_some(none, torch.zeros(0, dtype=torch.bool), pytest.fail) is none


def test_counting_is_free_on_a_cpu_alone():
    assert random_draws.counts_freely(torch.device("cpu"))
    assert not random_draws.counts_freely(torch.device("cuda"))


def test_the_numbers_of_all_shards_are_those_of_the_batch():
    def numbers(count):
        drawn = draw(count=count)
        return [drawn.uniform(0, 1, 3), drawn.normal(2, 4, 5), drawn.chance(0.5)]

    whole, parts = numbers(20), []
    for rank in range(3):
        shard = Processes(rank, 3).shard(20)
        with drawing_for(shard):
            parts.append(numbers(shard.size))
    assert all(
        torch.cat(of).equal(all_) for of, all_ in zip(zip(*parts, strict=True), whole, strict=True)
    )

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Subset, TensorDataset

from asl import ASLDataset, check_leakage, load_asl_data, normalize
from asl.splits import nearest_images


@pytest.fixture
def people(tmp_path):
    """Three signers, two signs, two lights, five frames; a burst's frames differ by one grey level.

    Bursts differ by far more than near-copies do.
    """
    rng = np.random.default_rng(0)
    for signer in (1, 2, 3):
        for sign in "ab":
            for light in ("dif", "top"):
                scene = rng.integers(0, 250, (28, 28, 3), dtype=np.uint8)
                for frame in range(1, 6):
                    name = f"hand{signer}_{sign}_{light}_seg_{frame}_cropped.png"
                    (tmp_path / sign).mkdir(exist_ok=True)
                    Image.fromarray(scene + np.uint8(frame)).save(tmp_path / sign / name)
    return tmp_path


pytestmark = pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")


def bursts(part):
    data = part.dataset
    return {(data.signers[i], data.labels[i], data.lights[i]) for i in part.indices}


def signers(part):
    return {part.dataset.signers[i] for i in part.indices}


def test_sizes_are_printed_and_parts_are_disjoint(write_images, capsys):
    train, test = load_asl_data(write_images())
    assert train.dataset is test.dataset
    assert sorted([*train.indices, *test.indices]) == list(range(180))
    assert capsys.readouterr().out.split("\n") == [
        "Total dataset size: 180",
        "Training data size: 144",
        "Testing data size: 36",
        "",
    ]


def test_split_ignores_the_global_generator_and_leaves_it_alone(write_images):
    folder = write_images()
    torch.manual_seed(1)
    first = load_asl_data(folder)[1].indices
    drawn = torch.rand(1)
    torch.manual_seed(1)
    torch.testing.assert_close(torch.rand(1), drawn)
    assert load_asl_data(folder)[1].indices == first
    assert load_asl_data(folder, seed=1)[1].indices != first


def test_split_is_the_same_in_every_process(write_images):
    code = (
        "import sys; from asl import load_asl_data; "
        "test = load_asl_data(sys.argv[1])[1]; "
        "print([test.dataset.image_files[i] for i in test.indices])"
    )
    folder = str(write_images())
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code, folder],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.getcwd()},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
    assert "hand1_" in outputs[0]


@pytest.mark.parametrize("train_split", [0, 1, -0.1, 80])
def test_split_out_of_range(train_split, write_images):
    with pytest.raises(ValueError, match=f"between 0 and 1, found {train_split}"):
        load_asl_data(write_images(), train_split)


def test_split_that_leaves_nothing_to_train_on(write_images):
    with pytest.raises(ValueError, match="at least one image in each part.*'Training': 0"):
        load_asl_data(write_images(), 0.001)


def test_bursts_stay_together(people):
    train, test = load_asl_data(people, 0.75, split="burst")
    assert (len(train), len(test)) == (45, 15)
    assert not bursts(train) & bursts(test)
    assert len(bursts(train)) == 9 and len(bursts(test)) == 3
    again = load_asl_data(people, 0.75, split="burst")
    assert again[1].indices == test.indices
    assert load_asl_data(people, 0.75, split="burst", seed=1)[1].indices != test.indices


@pytest.mark.parametrize(("out", "left"), [(2, {1, 3}), ([1, 3], {2})])
def test_unseen_signers_are_in_the_test_part_only(out, left, people):
    train, test = load_asl_data(people, split="signer", test_signer=out)
    assert signers(train) == left and signers(test) == {1, 2, 3} - left
    assert len(train) + len(test) == 60


@pytest.mark.parametrize(
    ("options", "unit"),
    [
        ({}, lambda part: set(part.indices)),
        ({"split": "burst"}, bursts),
        ({"split": "signer", "test_signer": 1}, signers),
    ],
)
def test_validation_is_taken_from_the_training_side_by_the_same_rule(options, unit, people, capsys):
    train, val, test = load_asl_data(people, 0.75, val_split=0.3, **options)
    parts = [unit(part) for part in (train, val, test)]
    assert all(parts) and not (parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2])
    assert len(train) + len(val) + len(test) == 60
    without = load_asl_data(people, 0.75, **options)
    assert test.indices == without[1].indices
    assert f"Validation data size: {len(val)}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"split": "person"}, "one of random, burst, signer, found 'person'"),
        ({"split": "signer"}, "test_signer with split='signer'.*test_signer=None"),
        ({"test_signer": 1}, "split='random', test_signer=1"),
        ({"split": "signer", "test_signer": 7}, r"signers \[1, 2, 3\], found \[7\]"),
        ({"split": "signer", "test_signer": [1, 2, 3]}, "some, not all"),
        ({"split": "signer", "test_signer": [1, 2], "val_split": 0.2}, "'Validation': 0"),
        ({"val_split": 1.5}, "val_split between 0 and 1, found 1.5"),
    ],
)
def test_options_out_of_range(options, words, people):
    with pytest.raises(ValueError, match=words):
        load_asl_data(people, **options)


@pytest.mark.parametrize("options", [{"split": "burst"}, {"split": "signer", "test_signer": 1}])
def test_files_without_a_signer_in_their_name(options, people):
    (people / "a" / "hand1_a_dif_seg_1_cropped.png").rename(people / "a" / "photo.png")
    with pytest.raises(ValueError, match="1 of 60 files that name no signer, first: .*photo.png"):
        load_asl_data(people, **options)
    assert len(load_asl_data(people)[0]) == 48


def test_leakage_of_a_random_split(people):
    train, test = load_asl_data(people)
    found = check_leakage(train, test)
    shared = bursts(train) & bursts(test)
    assert found.test_images == 12 and found.identical == 0
    assert found.shared_bursts == len(shared) > 0
    assert found.in_shared_bursts == found.near_identical  # only burst mates look alike here
    assert found.shared_signers == (1, 2, 3)
    assert f"{found.near_identical} of 12 (" in str(found)


@pytest.mark.parametrize("options", [{"split": "burst"}, {"split": "signer", "test_signer": 1}])
def test_no_leakage_where_groups_stay_together(options, people):
    found = check_leakage(*load_asl_data(people, **options))
    assert (found.identical, found.near_identical, found.in_shared_bursts) == (0, 0, 0)
    assert found.shared_signers == ((1, 2, 3) if options["split"] == "burst" else ())


def test_identical_images_are_found_in_any_datasets():
    pixels = torch.randint(0, 256, (6, 3, 8, 8), dtype=torch.uint8)
    first = TensorDataset(normalize(pixels[:4]), torch.arange(4))
    second = TensorDataset(normalize(pixels[2:]), torch.arange(4))
    found = check_leakage(first, second)
    assert (found.identical, found.near_identical) == (2, 2)
    assert found.shared_bursts is found.in_shared_bursts is found.shared_signers is None
    assert "do not tell" in str(found)


def test_signer_one_of_another_folder_is_somebody_else(people, write_images, tmp_path):
    other = ASLDataset(write_images(folder=tmp_path / "other"))
    assert check_leakage(ASLDataset(people), other).shared_signers == ()


def test_nearest_image_and_its_distance(monkeypatch):
    monkeypatch.setattr("asl.splits._BLOCK", 2)
    grey = torch.tensor([0, 100, 200]).view(-1, 1, 1, 1).expand(-1, 3, 2, 2)
    train = TensorDataset(normalize(grey), torch.zeros(3))
    test = TensorDataset(normalize(grey.flip(0) + 51), torch.zeros(3))
    distance, index = nearest_images(train, test)
    assert index.tolist() == [2, 2, 1]
    torch.testing.assert_close(distance, torch.tensor([51, 49, 49]) / 255, rtol=1e-3, atol=1e-4)


def test_parts_that_cannot_be_compared():
    small, large = (TensorDataset(torch.zeros(2, 3, s, s), torch.zeros(2)) for s in (4, 8))
    with pytest.raises(ValueError, match=r"\(3, 4, 4\) in training and \(3, 8, 8\) in test"):
        check_leakage(small, large)
    with pytest.raises(ValueError, match="found 2 and 0"):
        check_leakage(small, Subset(large, []))


@pytest.mark.real_images
def test_the_real_set(real_images):
    train, test = load_asl_data(real_images)
    assert (len(train.dataset), len(train), len(test)) == (2515, 2012, 503)
    found = check_leakage(train, test)
    assert found.in_shared_bursts == 498 and found.shared_signers == (1, 2, 3, 4, 5)
    assert found.near_identical == pytest.approx(336, abs=5)
    unseen = check_leakage(*load_asl_data(real_images, split="signer", test_signer=1))
    assert (unseen.near_identical, unseen.in_shared_bursts, unseen.shared_signers) == (0, 0, ())

import os
import subprocess
import sys

import pytest
import torch
from torch.utils.data import Subset

from asl import ASLDataset, load_asl_data, make_folds, possible_protocols
from asl.splits import bursts_of

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


def test_extra_images_join_the_training_part_only(people, write_images, tmp_path, capsys):
    extra = ASLDataset(write_images("ab", folder=tmp_path / "extra"))
    options = {"split": "signer", "test_signer": 1, "val_split": 0.5}
    without = load_asl_data(people, **options)
    train, val, test = load_asl_data(people, extra=extra, **options)
    assert "Extra training data size: 10" in capsys.readouterr().out
    assert train.dataset is val.dataset is test.dataset
    assert (val.indices, test.indices) == (without[1].indices, without[2].indices)
    assert train.indices == without[0].indices + list(range(60, 70))
    assert train[len(train) - 1][0].equal(extra[9][0])
    assert {signer for _, signer, _, _ in bursts_of(test)} == {1}
    assert not set(bursts_of(train)) & set(bursts_of(test))  # its signer 1 is somebody else


def test_extra_images_of_another_size(people, write_images, tmp_path):
    extra = ASLDataset(write_images("ab", folder=tmp_path / "extra"), image_size=32)
    with pytest.raises(
        ValueError, match=r"equal image sizes to join, found \(3, 28, 28\), \(3, 32"
    ):
        load_asl_data(people, extra=extra)


def test_options_of_the_dataset_are_passed_on(people):
    (people / "a" / "empty.png").touch()
    with pytest.warns(UserWarning, match="left out 1 unreadable"):
        train, _ = load_asl_data(people, image_size=8, on_error="skip")
    assert train[0][0].shape == (3, 8, 8)


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


@pytest.mark.parametrize(
    ("protocol", "unit", "count"),
    [("random", None, 4), ("burst", bursts, 4), ("signer", signers, 3)],
)
def test_folds_are_equal_and_keep_groups_whole(protocol, unit, count, people):
    dataset = ASLDataset(people)
    folds = make_folds(dataset, protocol, folds=4, seed=3)
    assert folds.unique().tolist() == list(range(count))
    assert set(folds.bincount().tolist()) == {len(dataset) // count}
    if unit is not None:
        parts = [
            unit(Subset(dataset, (folds == fold).nonzero().flatten())) for fold in range(count)
        ]
        assert sum(map(len, parts)) == len(set.union(*parts))


def test_there_are_five_folds_unless_asked_and_two_at_least(people):
    dataset = ASLDataset(people)
    assert make_folds(dataset, "burst").max() == 4
    assert make_folds(dataset, "random", folds=2).bincount().tolist() == [30, 30]


def test_a_seed_deals_the_folds(people):
    dataset = ASLDataset(people)
    first, again, other = (make_folds(dataset, "burst", seed=seed) for seed in (0, 0, 1))
    assert first.equal(again) and not first.equal(other)
    assert make_folds(dataset, "signer")[0] == 0 and dataset.signers[0] == 1


def test_a_corrected_label_does_not_part_a_frame_from_its_burst(people):
    dataset = ASLDataset(people)
    before = bursts_of(dataset)
    dataset.labels[0] = dataset.label_to_idx["z"]
    assert bursts_of(dataset) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"protocol": "person"}, "protocol to be one of random, burst, signer, found 'person'"),
        ({"protocol": "burst", "folds": 1}, r"found 1 fold\(s\) and 12 burst\(s\)"),
        ({"protocol": "burst", "folds": 13}, r"found 13 fold\(s\) and 12 burst\(s\)"),
    ],
)
def test_folds_that_cannot_be_dealt(options, words, people):
    with pytest.raises(ValueError, match=words):
        make_folds(ASLDataset(people), **options)


def test_a_single_signer_cannot_be_left_out(write_images):
    with pytest.raises(ValueError, match=r"found 1 fold\(s\) and 1 signer\(s\)"):
        make_folds(ASLDataset(write_images()), "signer")


@pytest.mark.real_images
def test_the_real_set(real_images):
    train, test = load_asl_data(real_images)
    assert (len(train.dataset), len(train), len(test)) == (2515, 2012, 503)


def test_the_validation_share_is_the_validation_parts(write_images):
    train, val, test = load_asl_data(write_images(), 0.8, val_split=0.25)
    assert (len(train), len(val), len(test)) == (108, 36, 36)


def test_bursts_of_a_part_of_a_part_are_those_of_its_images(people):
    dataset = ASLDataset(people)
    part = Subset(Subset(dataset, range(10, 60)), [0, 49, 3])
    whole = bursts_of(dataset)
    assert bursts_of(part) == [whole[10], whole[59], whole[13]]


def test_the_same_names_in_another_folder_are_other_bursts(write_images, tmp_path):
    first, second = (
        ASLDataset(write_images("ab", folder=tmp_path / place / "images")) for place in "12"
    )
    bursts = bursts_of(first.joined_with(second))
    assert len(set(bursts)) == 4 and not set(bursts[:10]) & set(bursts[10:])


# --- transforms and signers ----------------------------------------------------------------------


def test_every_part_gets_the_transform_and_training_alone_its_own(write_images):
    def plain(picture):
        return torch.zeros(3, 4, 4)

    def changed(picture):
        return torch.ones(3, 4, 4)

    folder = write_images(bursts=2)
    parts = load_asl_data(folder, val_split=0.25, transform=plain)
    assert all(part[0][0].equal(torch.zeros(3, 4, 4)) for part in parts)
    assert len({id(part.dataset) for part in parts}) == 1
    train, val, test = load_asl_data(
        folder, val_split=0.25, transform=plain, train_transform=changed, split="burst"
    )
    assert train[0][0].equal(torch.ones(3, 4, 4))
    assert val[0][0].equal(test[0][0]) and test[0][0].equal(torch.zeros(3, 4, 4))
    assert train.dataset.images is test.dataset.images
    alone = load_asl_data(folder, train_transform=changed)
    assert alone[0][0][0].equal(torch.ones(3, 4, 4)) and alone[1][0][0].shape == (3, 28, 28)


def test_own_signers_can_be_left_out_by_name(write_images):
    folder = write_images(bursts=3)
    names = ["Ada", "Bo", "Cy"]
    table = {p.name: names[int(p.name[4]) - 1] for p in folder.rglob("*.png")}
    for out in ("Bo", ["Bo"]):
        train, test = load_asl_data(folder, split="signer", test_signer=out, signers=table)
        assert {test.dataset.signers[i] for i in test.indices} == {"Bo"}
        assert {train.dataset.signers[i] for i in train.indices} == {"Ada", "Cy"}
    with pytest.raises(ValueError, match=r"signers \['Ada', 'Bo', 'Cy'\], found \['Dee'\]"):
        load_asl_data(folder, split="signer", test_signer="Dee", signers=table)


def test_without_lights_all_of_a_signers_images_of_a_sign_are_a_burst(write_images):
    folder = write_images()
    for path in folder.rglob("*.png"):
        path.rename(path.with_name(f"photo {path.stem[-9]}.png"))
    assert possible_protocols(ASLDataset(folder)) == ("random",)
    dataset = ASLDataset(folder, signers=lambda path: int(path.stem[-1]) % 2)
    assert possible_protocols(dataset) == ("random", "burst", "signer")
    assert len(set(bursts_of(dataset))) == 72
    alone = ASLDataset(folder, signers=lambda path: "Ada")
    assert possible_protocols(alone) == ("random", "burst")

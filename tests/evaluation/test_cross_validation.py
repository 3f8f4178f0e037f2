import pytest
import torch
from torch import nn
from torch.utils.data import Subset

import asl
from asl import ASLDataset, ASLNet, NearestNeighbour, create_sequential_model, cross_validate

pytestmark = pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")


@pytest.fixture
def dataset(people):
    return ASLDataset(people)


class Recorder(nn.Module):
    """Remembers what it is fitted on, and answers nothing in particular."""

    def __init__(self, calls):
        super().__init__()
        self.calls = calls

    def fit(self, train_data: Subset):
        self.calls.append(sorted(train_data.indices))

    def forward(self, x):
        return torch.log_softmax(torch.zeros(len(x), 36), dim=1)


@pytest.mark.parametrize("protocol", ["random", "burst", "signer"])
def test_each_image_is_answered_by_a_model_that_did_not_see_its_fold(protocol, dataset):
    calls = []
    result = cross_validate(lambda: Recorder(calls), dataset, protocol=protocol, folds=4, seeds=[7])
    folds = asl.make_folds(dataset, protocol, folds=4, seed=7)
    assert result.folds.tolist() == [folds.tolist()]
    assert calls == [(folds != fold).nonzero().flatten().tolist() for fold in folds.unique()]


def test_answers_lie_at_their_images_place(dataset):
    result = cross_validate(NearestNeighbour, dataset, protocol="random", seeds=[0, 1])
    assert result.log_probs.shape == (2, 60, 36)
    # Burst mates are near-copies, so a lookup knows all; a wrong order would not.
    assert (result.log_probs.argmax(dim=2) == result.labels).float().mean() > 0.9


def test_extra_images_join_every_training_part_and_are_not_tested(dataset, write_images, tmp_path):
    extra = ASLDataset(write_images("ab", folder=tmp_path / "extra"))
    calls = []
    result = cross_validate(lambda: Recorder(calls), dataset, extra=extra)
    assert result.log_probs.shape == (1, 60, 36)
    assert all(call[-10:] == list(range(60, 70)) and len(call) == 50 for call in calls)


def test_the_temperature_of_a_fold_never_sees_it(dataset):
    calls = []
    result = cross_validate(lambda: Recorder(calls), dataset, calibrate=True)
    folds = result.folds[0]
    pairs = [{0, 1}, {0, 2}, {1, 2}]
    left_out = [set(folds.tolist()) - set(folds[seen].tolist()) for seen in calls]
    assert left_out == [{0}, {1}, {2}, *pairs]
    assert result.temperatures.shape == (1, 3)


def test_temperatures_are_fitted_on_the_other_folds_and_applied_to_their_own(dataset):
    class Boaster(nn.Module):  # sure of "a", and right half the time
        def fit(self, _):
            pass

        def forward(self, x):
            logits = torch.zeros(len(x), 36)
            logits[:, 10] = 20.0
            return torch.log_softmax(logits, dim=1)

    result = cross_validate(Boaster, dataset, calibrate=True)
    raw, calibrated = (
        answers.exp().amax(dim=2) for answers in (result.log_probs, result.calibrated)
    )
    assert (raw > 0.99).all() and (calibrated < 0.6).all()
    expected = result.temperatures[0, result.folds[0]]
    torch.testing.assert_close(
        result.calibrated[0], torch.log_softmax(result.log_probs[0] / expected.unsqueeze(1), 1)
    )
    scores = result.scores()["labels_36"]
    assert scores["ece_calibrated"]["mean"] < 0.1 < scores["ece"]["mean"]


def test_a_temperature_knows_nothing_of_its_own_fold(dataset):
    class Confident(Recorder):
        def forward(self, x):
            logits = torch.zeros(len(x), 36)
            logits[:, 10] = 6.0  # always "a"
            return torch.log_softmax(logits, dim=1)

    # Signer 1 signs nothing but "a": fitted on signer 1 a temperature would be low.
    pairs = (dataset.signers, dataset.labels)
    dataset.labels = [10 if s == 1 else label for s, label in zip(*pairs, strict=True)]
    first, second, third = cross_validate(
        lambda: Confident([]), dataset, calibrate=True
    ).temperatures[0]
    assert first > second == third


def test_a_seed_fixes_the_initial_weights_and_leaves_the_global_generator_alone(dataset):
    class Guess(Recorder):
        def __init__(self):
            super().__init__([])
            self.answer = torch.log_softmax(torch.rand(36), dim=0)

        def forward(self, x):
            return self.answer.expand(len(x), -1)

    before = torch.get_rng_state()
    first, second = cross_validate(Guess, dataset, seeds=[0, 1]).log_probs
    assert torch.get_rng_state().equal(before)
    assert cross_validate(Guess, dataset, seeds=[1]).log_probs[0].equal(second)
    assert not first.equal(second)


def test_calibrated_needs_temperatures(dataset):
    with pytest.raises(ValueError, match="calibrate=True, found one without"):
        cross_validate(NearestNeighbour, dataset).calibrated  # noqa: B018


def test_a_seed_repeats_and_workers_do_the_same_work(dataset):
    def run(**options):
        return cross_validate(
            create_sequential_model, dataset, epochs=2, batch_size=8, progress=False, **options
        ).log_probs

    first = run()
    assert first.equal(run())
    # Workers have other numbers of threads, so sums are rounded otherwise.
    other_rounding = (first - run(workers=2)).abs().max()
    other_seed = (first - run(seeds=[1])).abs().max()
    assert other_rounding < 0.02 < other_seed


def test_workers_need_an_importable_model(dataset):
    with pytest.raises(
        ValueError, match="importable by other processes for workers=2, found.*lambda"
    ):
        cross_validate(lambda: NearestNeighbour(), dataset, workers=2)


def test_an_interrupted_call_goes_on_where_it_stopped(dataset, tmp_path):
    calls = []

    class Interrupted(Recorder):
        def __init__(self):
            super().__init__(calls)

        def fit(self, train_data):
            if len(calls) == 2:
                raise KeyboardInterrupt
            super().fit(train_data)

    def run(make_model, data=dataset, **options):
        return cross_validate(make_model, data, resume_dir=tmp_path / "folds", **options)

    with pytest.raises(KeyboardInterrupt):
        run(Interrupted)
    calls.append("interrupted")
    assert run(Interrupted).log_probs.shape == (1, 60, 36)
    assert len(calls) == 4  # two before, the mark, one after
    run(Interrupted)
    assert len(calls) == 4

    run(Interrupted, epochs=3)  # other options, folds, seeds or images are other answers
    run(Interrupted, protocol="burst", folds=3)
    run(Interrupted, seeds=[1])
    dataset.images[0] += 1
    run(Interrupted)
    assert len(calls) == 4 + 3 * 4
    assert not list((tmp_path / "folds").glob("*.tmp"))


def test_models_of_the_same_parameters_are_told_apart(dataset, tmp_path):
    def run(attention):
        def make():
            return asl.ASLNet(attention=attention)

        options = {"epochs": 1, "batch_size": 20, "progress": False, "resume_dir": tmp_path}
        return cross_validate(make, dataset, protocol="burst", folds=2, **options).log_probs

    assert not run("scalar").equal(run("channel"))
    assert len(list(tmp_path.glob("*.npy"))) == 4


def test_a_damaged_file_is_made_again(dataset, tmp_path):
    first = cross_validate(NearestNeighbour, dataset, resume_dir=tmp_path)
    damaged = sorted(tmp_path.glob("*.npy"))[0]
    damaged.write_bytes(damaged.read_bytes()[:-8])
    with pytest.warns(UserWarning, match=f"trains again, since '.*{damaged.name}' cannot be read"):
        again = cross_validate(NearestNeighbour, dataset, resume_dir=tmp_path)
    assert again.log_probs.equal(first.log_probs)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seeds": []}, r"found seeds=\[\], workers=1"),
        ({"workers": 0}, "workers=0"),
        ({"protocol": "burst", "folds": 2, "calibrate": True}, "at least 3 folds.*found 2"),
        ({"protocol": "person"}, "found 'person'"),
    ],
)
def test_options_out_of_range(options, words, dataset):
    with pytest.raises(ValueError, match=words):
        cross_validate(NearestNeighbour, dataset, **options)


@pytest.mark.real_images
def test_a_lookup_reads_an_unseen_signer_far_worse_than_a_seen_one(real_images):
    dataset = ASLDataset(real_images)
    unseen = cross_validate(NearestNeighbour, dataset, protocol="signer").scores()
    same = cross_validate(NearestNeighbour, dataset, protocol="random").scores()
    assert unseen["labels_36"]["accuracy"]["mean"] == pytest.approx(0.775, abs=0.002)
    assert unseen["shapes_33"]["worst_signer"]["signer"] == 5
    assert same["labels_36"]["accuracy"]["mean"] > 0.98


def test_a_seeds_temperatures_know_nothing_of_other_seeds(dataset):
    class Sure(Recorder):
        """Says "a", with a confidence that the seed draws."""

        def __init__(self):
            super().__init__([])
            self.sure = 1 + 9 * torch.rand(())

        def forward(self, x):
            logits = torch.zeros(len(x), 36)
            logits[:, 10] = self.sure
            return torch.log_softmax(logits, dim=1)

    together = cross_validate(Sure, dataset, seeds=[0, 1], calibrate=True).temperatures
    alone = cross_validate(Sure, dataset, seeds=[1], calibrate=True).temperatures
    assert together[1].equal(alone[0]) and not together[0].allclose(together[1], rtol=0.05)


def test_answers_with_other_extra_images_are_not_reused(dataset, write_images, tmp_path):
    calls = []
    for signs in ("ab", "ba", "abc"):
        extra = ASLDataset(write_images(signs[:2], bursts=len(signs), folder=tmp_path / signs))
        options = {"extra": extra, "resume_dir": tmp_path / "folds"}
        cross_validate(lambda: Recorder(calls), dataset, **options)
    assert len(calls) == 6  # "ab" and "ba" are the same images


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (lambda d: (ASLNet(), d), "found a ASLNet itself: each fold needs a new one"),
        (lambda d: (ASLNet, Subset(d, [0, 1])), "found a Subset: pass .*ASLDataset"),
    ],
)
def test_what_is_easily_passed_instead_is_named(arguments, words, dataset):
    with pytest.raises(ValueError, match=words):
        cross_validate(*arguments(dataset))

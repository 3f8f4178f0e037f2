import copy
import functools
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import Subset

import asl
from asl import ASLDataset, ASLNet, NearestNeighbour, create_sequential_model, cross_validate
from asl.evaluation.fold_cache import FoldCache

pytestmark = pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")


@pytest.fixture
def dataset(people):
    return ASLDataset(people)


class Log:
    """Counts in a file, so that what it has counted is no part of a model's key."""

    def __init__(self, path):
        self.path = path

    def append(self, item):
        with open(self.path, "a") as file:
            file.write(f"{item}\n")

    def __len__(self):
        return len(self.path.read_text().splitlines()) if self.path.exists() else 0


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
    calls = Log(tmp_path / "log")

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
    assert {path.suffix for path in (tmp_path / "folds").iterdir()} == {".safetensors"}


def test_models_of_the_same_parameters_are_told_apart(dataset, tmp_path):
    def run(attention):
        def make():
            return asl.ASLNet(attention=attention)

        options = {"epochs": 1, "batch_size": 20, "progress": False, "resume_dir": tmp_path}
        return cross_validate(make, dataset, protocol="burst", folds=2, **options).log_probs

    assert not run("scalar").equal(run("channel"))
    assert len(list(tmp_path.glob("*.safetensors"))) == 4


def test_a_damaged_file_is_made_again(dataset, tmp_path):
    first = cross_validate(NearestNeighbour, dataset, resume_dir=tmp_path)
    damaged = sorted(tmp_path.glob("*.safetensors"))[0]
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
    calls = Log(tmp_path / "log")
    for signs in ("ab", "ba", "abc"):
        extra = ASLDataset(write_images(signs[:2], bursts=len(signs), folder=tmp_path / signs))
        options = {"extra": extra, "resume_dir": tmp_path / "folds"}
        cross_validate(lambda: Recorder(calls), dataset, **options)
    assert len(calls) == 6  # "ab" and "ba" are the same images


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (lambda d: (ASLNet(), d), "found a model, of type ASLNet: each fold needs a new one"),
        (lambda d: (ASLNet, Subset(d, [0, 1])), "found a Subset: pass .*ASLDataset"),
    ],
)
def test_what_is_easily_passed_instead_is_named(arguments, words, dataset):
    with pytest.raises(ValueError, match=words):
        cross_validate(*arguments(dataset))


# --- folds that are old --------------------------------------------------------------------------


class Algorithm(Recorder):
    """A model with a fit of its own."""

    offset = 0.0

    def __init__(self, log, scale=1.0, p=0.1):
        super().__init__(log)
        self.scale, self.dropout, self.layer = scale, nn.Dropout(p), nn.Linear(2, 2)


def altered(**names):
    """Returns the class with other methods or constants, under the same name."""
    return type("Algorithm", (Algorithm,), {"__qualname__": "Algorithm", **names})


def frozen(log):
    model = Algorithm(log)
    model.layer.requires_grad_(False)
    return model


def shifted(dataset):
    dataset.images[5, 0, 3, 3] += 1
    return dataset


def relabelled(dataset):
    dataset.labels = [11, *dataset.labels[1:]]
    return dataset


def transformed(dataset):
    dataset.transform = lambda picture: torch.zeros(3, 28, 28)
    return dataset


def closure(scale):
    return lambda log: Algorithm(log, scale)


def middle(value):
    weights = torch.zeros(5000)
    weights[2500] = value
    return {"augment": functools.partial(torch.add, other=weights)}


MUST_BE_NEW = {
    "another seed": {"seeds": [1]},
    "another protocol": {"protocol": "burst", "folds": 3},
    "another fold": {"protocol": "random", "folds": 4},
    "epochs": {"epochs": 3},
    "the rate": {"lr": 0.01},
    "an option's function": {"augment": lambda images, generator: images + 1},
    "a number in a large tensor": middle(1.0),
    "what a partial holds": {"augment": functools.partial(torch.mul, other=2)},
    "an image": {"data": shifted},
    "a label": {"data": relabelled},
    "the transform": {"data": transformed},
    "what is frozen": {"make": frozen},
    "dropout": {"make": functools.partial(Algorithm, p=0.5)},
    "an attribute": {"make": functools.partial(Algorithm, scale=2.0)},
    "a closure of the same name": {"make": closure(2.0)},
    "the algorithm of fit": {"make": altered(fit=lambda self, data: self.calls.append(1))},
    "what is computed": {"make": altered(forward=lambda self, x: torch.full((len(x), 36), -9.0))},
    "a constant of the class": {"make": altered(offset=1.0)},
    "extra images": {"extra": True},
    "threads": {"threads": 99},
    "the code of asl": {"code": "other"},
    "the version of torch": {"torch": "9.9"},
    "workers": {"workers": 2},
}


def run_with(dataset, log, folder, monkeypatch, *, data=None, make=Algorithm, **options):
    """Cross-validates with some changes and returns how many models were fitted."""
    before = len(log)
    with monkeypatch.context() as patch:
        if "threads" in options:
            threads = options.pop("threads")
            patch.setattr(torch, "get_num_threads", lambda: threads)
        if "code" in options:
            code = options.pop("code")
            patch.setattr("asl.fingerprints.source_of_package", lambda: code)
        if "torch" in options:
            patch.setattr(torch, "__version__", options.pop("torch"))
        if options.get("extra"):
            options["extra"] = copy.copy(dataset)
        if data is not None:
            dataset = data(copy.deepcopy(dataset))
        one = options.pop("workers", 1)
        if one != 1:  # the key alone: a log in a closure cannot be sent to other processes
            FoldCache(folder, functools.partial(make, log), dataset, options, one)
            key = FoldCache(folder, functools.partial(make, log), dataset, options, one).setting
            return int(key != FoldCache(folder, functools.partial(make, log), dataset, {}).setting)
        cross_validate(
            functools.partial(make, log), dataset, resume_dir=folder, progress=False, **options
        )
    return len(log) - before


@pytest.mark.parametrize("change", MUST_BE_NEW)
def test_a_change_makes_folds_new(change, dataset, tmp_path, monkeypatch):
    log = Log(tmp_path / "log")
    options = MUST_BE_NEW[change]
    start = {"make": closure(1.0)} if change.startswith("a closure") else {}
    start |= {"make": Algorithm} if change == "the algorithm of fit" else {}
    start |= middle(0.0) if change.startswith("a number") else {}
    start |= {"augment": functools.partial(torch.mul, other=1)} if "partial" in change else {}
    assert run_with(dataset, log, tmp_path / "folds", monkeypatch, **start) == 3
    assert run_with(dataset, log, tmp_path / "folds", monkeypatch, **start) == 0
    assert run_with(dataset, log, tmp_path / "folds", monkeypatch, **start | options) > 0


def test_what_does_not_matter_makes_nothing_new(dataset, write_images, tmp_path, monkeypatch):
    log = Log(tmp_path / "log")
    assert run_with(dataset, log, tmp_path / "folds", monkeypatch) == 3
    torch.manual_seed(99)  # the global generator; another copy of the images in another folder
    moved = copy.deepcopy(dataset)
    moved.data_dir, moved.image_files = Path("elsewhere"), [f"x{f}" for f in moved.image_files]
    assert run_with(moved, log, tmp_path / "folds", monkeypatch) == 0
    renamed = (tmp_path / "folds").rename(tmp_path / "other folder")
    assert run_with(dataset, log, renamed, monkeypatch) == 0


def test_what_cannot_be_compared_is_said_and_trained_again(dataset, tmp_path):
    log = Log(tmp_path / "log")
    with open(tmp_path / "open", "w") as file:
        for _ in range(2):
            with pytest.warns(UserWarning, match="keeps no folds in .*cannot be compared"):
                cross_validate(
                    lambda: (file, Algorithm(log))[1], dataset, resume_dir=tmp_path / "folds"
                )
    assert len(log) == 6


def test_answers_that_are_no_numbers_are_an_error_and_not_kept(dataset, tmp_path):
    class Broken(Recorder):
        def __init__(self):
            super().__init__([])

        def forward(self, x):
            return torch.full((len(x), 36), torch.nan)

    with pytest.raises(ValueError, match="found nan or infinity"):
        cross_validate(Broken, dataset, resume_dir=tmp_path / "folds")
    assert not list((tmp_path / "folds").glob("*.safetensors"))
    data = Subset(dataset, range(60))
    assert len(data) == 60


def test_a_folder_that_cannot_be_is_told_before_a_model_is_made(dataset, tmp_path):
    (tmp_path / "file").touch()
    made: list = []
    for path in (tmp_path / "file", tmp_path / "file" / "folds"):
        with pytest.raises(OSError, match=r"'.*file' is a file, not a folder\. Give another path"):
            cross_validate(lambda: Recorder(made), dataset, resume_dir=path)
    assert not made


BUSY = """
import os, sys, time, torch
from pathlib import Path
from asl import ASLDataset, cross_validate
from torch import nn
arrived = Path(sys.argv[4])
class Slow(nn.Module):
    def fit(self, data):
        first = not Path(sys.argv[2]).exists()
        open(sys.argv[2], "a").write("fit\\n")
        while first and len(list(arrived.iterdir())) < 2:
            time.sleep(0.05)
        time.sleep(1 if first else 0)  # the other one asks for the folder
    def forward(self, x):
        return torch.zeros(len(x), 36).log_softmax(1)
import warnings; warnings.simplefilter("ignore")
dataset = ASLDataset(sys.argv[1])
(arrived / str(os.getpid())).touch()
cross_validate(Slow, dataset, resume_dir=sys.argv[3], progress=False)
"""


@pytest.mark.skipif(os.name != "posix", reason="file locks of POSIX")
def test_of_two_processes_in_one_folder_one_waits(people, tmp_path):
    (arrived := tmp_path / "arrived").mkdir()
    command = [sys.executable, "-c", BUSY, people, tmp_path / "log", tmp_path / "folds", arrived]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert len((tmp_path / "log").read_text().splitlines()) == 3
    assert sum("Waiting for another process" in text for text in printed) == 1


ORPHANS = """
import sys, time, torch, warnings
from asl import ASLDataset, cross_validate
from torch import nn
class Slow(nn.Module):
    def fit(self, data):
        open(sys.argv[2], "a").write("fit\\n")
        time.sleep(600)
if __name__ == "__main__":
    warnings.simplefilter("ignore")
    cross_validate(Slow, ASLDataset(sys.argv[1]), workers=2, progress=False)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_killing_the_parent_ends_its_workers(people, tmp_path):
    (tmp_path / "script.py").write_text(ORPHANS)
    parent = subprocess.Popen([sys.executable, tmp_path / "script.py", people, tmp_path / "log"])

    def children(pid):
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    deadline = time.monotonic() + 120
    while not (tmp_path / "log").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    workers = children(parent.pid)
    assert len(workers) >= 2
    parent.kill()
    parent.wait()

    def running(pid):
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    while any(map(running, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(running, workers))

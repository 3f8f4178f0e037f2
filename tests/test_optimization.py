"""Checkpoints, interruptions and divergence; what a step does is tested with `train_model`."""

import importlib
import math
import os
import signal
import subprocess
import sys
from functools import partial

import pytest
import torch
from torch import nn, optim
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import Subset, TensorDataset

import asl
from asl import (
    ASLDataset,
    ASLNet,
    TrainingDiverged,
    create_sequential_model,
    load_asl_data,
    train_model,
)


@pytest.fixture
def parts(write_images):
    return load_asl_data(write_images(bursts=2), progress=False)


def train(parts, checkpoint=None, make=create_sequential_model, stop=None, seed=3, **options):
    """Trains four epochs from fixed first weights, or is interrupted in the epoch `stop`."""

    def interrupt(epoch, metrics):
        if epoch == stop:
            raise KeyboardInterrupt

    torch.manual_seed(0)
    model = make()
    metrics = train_model(
        model,
        *parts,
        4,
        **{"progress": False, "device": "cpu", "callback": interrupt}
        | {"checkpoint": checkpoint, "seed": seed}
        | options,
    )
    return model, metrics


def same(first, second):
    """Tells whether two trained models and what was measured are equal bit for bit."""
    (model, metrics), (other, others) = first, second
    states = zip(model.state_dict().values(), other.state_dict().values(), strict=True)
    measured = {k: v for k, v in metrics.items() if k != "epoch_times"}
    return all(a.equal(b) for a, b in states) and measured == {k: others[k] for k in measured}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"make": ASLNet, "augment": asl.augment},
        {"optimizer": partial(optim.SGD, lr=0.01, momentum=0.9)},
        {"scheduler": partial(optim.lr_scheduler.StepLR, step_size=3)},
        {"half_precision": True},
    ],
)
@pytest.mark.parametrize("stop", [1, 3])
def test_an_interrupted_training_ends_as_one_that_was_not(options, stop, parts, tmp_path):
    whole = train(parts, **options)
    for _ in range(2):  # the interrupted epoch is made again, and interrupted again
        with pytest.raises(KeyboardInterrupt):
            train(parts, tmp_path / "c", stop=stop, **options)
    assert same(whole, train(parts, tmp_path / "c", **options))
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["c"]


def test_the_same_model_goes_on_when_its_cell_is_run_again(parts, tmp_path):
    whole = train(parts)
    torch.manual_seed(0)
    model = create_sequential_model()
    with pytest.raises(KeyboardInterrupt):
        train(parts, tmp_path / "c", make=lambda: model, stop=2)
    assert same(whole, train(parts, tmp_path / "c", make=lambda: model))


def test_without_a_seed_the_order_goes_on_as_well(parts, tmp_path):
    torch.manual_seed(5)
    whole = train(parts, seed=None)
    torch.manual_seed(5)
    with pytest.raises(KeyboardInterrupt):
        train(parts, tmp_path / "c", stop=2, seed=None)
    torch.manual_seed(77)
    assert same(whole, train(parts, tmp_path / "c", seed=None))


def test_a_finished_training_is_read_not_repeated(parts, tmp_path):
    first = train(parts, tmp_path / "c")

    def fail(*_):
        raise AssertionError("trained again")

    assert same(first, train(parts, tmp_path / "c", callback=fail))


def test_one_that_a_callback_ended_stays_ended(parts, tmp_path):
    options = {"callback": lambda epoch, _: epoch == 2, "checkpoint": tmp_path / "c"}
    first = train(parts, **options)
    assert len(first[1]["train_losses"]) == 2
    assert same(first, train(parts, **options))


def test_first_weights_may_differ(parts, tmp_path):
    first = train(parts, tmp_path / "c")

    def other():
        torch.manual_seed(99)
        return create_sequential_model()

    assert same(first, train(parts, tmp_path / "c", make=other))


class Halved(nn.Module):
    """Halves its input, or divides it by another number."""

    def __init__(self, divisor=2):
        super().__init__()
        self.divisor, self.model = divisor, create_sequential_model()

    def forward(self, x):
        return self.model(x / self.divisor)


class Scaled(nn.Module):
    """Multiplies by a tensor that is no part of its state dict."""

    def __init__(self, scale=1.0, shift=0.0):
        super().__init__()
        self.scale, self.model = torch.tensor(scale), create_sequential_model()
        self.register_buffer("shift", torch.tensor(shift), persistent=False)

    def forward(self, x):
        return self.model(x * self.scale + self.shift)


def other_labels(parts):
    train_data, test_data = parts
    train_data.dataset.labels = [9, *train_data.dataset.labels[1:]]
    return train_data, test_data


def other_images(parts):
    parts[0].dataset.images[0] += 1
    return parts


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"epochs": 5}, "epochs: 4 then, 5 now"),
        ({"lr": 0.002}, "lr: 0.001 then, 0.002 now"),
        ({"seed": 4}, "seed: 3 then, 4 now"),
        ({"batch_size": 32}, "batch_size: 64 then, 32 now"),
        ({"optimizer": optim.AdamW}, "optimizer: "),
        ({"augment": asl.augment}, "augment: "),
        ({"make": ASLNet}, "layers of the model: "),
        ({"make": partial(Halved, 3)}, "layers of the model: "),
        ({"make": partial(Scaled, scale=2.0)}, "layers of the model: "),
        ({"make": partial(Scaled, shift=2.0)}, "layers of the model: "),
        ({"make": lambda: frozen(create_sequential_model())}, "layers of the model: "),
        ({"data": other_labels}, "training labels: "),
        ({"data": other_images}, "training images: "),
        ({"data": lambda parts: parts[::-1]}, "training images: "),
        ({"data": lambda parts: (parts[0], None)}, "test images: .* then, none now"),
    ],
)
def test_anything_else_is_refused_with_the_difference(change, named, parts, tmp_path):
    make = getattr(change.get("make"), "func", create_sequential_model)  # of a partial
    train(parts, tmp_path / "c", make=make)
    before = (tmp_path / "c").read_bytes()
    options = {"make": make} | change
    if "epochs" in options:
        options.pop("epochs")
        with pytest.raises(ValueError, match=named):
            train_model(make(), *parts, 5, checkpoint=tmp_path / "c", seed=3, device="cpu")
        return
    data = options.pop("data", lambda parts: parts)
    with pytest.raises(ValueError, match=f"checkpoint of another training(.|\n)*{named}"):
        train(data(parts), tmp_path / "c", **options)
    assert (tmp_path / "c").read_bytes() == before


def frozen(model):
    model[1].requires_grad_(False)
    return model


def test_code_threads_and_precision_count_too(parts, tmp_path, monkeypatch):
    train(parts, tmp_path / "c")
    with monkeypatch.context() as patch:
        patch.setattr("asl.fingerprints.source_of_package", lambda: "other")
        with pytest.raises(ValueError, match="code of asl: .* then, other now"):
            train(parts, tmp_path / "c")
    with monkeypatch.context() as patch:
        patch.setattr(torch, "get_num_threads", lambda: 99)
        with pytest.raises(ValueError, match="threads: .* then, 99 now"):
            train(parts, tmp_path / "c")
    with monkeypatch.context() as patch:
        patch.setattr(torch, "get_float32_matmul_precision", lambda: "medium")
        with pytest.raises(ValueError, match="float32 precision: highest then, medium now"):
            train(parts, tmp_path / "c")


class Own(optim.SGD):
    """Has an option of its own, which is in no group of parameters."""

    strength = 1

    def with_strength(self, strength):
        self.strength = strength
        return self


def halving(step):
    return 0.5**step


MADE = {
    "a lambda": [
        lambda optimizer: LambdaLR(optimizer, lambda step: 1.0),
        lambda optimizer: LambdaLR(optimizer, lambda step: 1.0 if step < 1 else 0.1),
    ],
    "a lambda in one of several schedules": [
        lambda optimizer: optim.lr_scheduler.ChainedScheduler([LambdaLR(optimizer, lambda _: 1)]),
        lambda optimizer: optim.lr_scheduler.ChainedScheduler([LambdaLR(optimizer, halving)]),
    ],
    "how a cycle scales": [
        lambda optimizer: optim.lr_scheduler.CyclicLR(optimizer, 0.1, 1, scale_fn=lambda _: 1.0),
        lambda optimizer: optim.lr_scheduler.CyclicLR(optimizer, 0.1, 1, scale_fn=halving),
    ],
}


def with_objects(parts, path, schedule, stop=None, strength=1):
    """Trains with an optimiser and a schedule that are objects."""
    torch.manual_seed(0)
    model = create_sequential_model()
    optimizer = Own(model.parameters(), lr=0.01).with_strength(strength)
    options = {"optimizer": optimizer, "scheduler": schedule(optimizer)}
    return train(parts, path, make=lambda: model, stop=stop, **options)


@pytest.mark.parametrize("kind", MADE)
def test_functions_in_a_schedule_count_also_if_it_is_an_object(kind, parts, tmp_path):
    schedule, other = MADE[kind]
    whole = with_objects(parts, None, schedule)
    with pytest.raises(KeyboardInterrupt):
        with_objects(parts, tmp_path / "c", schedule, stop=3)
    with pytest.raises(ValueError, match="another training(.|\n)*scheduler: "):
        with_objects(parts, tmp_path / "c", other)
    assert same(whole, with_objects(parts, tmp_path / "c", schedule))


def test_attributes_of_an_optimizer_count_also_if_it_is_an_object(parts, tmp_path):
    schedule = MADE["a lambda"][0]
    with_objects(parts, tmp_path / "c", schedule)
    with pytest.raises(ValueError, match="another training(.|\n)*optimizer: "):
        with_objects(parts, tmp_path / "c", schedule, strength=2)


def test_a_module_that_the_model_uses_counts(parts, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def make(source):
        (tmp_path / "users_layers.py").write_text(source)
        monkeypatch.delitem(sys.modules, "users_layers", raising=False)
        importlib.invalidate_caches()
        layers = importlib.import_module("users_layers")

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.model = create_sequential_model()

            def forward(self, x):
                return self.model(layers.scale(x))

        return Net

    first, second = "def scale(x): return x", "def scale(x): return x * 0"
    trained = train(parts, tmp_path / "c", make=make(first))
    with pytest.raises(ValueError, match="layers of the model: "):
        train(parts, tmp_path / "c", make=make(second))
    assert same(trained, train(parts, tmp_path / "c", make=make(first)))


def test_the_folder_of_the_images_does_not_count(write_images, tmp_path):
    folder = write_images()
    first = train(load_asl_data(folder), tmp_path / "c")
    moved = folder.rename(tmp_path / "moved")
    assert same(first, train(load_asl_data(moved), tmp_path / "c"))


def test_a_path_that_cannot_be_written_is_told_before_the_training(parts, tmp_path):
    (tmp_path / "file").touch()
    model = create_sequential_model()
    before = [parameter.clone() for parameter in model.parameters()]
    with pytest.raises(OSError, match="is a file, not a folder"):
        train_model(model, *parts, 1, checkpoint=tmp_path / "file" / "c")
    assert all(a.equal(b) for a, b in zip(before, model.parameters(), strict=True))


@pytest.mark.parametrize("keep", [0, 100, -1])
def test_a_damaged_checkpoint_is_refused(keep, parts, tmp_path):
    train(parts, tmp_path / "c")
    (tmp_path / "c").write_bytes((tmp_path / "c").read_bytes()[:keep])
    with pytest.raises(ValueError, match="damaged"):
        train(parts, tmp_path / "c")


# --- interruptions -------------------------------------------------------------------------------


def test_ctrl_c_leaves_nothing_half(parts, tmp_path):
    model = create_sequential_model()
    steps, after = [], []

    def augment(images, generator):
        steps.append(len(images))
        if len(steps) == 12:  # five batches an epoch
            raise KeyboardInterrupt
        return images

    def note(epoch, metrics):
        after.append({name: value.clone() for name, value in model.state_dict().items()})

    options = {"augment": augment, "callback": note, "progress": False, "seed": 0}
    with pytest.raises(KeyboardInterrupt) as caught:
        train_model(model, *parts, 9, **options)
    metrics = caught.value.metrics
    assert {len(values) for values in metrics.values()} == {2}
    (told,) = caught.value.__notes__
    assert "2 of 9 epochs were finished" in told and "goes on" not in told
    assert all(value.equal(after[1][name]) for name, value in model.state_dict().items())
    assert not model.training and all(p.grad is None for p in model.parameters())


def test_ctrl_c_tells_of_a_checkpoint_only_if_there_is_one(parts, tmp_path):
    for stop, goes_on in ((1, False), (2, True)):
        with pytest.raises(KeyboardInterrupt) as caught:
            train(parts, tmp_path / "c", stop=stop)
        said = f"The same call goes on from '{tmp_path / 'c'}'"
        assert (said in caught.value.__notes__[0]) is goes_on


def test_a_schedule_that_fails_later_is_not_blamed_on_the_checkpoint(parts, tmp_path):
    def rate(step):
        if step == 13:  # of five an epoch
            raise RuntimeError("this schedule has an end")
        return 1.0

    for _ in range(2):  # the second time from a checkpoint of two epochs
        with pytest.raises(RuntimeError, match="has an end"):
            train(parts, tmp_path / "c", scheduler=lambda optimizer: LambdaLR(optimizer, rate))
    assert (tmp_path / "c").is_file()


KILLED = """
import os, signal, sys, torch, asl
from asl import create_sequential_model, load_asl_data, train_model
moment, path, folder = int(sys.argv[1]), *sys.argv[2:]
torch.set_num_threads(1)
count = 0
def step(*_):
    global count
    count += 1
    if count == moment:
        os.kill(os.getpid(), signal.SIGKILL)
replace, sync = os.replace, os.fsync
if moment < 0:  # inside a write
    def late(*arguments):
        step()
        return sync(*arguments)
    moment, os.fsync = -moment, late
else:
    torch.optim.Optimizer.register = None
    from torch.optim.optimizer import register_optimizer_step_pre_hook
    register_optimizer_step_pre_hook(step)
torch.manual_seed(0)
model = create_sequential_model()
parts = load_asl_data(folder, progress=False)
metrics = train_model(model, *parts, 4, checkpoint=path, seed=3, device="cpu", progress=False)
print(repr([v for k, v in metrics.items() if k != "epoch_times"]), sum(
    float(p.double().sum()) for p in model.parameters()))
"""


@pytest.mark.skipif(os.name != "posix", reason="sends SIGKILL")
def test_killed_at_any_moment_it_goes_on_to_the_same_end(write_images, tmp_path):
    folder = write_images(bursts=2)

    def run(moment, name):
        command = [sys.executable, "-c", KILLED, str(moment), str(tmp_path / name), str(folder)]
        return subprocess.run(command, capture_output=True, text=True)

    whole = run(10**6, "whole")
    assert whole.returncode == 0, whole.stderr
    for moment in (9, -2):  # in a step, and in a write
        name = f"killed {moment}"
        assert run(moment, name).returncode == -signal.SIGKILL
        assert run(10**6, name).stdout == whole.stdout
    assert not list(tmp_path.glob(".*"))


def test_a_finished_training_clears_what_a_killed_one_left(parts, tmp_path, leave_draft):
    first = train(parts, tmp_path / "c")
    left = leave_draft(tmp_path / "c")
    assert same(first, train(parts, tmp_path / "c")) and not left.exists()


# --- divergence ----------------------------------------------------------------------------------


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_model(parts, tmp_path):
    train_data, test_data = parts
    model = ASLNet()
    epochs = []

    def poison(images, generator):
        return images * math.nan if len(epochs) == 2 else images

    def note(epoch, metrics):
        epochs.append({k: v.clone() for k, v in model.state_dict().items()})

    with pytest.raises(TrainingDiverged, match=r"batch 1 of epoch 3 is nan at the") as caught:
        train_model(
            model, *parts, 5, augment=poison, callback=note, progress=False, device="cpu",
            checkpoint=tmp_path / "c",
        )  # fmt: skip
    assert "Try a smaller learning rate, lr=" in str(caught.value)
    assert len(caught.value.metrics["train_losses"]) == 2
    assert all(v.equal(epochs[-1][k]) for k, v in model.state_dict().items())
    assert (tmp_path / "c").is_file()


class Ruining(optim.SGD):
    """Leaves a weight that is no number with its tenth step, the last of the second epoch."""

    taken = 0

    def step(self, closure=None):
        super().step(closure)
        self.taken += 1
        if self.taken == 10:
            self.param_groups[0]["params"][0].data[0] = math.inf


def test_weights_that_a_last_step_has_ruined_are_not_kept(parts, tmp_path):
    options = {"checkpoint": tmp_path / "c", "optimizer": partial(Ruining, lr=0.01)}
    with pytest.raises(
        TrainingDiverged, match=r"last step of epoch 2 .* infinity in 1\.weight"
    ) as caught:
        train(parts, **options)
    words = str(caught.value)
    assert "in batch 5, at the learning rate " in words and "Try a smaller learning rate" in words
    with pytest.raises(TrainingDiverged, match="last step of epoch 3 "):  # goes on from epoch 1
        train(parts, **options)


def test_a_rate_that_is_far_too_high_is_noticed():
    generator = torch.Generator().manual_seed(0)
    data = TensorDataset(torch.randn(64, 3, 28, 28, generator=generator), torch.arange(64) % 36)
    with pytest.raises(TrainingDiverged, match="epoch 1"):
        train_model(
            create_sequential_model(), data, None, 3, batch_size=8, progress=False,
            optimizer=partial(optim.SGD, lr=1e30), seed=0,
        )  # fmt: skip


def test_weights_that_the_last_step_breaks_are_noticed(tmp_path):
    class Broken(optim.SGD):
        def step(self, closure=None):
            self.param_groups[0]["params"][0].data[0, 0] = math.inf

    data = TensorDataset(torch.ones(8, 3, 28, 28), torch.arange(8))
    model = create_sequential_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(TrainingDiverged, match="last step of epoch 1 has gone too far"):
        train_model(
            model, data, None, 2, batch_size=8, progress=False, device="cpu",
            optimizer=partial(Broken, lr=0.1), checkpoint=tmp_path / "c",
        )  # fmt: skip
    assert all(value.equal(before[name]) for name, value in model.state_dict().items())
    assert not (tmp_path / "c").exists()


def test_infinity_that_a_layer_always_holds_is_no_divergence():
    class Masked(nn.Sequential):
        def __init__(self):
            super().__init__(create_sequential_model())
            self.register_buffer("mask", torch.tensor([0.0, -math.inf]))

    data = TensorDataset(torch.ones(8, 3, 28, 28), torch.arange(8))
    metrics = train_model(Masked(), data, None, 1, progress=False, device="cpu")
    assert len(metrics["train_losses"]) == 1


def test_one_pixel_that_is_no_number_is_noticed(parts):
    images = torch.stack([parts[0][i][0] for i in range(64)])
    images[50, 0, 3, 3] = math.nan
    data = TensorDataset(images, torch.arange(64) % 36)
    with pytest.raises(TrainingDiverged, match="look for nan in the images"):
        train_model(ASLNet(), Subset(data, range(64)), None, 1, batch_size=16, progress=False)


def test_an_answer_for_the_test_part_that_is_no_number_stops_and_is_not_kept(parts, tmp_path):
    images = torch.stack([parts[1][i][0] for i in range(9)])
    images[7, 0, 3, 3] = math.nan
    data = TensorDataset(images, torch.arange(9))
    model = create_sequential_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(
        TrainingDiverged, match=r"after epoch 1 .* 1 of 9 .*test_data\[7\]"
    ) as caught:
        train_model(
            model, parts[0], data, 2, checkpoint=tmp_path / "c", progress=False, device="cpu"
        )
    assert "Look for nan in these images" in str(caught.value)
    assert {len(values) for values in caught.value.metrics.values()} == {0}
    assert all(value.equal(before[name]) for name, value in model.state_dict().items())
    assert not (tmp_path / "c").exists()


def test_answers_that_become_no_numbers_leave_the_epoch_before(parts, tmp_path):
    class Late(nn.Sequential):
        """Answers with nan from the second time that it is asked on."""

        asked = 0

        def forward(self, x):
            self.asked += not self.training and len(x) == 64  # the first batch
            return super().forward(x) * (math.nan if self.asked > 1 else 1)

    model, seen = Late(create_sequential_model()), []

    def note(epoch, metrics):
        seen.append({name: value.clone() for name, value in model.state_dict().items()})

    options = {"checkpoint": tmp_path / "c", "callback": note, "progress": False}
    with pytest.raises(TrainingDiverged, match="after epoch 2 .* as epoch 1 left it") as caught:
        train_model(model, *parts, 3, **options)
    assert len(caught.value.metrics["test_losses"]) == 1 and (tmp_path / "c").is_file()
    assert all(value.equal(seen[0][name]) for name, value in model.state_dict().items())


def test_an_answer_that_rules_a_sign_out_is_a_number(parts):
    class Sure(nn.Sequential):
        def forward(self, x):
            log_probs = super().forward(x)
            if self.training or len(x) == 1:
                return log_probs
            return log_probs.index_fill(1, torch.arange(9), -math.inf)

    metrics = train_model(Sure(create_sequential_model()), *parts, 1, progress=False)
    assert metrics["test_losses"] == [math.inf]


def test_a_dataset_that_cannot_be_compared_is_refused_with_a_checkpoint(tmp_path):
    class Lazy:
        def __init__(self):
            self.file = open(os.devnull)  # noqa: SIM115

        def __len__(self):
            return 4

        def __getitem__(self, i):
            return torch.zeros(3, 28, 28), i

    data = Lazy()
    train_model(create_sequential_model(), data, None, 1, progress=False)
    with pytest.raises(ValueError, match="whose content cannot be compared"):
        train_model(create_sequential_model(), data, None, 1, checkpoint=tmp_path / "c")
    data.file.close()


def test_datasets_of_others_are_compared_by_content(tmp_path):
    images = torch.zeros(8, 3, 28, 28)
    for labels, same_training in (([1] * 8, True), ([1] * 8, True), ([2] * 8, False)):
        data = TensorDataset(images.clone(), torch.tensor(labels))
        options = {"checkpoint": tmp_path / "c", "progress": False, "seed": 0}
        if same_training:
            train_model(create_sequential_model(), data, None, 1, **options)
        else:
            with pytest.raises(ValueError, match="training data: "):
                train_model(create_sequential_model(), data, None, 1, **options)
    assert isinstance(data, TensorDataset) and not isinstance(data, ASLDataset)

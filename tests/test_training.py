import json
import math
import os
import subprocess
import sys
from functools import partial

import pandas as pd
import pytest
import torch
from torch import nn, optim
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import DataLoader, Subset, TensorDataset

from asl import (
    ASLDataset,
    ASLNet,
    ASLResNet,
    augment,
    create_sequential_model,
    optimization,
    predict_log_probs,
    summarize,
    train_model,
    training,
)
from asl.augmentation import random_draws
from asl.processes.group import ALONE, Processes


@pytest.fixture
def dataset():
    """Sixteen random images of eight signs."""
    generator = torch.Generator().manual_seed(0)
    return TensorDataset(torch.randn(16, 3, 28, 28, generator=generator), torch.arange(16) % 8)


def quick(model, train_data, test_data, epochs=1, **options):
    return train_model(model, train_data, test_data, epochs, progress=False, **options)


@pytest.mark.parametrize(
    ("make_model", "size"), [(create_sequential_model, 28), (ASLNet, 28), (ASLResNet, 32)]
)
def test_overfits_eight_images(make_model, size, write_images):
    eight = Subset(ASLDataset(write_images(), image_size=size), range(0, 40, 5))
    torch.manual_seed(0)
    model = make_model(image_size=size)
    metrics = quick(model, eight, eight, epochs=80, seed=0, lr=3e-3)
    assert metrics["test_accuracies"][-1] == 100
    assert metrics["test_losses"][-1] < 0.1 < metrics["test_losses"][0]


def test_metrics_have_one_entry_an_epoch(dataset):
    metrics = quick(create_sequential_model(), dataset, Subset(dataset, range(5)), epochs=3)
    assert list(metrics) == [
        "train_losses",
        "test_losses",
        "test_accuracies",
        "learning_rates",
        "epoch_times",
    ]
    assert all(len(values) == 3 for values in metrics.values())
    assert all(type(value) is float for values in metrics.values() for value in values)
    assert all(accuracy % 20 == 0 for accuracy in metrics["test_accuracies"])  # percent, of five


def test_without_a_test_part_nothing_is_measured_and_the_model_is_the_same(dataset, capsys):
    def run(test_data):
        torch.manual_seed(0)
        model = create_sequential_model()
        return train_model(model, dataset, test_data, 2, seed=0), model

    (measured, first), (metrics, second) = run(dataset), run(None)
    assert len(metrics["test_losses"]) == len(metrics["test_accuracies"]) == 2
    assert all(math.isnan(value) for value in metrics["test_losses"] + metrics["test_accuracies"])
    assert metrics["train_losses"] == measured["train_losses"] and not second.training
    assert all(a.equal(b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert "test" not in capsys.readouterr().out.splitlines()[-1]


def test_each_training_batch_is_augmented_and_no_test_batch(dataset):
    seen, drawn = [], []

    def augment(images, generator):
        seen.append(len(images))
        drawn.append(torch.rand(1, generator=generator).item())
        return images

    def run(**options):
        return quick(create_sequential_model(), dataset, dataset, 2, batch_size=10, **options)

    run(augment=augment, seed=3)
    assert seen == [10, 6, 10, 6] and len(set(drawn)) == 4
    run(augment=augment, seed=3)
    assert drawn[:4] == drawn[4:]
    run(augment=augment, seed=4)
    assert drawn[:4] != drawn[8:]


def test_half_precision_changes_the_steps_but_not_what_is_kept(dataset):
    def run(**options):
        torch.manual_seed(0)
        model = ASLNet()
        return quick(model, dataset, dataset, 2, seed=0, **options), model

    (full, _), (half, model) = run(), run(half_precision=True)
    assert half["train_losses"] != full["train_losses"]
    assert half["train_losses"] == pytest.approx(full["train_losses"], rel=0.1)
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())


def test_weight_decay_shrinks_what_has_no_gradient(dataset):
    def spare(**options):
        model = create_sequential_model()
        model.register_parameter("spare", nn.Parameter(torch.ones(1)))
        model.register_forward_hook(lambda model, _, output: output + 0 * model.spare)
        train_model(model, dataset, None, 2, batch_size=8, lr=0.1, progress=False, **options)
        return model.spare.item()

    assert spare(weight_decay=0) == 1
    assert spare(weight_decay=0.5) < spare() < 1  # 0.01 by default


def test_one_cycle_moves_every_batch_reaches_its_peak_and_ends_on_the_last_step(dataset):
    rates = []
    hook = register_optimizer_step_pre_hook(
        lambda optimizer, *_: rates.append(optimizer.param_groups[0]["lr"])
    )
    try:
        model = create_sequential_model()
        metrics = quick(model, dataset, dataset, epochs=5, batch_size=4, lr=0.01)
    finally:
        hook.remove()
    assert len(rates) == 5 * 4
    assert rates[0] == pytest.approx(0.01 / 25)
    assert max(rates) == pytest.approx(0.01)
    assert rates.index(max(rates)) == 5  # 30 % of 20 steps
    assert rates[-1] == pytest.approx(0.01 / 25 / 1e4)
    assert metrics["learning_rates"] == rates[3::4]


@pytest.mark.parametrize("make_model", [create_sequential_model, ASLNet])
def test_a_seed_repeats_exactly_and_leaves_the_global_generator_alone(make_model, dataset):
    def run(seed):
        torch.manual_seed(0)
        model = make_model()
        before = torch.get_rng_state()
        metrics = quick(model, dataset, dataset, epochs=2, batch_size=4, seed=seed)
        assert torch.equal(torch.get_rng_state(), before)
        metrics.pop("epoch_times")
        return metrics, predict_log_probs(model, dataset)[0]

    (first, first_answers), (again, again_answers), (other, _) = run(1), run(1), run(2)
    assert first == again and torch.equal(first_answers, again_answers)
    assert first != other


def test_two_processes_agree_exactly():
    code = (
        "import json, torch\n"
        "from torch.utils.data import TensorDataset\n"
        "from asl import ASLNet, train_model\n"
        "torch.manual_seed(0)\n"
        "data = TensorDataset(torch.randn(40, 3, 28, 28), torch.arange(40) % 36)\n"
        "metrics = train_model(ASLNet(), data, data, 2, batch_size=8, seed=3, progress=False)\n"
        "metrics.pop('epoch_times')\n"
        "print(json.dumps(metrics))\n"
    )
    env = {**os.environ, "PYTHONPATH": os.getcwd()}
    command = [sys.executable, "-c", code]
    runs = [subprocess.run(command, env=env, capture_output=True, check=True) for _ in range(2)]
    first, second = (json.loads(run.stdout) for run in runs)
    assert first == second


class Answer(nn.Module):
    """Says 'sign 0' with a probability that depends on nothing, and counts its batches."""

    def __init__(self, width=36, log=True):
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(1, 0, width))
        self.log, self.sizes = log, []

    def forward(self, x):
        if self.training:
            self.sizes.append(len(x))
        answers = self.weight.log_softmax(0) if self.log else self.weight
        return answers.expand(len(x), -1)


def test_a_last_batch_of_one_joins_the_one_before(dataset):
    model = Answer()
    quick(model, Subset(dataset, range(13)), dataset, batch_size=4)
    assert model.sizes == [4, 4, 5]
    quick(ASLNet(), Subset(dataset, range(9)), dataset, batch_size=4)  # batch norm would raise


def test_losses_are_means_over_images_not_batches():
    # Nine easy images in two batches and one hard one: only the mean over images ignores how the
    # batches fell. A learning rate of nearly nothing keeps the model as it is.
    labels = torch.tensor([0] * 9 + [35])
    data = TensorDataset(torch.zeros(10, 3, 28, 28), labels)
    expected = -Answer().weight.log_softmax(0)[labels].mean().item()
    metrics = quick(Answer(), data, data, batch_size=7, lr=1e-12, seed=0)
    assert metrics["train_losses"][0] == pytest.approx(expected, rel=1e-5)
    assert metrics["test_losses"][0] == pytest.approx(expected, rel=1e-5)
    assert metrics["test_accuracies"] == [90.0]


def test_one_plain_line_an_epoch(dataset, capsys):
    train_model(create_sequential_model(), dataset, dataset, epochs=2, model_name="MLP")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["MLP epoch 1/2", "MLP epoch 2/2"]
    assert "test accuracy" in lines[0] and "train loss" in lines[0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": 0}, "epochs of at least 1.*found epochs=0"),
        ({"batch_size": 1}, "batch_size of at least 2, found.*batch_size=1"),
        ({"model": Answer(width=10)}, r"\(N, 36\), found \(1, 10\)"),
        ({"model": Answer(log=False)}, "end the model with nn.LogSoftmax"),
        ({"train_data": []}, "at least 2 training images.*found {'training': 0, 'test': 16}"),
        ({"test_data": []}, "found {'training': 16, 'test': 0}"),
        ({"train_data": [], "test_data": None}, "found {'training': 0}"),
    ],
)
def test_bad_input_is_told_before_the_first_step(options, words, dataset):
    arguments = {"model": Answer(), "train_data": dataset, "test_data": dataset, **options}
    with pytest.raises(ValueError, match=words):
        train_model(**arguments)
    assert not arguments["model"].sizes


def test_wrong_image_size_is_told_before_the_first_step(dataset):
    with pytest.raises(ValueError, match=r"\(N, 3, 64, 64\), found \(1, 3, 28, 28\)"):
        train_model(ASLNet(image_size=64), dataset, dataset)


def test_answers_come_in_order_from_loader_and_dataset(dataset, monkeypatch):
    model = create_sequential_model()
    model.train()
    monkeypatch.setattr(training, "EVALUATION_BATCH", 5)
    by_dataset, labels = predict_log_probs(model, dataset)
    by_loader, loader_labels = predict_log_probs(model, DataLoader(dataset, batch_size=7))
    assert model.training
    torch.testing.assert_close(by_dataset, model.eval()(dataset.tensors[0]))
    torch.testing.assert_close(by_dataset, by_loader)
    assert labels.tolist() == loader_labels.tolist() == dataset.tensors[1].tolist()


def test_nothing_to_predict():
    with pytest.raises(ValueError, match="at least one image"):
        predict_log_probs(Answer(), [])


@pytest.mark.parametrize("training_mode", [True, False])
def test_asking_a_model_leaves_it_in_its_mode(training_mode, dataset):
    model = create_sequential_model().train(training_mode)
    predict_log_probs(model, dataset)
    assert model.training is training_mode


def test_by_default_the_rate_peaks_at_a_thousandth_in_batches_of_64(dataset):
    rates, sizes = [], []

    class Watched(Answer):
        def forward(self, x):
            if self.training:
                sizes.append(len(x))
            return super().forward(x)

    hook = register_optimizer_step_pre_hook(
        lambda optimizer, *_: rates.append(optimizer.param_groups[0]["lr"])
    )
    try:
        many = torch.utils.data.ConcatDataset([dataset] * 40)
        train_model(Watched(), many, None, 4, progress=False)
    finally:
        hook.remove()
    assert max(rates) == pytest.approx(1e-3, rel=0.01) and len(rates) == 40 and max(sizes) == 64


class Waits(TorchDispatchMode):
    """Notes each operation that makes the host wait for a GPU, between steps of the optimiser."""

    def __init__(self):
        super().__init__()
        self.noted = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        chosen = args[1] if name == "index" else ()
        by_truth = any(part is not None and part.dtype == torch.bool for part in chosen)
        if by_truth or name in ("_local_scalar_dense", "nonzero", "masked_select", "equal"):
            self.noted.append(name)
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("processes", [ALONE, Processes()])
@pytest.mark.parametrize("half_precision", [False, True])
@pytest.mark.parametrize("changed", [None, augment])
def test_no_step_waits_for_a_number(processes, half_precision, changed, write_images, monkeypatch):
    # Where looking is free, on a CPU, a step does look at its loss.
    monkeypatch.setattr(optimization, "_may_look", lambda *_: False)
    monkeypatch.setattr(random_draws, "counts_freely", lambda device: False)
    data = ASLDataset(write_images())
    with Waits() as waits:
        hook = register_optimizer_step_pre_hook(lambda *_: waits.noted.append("step"))
        try:
            quick(
                ASLNet(), Subset(data, range(20)), None, batch_size=4, device="cpu", seed=0,
                augment=changed, half_precision=half_precision, processes=processes,
            )  # fmt: skip
        finally:
            hook.remove()
    first = waits.noted.index("step")
    assert waits.noted[first : first + 5] == ["step"] * 5
    assert "_local_scalar_dense" in waits.noted[first + 5 :]  # the epoch's losses


def test_on_a_cpu_a_step_looks_at_its_loss():
    assert optimization._may_look(torch.device("cpu"), ALONE)
    assert not optimization._may_look(torch.device("cuda"), ALONE)
    assert not optimization._may_look(torch.device("cpu"), Processes(0, 2))


# --- what people change --------------------------------------------------------------------------


def rates_of(optimizer=None, scheduler=None, epochs=2, **options):
    """Trains three batches an epoch and returns the rate of each epoch's last step."""
    data = TensorDataset(torch.zeros(24, 3, 28, 28), torch.arange(24) % 8)
    model = Answer()
    metrics = train_model(
        model,
        data,
        None,
        epochs,
        batch_size=8,
        progress=False,
        optimizer=optimizer,
        scheduler=scheduler,
        **options,
    )
    return metrics["learning_rates"]


def test_another_optimizer_cycles_up_to_its_own_rate():
    ours = rates_of(lr=0.5)
    for optimizer in (optim.SGD, partial(optim.SGD, momentum=0.9), optim.Adam):
        assert rates_of(partial(optimizer, lr=0.5)) == pytest.approx(ours)


def test_another_scheduler_moves_after_every_batch():
    def halve(optimizer):
        return optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)

    assert rates_of(partial(optim.SGD, lr=1.0), halve) == [0.25, 0.03125]
    model = Answer()
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    data = TensorDataset(torch.zeros(24, 3, 28, 28), torch.arange(24) % 8)
    metrics = train_model(
        model, data, None, 1, batch_size=8, optimizer=optimizer, scheduler=halve(optimizer)
    )
    assert metrics["learning_rates"] == [0.25]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"optimizer": optim.SGD(Answer().parameters())}, "optimizer of this model's parameters"),
        ({"scheduler": optim.lr_scheduler.ReduceLROnPlateau}, "found ReduceLROnPlateau"),
        (
            {"scheduler": partial(optim.lr_scheduler.OneCycleLR, max_lr=1, total_steps=5)},
            "at least 6 steps.*found total_steps=5",
        ),
    ],
)
def test_what_does_not_fit_is_told_before_the_first_step(options, words):
    with pytest.raises(ValueError, match=words):
        rates_of(**options)


def test_a_callback_sees_each_epoch_and_may_end_the_training(dataset):
    seen = []

    def watch(epoch, metrics):
        seen.append((epoch, len(metrics["test_accuracies"])))
        return epoch == 2

    model = create_sequential_model()
    metrics = train_model(model, dataset, dataset, 5, callback=watch, progress=False)
    assert seen == [(1, 1), (2, 2)] and len(metrics["train_losses"]) == 2 and not model.training
    train_model(model, dataset, dataset, 2, callback=lambda *_: 1.0, progress=False)


def test_metrics_are_a_dict_that_knows_its_models_name(dataset):
    metrics = train_model(Answer(), dataset, None, 2, "My net", progress=False)
    assert metrics.name == "My net" and isinstance(metrics, dict)
    table = pd.DataFrame(metrics)
    assert table.shape == (2, 5) and table["test_losses"].isna().all()
    summary = summarize({metrics.name: metrics})["My net"]
    assert summary["final training loss"] == metrics["train_losses"][-1]
    assert math.isnan(summary["final test accuracy (%)"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda m, d: train_model(m, d, None, 1, 0.01),
            "fifth argument.* found 0.01.*lr=",
        ),
        (
            lambda m, d: train_model(m, DataLoader(d), None),
            "a DataLoader: pass loader.dataset",
        ),
        (lambda m, d: train_model(m, d, DataLoader(d)), "a DataLoader: pass loader.dataset"),
        (
            lambda m, d: train_model(m, d, None, augment=lambda images: images),
            r"augment to take \(images .*, generator\).*augment=lambda images, generator:",
        ),
        (lambda m, d: train_model(m, d, None, device="gpu"), "expected a device of this machine"),
    ],
)
def test_arguments_of_another_kind_are_told_before_the_first_step(change, words, dataset):
    model = Answer()
    with pytest.raises(ValueError, match=words):
        change(model, dataset)
    assert not model.sizes


@pytest.mark.parametrize("labels", [[0, 36], [0, -100], [0.0, 1.0]])
def test_labels_of_another_kind(labels):
    data = TensorDataset(torch.zeros(2, 3, 28, 28), torch.tensor(labels))
    for call in (
        lambda: train_model(Answer(), data, None, 1, progress=False),
        lambda: predict_log_probs(Answer(), DataLoader(data)),
    ):
        with pytest.raises(ValueError, match="expected labels from 0 to 35"):
            call()


@pytest.mark.parametrize("label", [36, -100])
@pytest.mark.parametrize("part", [lambda d: d, lambda d: Subset(d, range(2, 9))])
def test_a_label_of_an_image_that_names_no_sign_is_refused(label, part, write_images):
    dataset = ASLDataset(write_images(bursts=2), progress=False)
    dataset.labels[5] = label
    for call in (
        lambda: train_model(Answer(), part(dataset), None, 1, progress=False),
        lambda: predict_log_probs(Answer(), part(dataset)),
    ):
        with pytest.raises(ValueError, match=f"labels from 0 to 35.* {label}"):
            call()


def test_another_order_of_classes_is_refused(dataset):
    dataset.class_to_idx = {"a": 0}
    for call in (
        lambda: train_model(Answer(), Subset(dataset, range(9)), None, 1),
        lambda: predict_log_probs(Answer(), DataLoader(dataset)),
    ):
        with pytest.raises(ValueError, match="label 10 for the sign 'a'"):
            call()

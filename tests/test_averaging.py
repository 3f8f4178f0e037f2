"""Stochastic weight averaging."""

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from asl import averaging
from asl.averaging import train_averaged


@pytest.fixture
def data():
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(16, 3, 4, 4, generator=generator) + 2
    return TensorDataset(images, torch.arange(16) % 36)


def a_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.BatchNorm2d(3, affine=False), nn.Flatten(), nn.Linear(48, 36), nn.LogSoftmax(dim=1)
    )


def train(model, data, epochs=3, **options):
    return train_averaged(
        model, data, epochs, batch_size=4, seed=1, device="cpu", progress=False, **options
    )


def test_the_model_ends_between_its_first_weights_and_the_mean_of_those_on_the_way(
    data, monkeypatch
):
    passed = []

    class Recording(averaging.AveragedModel):
        def update_parameters(self, model):
            passed.append(model[2].weight.detach().clone())
            super().update_parameters(model)

    monkeypatch.setattr(averaging, "AveragedModel", Recording)
    model = a_model()
    start = model[2].weight.detach().clone()
    losses = train(model, data)
    assert len(losses) == 3 and len(passed) == 8  # four steps in each of two epochs
    assert not passed[0].equal(start) and not passed[-1].equal(passed[0])
    torch.testing.assert_close(model[2].weight, (start + torch.stack(passed).mean(dim=0)) / 2)
    assert not model.training


def test_batch_norm_is_measured_anew(data):
    model = a_model()
    model[0].running_mean.fill_(1000)
    train(model, data)
    images = data.tensors[0]
    torch.testing.assert_close(model[0].running_mean, images.mean(dim=(0, 2, 3)))
    assert model[0].momentum == 0.1  # as it was, for whoever trains on


def test_it_learns_from_changed_images_and_repeats_exactly(data):
    def weights(**options):
        model = a_model()
        train(model, data, **options)
        return model[2].weight

    def brighter(images, generator):
        return images + torch.rand(1, generator=generator)

    changed = weights(augment=brighter)
    assert changed.equal(weights(augment=brighter)) and not changed.equal(weights())
    assert not weights(lr=1e-3).equal(weights(lr=1e-2))


def test_the_learning_rate_rises_and_stays(data, monkeypatch):
    rates = []

    def watched(model, size, loss_of, epochs, **options):
        for loss, rate in run_epochs(model, size, loss_of, epochs, **options):
            rates.append(rate)
            yield loss, rate

    run_epochs = averaging.run_epochs
    monkeypatch.setattr(averaging, "run_epochs", watched)
    monkeypatch.setattr(averaging, "_WARM_UP", 8)  # steps, two epochs
    train(a_model(), data, epochs=4, lr=0.08)
    assert rates == pytest.approx([0.04, 0.08, 0.08, 0.08])


def test_one_epoch_would_average_nothing(data):
    with pytest.raises(ValueError, match="at least 2 epochs"):
        train(a_model(), data, epochs=1)

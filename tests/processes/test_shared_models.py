"""The layers that look at a whole batch; `test_processes.py` trains with several processes."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from asl.processes.group import ALONE, Processes, Shard
from asl.processes.shared_models import _WholeBatch, shared


def whole_batch(size):
    return _WholeBatch(ALONE.shard(size), ALONE)


def batch(*shape, channels_last=False):
    x = 3 + 2 * torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return x.to(memory_format=torch.channels_last) if channels_last else x


@pytest.mark.parametrize("make", [nn.BatchNorm1d, nn.BatchNorm2d])
@pytest.mark.parametrize(
    "options", [{}, {"affine": False}, {"momentum": None}, {"track_running_stats": False}]
)
@pytest.mark.parametrize("channels_last", [False, True])
def test_batch_norm_is_torchs(make, options, channels_last):
    maps = () if make is nn.BatchNorm1d else (5, 6)
    x = batch(7, 4, *maps, channels_last=channels_last and bool(maps))
    weights = batch(*x.shape).cos()

    def run(context):
        layer, leaf = make(4, **options).double(), x.clone().requires_grad_()
        with context:
            for _ in range(2):
                y = layer(leaf)
        (y * weights).sum().backward()
        gradients = [leaf.grad, *(parameter.grad for parameter in layer.parameters())]
        return [y, *gradients, *layer.state_dict().values(), layer.eval()(x)]

    for ours, theirs in zip(run(whole_batch(7)), run(torch.enable_grad()), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_in_half_precision_statistics_are_taken_in_full():
    x = batch(64, 4, 8, 8).bfloat16().requires_grad_()
    with whole_batch(64):
        y = F.batch_norm(x, None, None, torch.ones(4), torch.zeros(4), True)
    y.float().square().sum().backward()
    assert y.dtype == x.grad.dtype == torch.bfloat16
    expected = F.batch_norm(x.detach().float(), None, None, None, None, True)
    torch.testing.assert_close(y.float(), expected, rtol=0, atol=0.03)


def test_statistics_of_many_channels_last_values_lose_nothing():
    x = batch(96, 16, 28, 28, channels_last=True)
    mean, var = torch.zeros(16), torch.zeros(16)
    with whole_batch(96):
        F.batch_norm(x.float(), mean, var, training=True, momentum=1.0)
    expected = x.float().double()
    torch.testing.assert_close(mean.double(), expected.mean((0, 2, 3)), rtol=1e-6, atol=0)
    torch.testing.assert_close(var.double(), expected.var((0, 2, 3)), rtol=1e-6, atol=0)


def test_out_of_training_nothing_is_changed():
    x = batch(3, 4)
    with whole_batch(3):
        assert F.dropout(x, 0.5, False).equal(x)
        y = F.batch_norm(x, torch.ones(4).double(), torch.full((4,), 4.0).double(), eps=0)
    torch.testing.assert_close(y, (x - 1) / 2)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("dropout", [F.dropout, F.dropout1d, F.alpha_dropout])
def test_dropout_of_all_shards_is_that_of_the_batch(dropout, rows):
    x = batch(7 * rows, 4, 5)
    torch.manual_seed(0)
    whole = dropout(x, 0.5, True)
    parts = []
    for rank in range(3):
        shard = Processes(rank, 3).shard(7)
        mine = slice(rows * shard.first, rows * (shard.first + shard.size))
        torch.manual_seed(0)
        with _WholeBatch(shard, ALONE):
            parts.append(dropout(x[mine], 0.5, True))
    assert torch.cat(parts).equal(whole)


def test_a_batch_that_is_not_the_first_dimension_is_told():
    with (
        _WholeBatch(Shard(8, 0, 4, True), ALONE),
        pytest.raises(ValueError, match=r"dropout of 4 images.*found \(5, 2\)"),
    ):
        F.dropout(batch(5, 2), 0.5, True)


def test_alone_a_model_is_called_as_it_is():
    model = nn.Linear(2, 2)
    x = torch.ones(3, 2)
    assert shared(model, ALONE)(x, ALONE.shard(3)).equal(model(x))

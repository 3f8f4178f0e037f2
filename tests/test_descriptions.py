"""Which weights count; what else does is tested with `train_model`."""

import pytest
import torch
from torch import nn, optim
from torch.utils.data import TensorDataset

from asl.descriptions import describe_training

DATA = TensorDataset(torch.zeros(4, 2), torch.arange(4))


def described(model, **options):
    return describe_training(model, DATA, None, options, {})


@pytest.mark.parametrize(
    ("option", "counts"),
    [
        (lambda model: None, False),
        (lambda model: optim.SGD(model.parameters()), False),
        (lambda model: optim.lr_scheduler.ConstantLR(optim.SGD(model.parameters())), False),
        (lambda model: model.state_dict(), True),
        (lambda model: model.weight, True),
    ],
)
def test_initial_weights_count_only_where_an_option_names_them(option, counts):
    models = [nn.Linear(2, 2), nn.Linear(2, 2)]
    one, other = (described(model, option=option(model)) for model in models)
    assert one["layers of the model"] == other["layers of the model"]
    assert (one != other) is counts

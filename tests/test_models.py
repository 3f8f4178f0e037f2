import pytest
import torch
import torch.nn.functional as F
from torch import nn

from asl import ASLNet, create_sequential_model

MODELS = {
    "sequential": create_sequential_model,
    "scalar": ASLNet,
    "channel": lambda **options: ASLNet(attention="channel", **options),
}


@pytest.fixture(params=MODELS)
def make_model(request):
    return MODELS[request.param]


@pytest.fixture
def images():
    return torch.randn(4, 3, 28, 28, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("image_size", [28, 12, 64])
def test_log_probabilities_at_any_size(make_model, image_size):
    output = make_model(image_size=image_size).eval()(torch.randn(2, 3, image_size, image_size))
    assert output.shape == (2, 36)
    torch.testing.assert_close(output.exp().sum(dim=1), torch.ones(2))


@pytest.mark.parametrize("image_size", [1, 13])
def test_the_sequential_network_takes_images_of_any_size(image_size):
    model = create_sequential_model(image_size=image_size).eval()
    assert model(torch.zeros(1, 3, image_size, image_size)).shape == (1, 36)


def test_dropout_is_the_notebooks(make_model):
    rates = [module.p for module in make_model().modules() if isinstance(module, nn.Dropout)]
    assert rates == [0.3, 0.3]


def test_state_dict_keys_and_shapes_are_the_notebooks():
    def shapes(model):
        return {k: tuple(v.shape) for k, v in model.state_dict().items() if "." in k and v.ndim}

    assert {k: v for k, v in shapes(create_sequential_model()).items() if "weight" in k} == {
        "1.weight": (256, 2352),
        "3.weight": (256,),
        "5.weight": (128, 256),
        "7.weight": (128,),
        "9.weight": (36, 128),
    }
    expected = {
        "feature_extract.0.weight": (16, 1, 3, 3),
        "feature_extract.2.weight": (16,),
        "feature_extract.4.weight": (32, 16, 3, 3),
        "feature_extract.6.weight": (32,),
        "shared.0.weight": (256, 3 * 32 * 7 * 7),
        "shared.2.weight": (256,),
        "attention.0.weight": (3, 256),
        "classifier.0.weight": (128, 256),
        "classifier.2.weight": (128,),
        "classifier.4.weight": (36, 128),
    }
    assert {k: v for k, v in shapes(ASLNet()).items() if "weight" in k} == expected
    assert shapes(ASLNet(attention="channel")) == shapes(ASLNet())


def _as_asked(model: ASLNet, x: torch.Tensor) -> torch.Tensor:
    """The forward pass the user's notebook describes: three extractor calls, one scalar gate."""
    parts = [model.feature_extract(x[:, c : c + 1]).flatten(1) for c in range(3)]
    features = model.shared(torch.cat(parts, dim=1))
    gate = model.attention(features).mean(dim=1, keepdim=True)
    return F.log_softmax(model.classifier(features * gate), dim=1)


def test_scalar_network_computes_what_was_asked(images):
    model = ASLNet()
    for module in model.modules():  # statistics as after some training
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2)
    model.eval()
    torch.testing.assert_close(model(images), _as_asked(model, images))


def test_channel_gate_weighs_each_channel_by_its_own_weight(images):
    model = ASLNet(attention="channel").eval()
    weights = model.attention_weights(images)
    maps = model.channel_features(images)  # (4, 3, 32, 7, 7)
    weighed = (maps * weights[:, :, None, None, None]).flatten(1)
    expected = F.log_softmax(model.classifier(model.shared(weighed)), dim=1)
    torch.testing.assert_close(model(images), expected)


def test_closing_a_channels_gate_blinds_the_network_to_it(images):
    model = ASLNet(attention="channel").eval()
    with torch.no_grad():
        model.attention[0].weight.zero_()
        model.attention[0].bias.copy_(torch.tensor([-100.0, 100.0, 100.0]))
    other = images.clone()
    other[:, 0] = torch.randn_like(other[:, 0])
    torch.testing.assert_close(model(images), model(other))
    other[:, 1] = torch.randn_like(other[:, 1])
    assert not torch.allclose(model(images), model(other))


@pytest.mark.parametrize("attention", ["scalar", "channel"])
def test_attention_weights_and_features(attention, images):
    model = ASLNet(attention=attention).eval()
    weights = model.attention_weights(images)
    assert weights.shape == (4, 3) and weights.min() > 0 and weights.max() < 1
    maps = model.channel_features(images)
    assert maps.shape == (4, 3, 32, 7, 7)
    torch.testing.assert_close(maps[:, 1], model.feature_extract(images[:, 1:2]))


def test_every_parameter_learns(make_model, images):
    model = make_model()
    F.nll_loss(model(images), torch.tensor([0, 1, 2, 3])).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


@pytest.mark.parametrize("shape", [(2, 1, 28, 28), (2, 3, 32, 32), (3, 28, 28), (2, 2352)])
def test_wrong_input_shape(make_model, shape):
    with pytest.raises(ValueError) as caught:
        make_model()(torch.zeros(shape))
    assert f"expected images of shape (N, 3, 28, 28), found {shape}" in str(caught.value)


def test_wrong_options():
    with pytest.raises(ValueError, match="multiple of 4 pixels, found 30"):
        ASLNet(image_size=30)
    with pytest.raises(ValueError, match="found 0"):
        create_sequential_model(image_size=0)
    with pytest.raises(ValueError, match="'scalar' or 'channel', found 'none'"):
        ASLNet(attention="none")


def test_the_channel_gate_leaves_batch_norm_to_the_weighed_features(images):
    model = ASLNet(attention="channel").train()
    model(images)
    norm = model.shared[2]
    assert norm.num_batches_tracked == 1  # a gate behind the norm would show it two mixtures

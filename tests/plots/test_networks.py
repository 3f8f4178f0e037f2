import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset

from asl import (
    ASLNet,
    create_sequential_model,
    normalize,
    visualize_channel_attention,
    visualize_features,
)


def drawn_images(figure):
    return [axis for axis in figure.axes if axis.images]


# Five images of each sign, the first of which are 0: they would all look the same.
@pytest.mark.parametrize(("count", "signs"), [(64, "01234"), (12, "012"), (2, "0")])
@pytest.mark.parametrize("attention", ["scalar", "channel"])
def test_attention_bars_are_the_weights_of_the_first_image_of_each_sign(
    attention, count, signs, dataset
):
    model = ASLNet(attention=attention).train()
    loader = DataLoader(Subset(dataset, range(count)), batch_size=64)
    weights = visualize_channel_attention(model, loader)
    assert model.training and isinstance(weights, np.ndarray) and weights.shape == (count, 3)
    images = torch.stack([dataset[i][0] for i in range(count)])
    expected = model.eval().attention_weights(images).detach()
    np.testing.assert_allclose(weights, expected, rtol=1e-5)
    shown, bars = drawn_images(plt.gcf()), [axis for axis in plt.gcf().axes if axis.patches]
    assert [axis.get_title() for axis in shown] == [f"Sign: {sign}" for sign in signs]
    for i, (top, bottom) in enumerate(zip(shown, bars, strict=True)):
        pixels = dataset.images[5 * i].permute(1, 2, 0).numpy() / 255
        np.testing.assert_allclose(top.images[0].get_array(), pixels, atol=1e-6)
        heights = [bar.get_height() for bar in bottom.patches]
        np.testing.assert_allclose(heights, weights[5 * i])
    assert [t.get_text() for t in bars[0].get_xticklabels()] == ["red", "green", "blue"]


def test_feature_panels_show_what_differs_from_an_empty_picture(dataset):
    model = ASLNet()
    figure = visualize_features(model, DataLoader(dataset, batch_size=4))
    panels = drawn_images(figure)[1:4]
    black = normalize(torch.zeros(1, 3, 28, 28, dtype=torch.uint8))
    maps = model.eval().channel_features(torch.cat([dataset[0][0][None], black])).detach()
    response = (maps[0] - maps[1]).abs().mean(dim=1)
    for panel, expected in zip(panels, response, strict=True):
        np.testing.assert_allclose(panel.images[0].get_array(), expected, rtol=1e-5, atol=1e-6)
    (scale,) = {panel.images[0].get_clim() for panel in panels}
    assert scale == pytest.approx((0, response.max().item()))
    assert figure.get_suptitle() == "Response beyond an empty picture"


def test_background_and_borders_stay_dark_where_there_is_no_hand():
    torch.manual_seed(0)
    picture = torch.zeros(3, 28, 28, dtype=torch.uint8)
    picture[:, 12:16, 12:16] = 200
    figure = visualize_features(ASLNet(), [(normalize(picture), 7)])
    for panel in drawn_images(figure)[1:4]:
        response = np.asarray(panel.images[0].get_array())
        assert response[3, 3] > 0
        assert max(response[0].max(), response[-1].max()) == 0
        assert max(response[:, 0].max(), response[:, -1].max()) == 0


def test_a_dataset_will_do_for_a_loader(dataset):
    assert visualize_channel_attention(ASLNet(), dataset).shape == (64, 3)
    assert drawn_images(visualize_features(ASLNet(), dataset))[0].get_title() == "Sign: 0"


def test_models_that_cannot_answer_and_empty_loaders_are_refused(dataset):
    class Own(nn.Module):
        pass

    with pytest.raises(ValueError, match="attention_weights.*found Sequential: pass an ASLNet"):
        visualize_channel_attention(create_sequential_model(), dataset)
    with pytest.raises(ValueError, match="channel_features.*found Own: pass an ASLNet"):
        visualize_features(Own(), dataset)
    with pytest.raises(ValueError, match="at least one image to draw, found none"):
        visualize_features(ASLNet(), Subset(dataset, []))

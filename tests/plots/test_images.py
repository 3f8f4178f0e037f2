import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Subset

from asl import (
    SIGNS,
    ASLDataset,
    ASLNet,
    NearestNeighbour,
    Sight,
    audit_dataset,
    plot_augmented,
    plot_gallery,
    plot_people,
    plot_sights,
    plot_signs,
    plot_suspects,
    visualize_channel_attention,
    visualize_data_samples,
    visualize_features,
)


def loader(dataset, count=None):
    return DataLoader(Subset(dataset, range(count or len(dataset))), batch_size=64)


def drawn_images(figure):
    return [axis for axis in figure.axes if axis.images]


@pytest.mark.parametrize(("count", "drawn"), [(64, 12), (5, 5), (1, 1)])
def test_samples_are_the_first_images_with_their_signs(count, drawn, dataset):
    figure = visualize_data_samples(loader(dataset, count), dataset)
    axes = drawn_images(figure)
    assert len(axes) == drawn
    assert [a.get_title() for a in axes] == [
        f"Sign: {SIGNS[dataset.labels[i]]}" for i in range(drawn)
    ]
    pixels = dataset.images[0].permute(1, 2, 0).numpy() / 255
    np.testing.assert_allclose(axes[0].images[0].get_array(), pixels, atol=1e-6)


def test_samples_from_a_subset_of_a_dataset(dataset):
    part = Subset(dataset, [175, 0])
    figure = visualize_data_samples(DataLoader(part, batch_size=2), part)
    assert [a.get_title() for a in drawn_images(figure)] == ["Sign: z", "Sign: 0"]


@pytest.mark.parametrize(("count", "drawn"), [(64, 5), (2, 2)])
@pytest.mark.parametrize("attention", ["scalar", "channel"])
def test_attention_bars_are_the_weights(attention, count, drawn, dataset):
    model = ASLNet(attention=attention).train()
    weights = visualize_channel_attention(model, loader(dataset, count))
    assert model.training and isinstance(weights, np.ndarray) and weights.shape == (count, 3)
    images = torch.stack([dataset[i][0] for i in range(count)])
    expected = model.eval().attention_weights(images).detach()
    np.testing.assert_allclose(weights, expected, rtol=1e-5)
    bars = [axis for axis in plt.gcf().axes if axis.patches]
    assert len(bars) == drawn
    np.testing.assert_allclose([bar.get_height() for bar in bars[-1].patches], weights[drawn - 1])
    assert [t.get_text() for t in bars[0].get_xticklabels()] == ["red", "green", "blue"]


def test_feature_panels_share_one_scale(dataset):
    model = ASLNet()
    figure = visualize_features(model, loader(dataset))
    panels = drawn_images(figure)[1:4]
    maps = model.eval().channel_features(dataset[0][0].unsqueeze(0))[0].mean(dim=1).detach()
    for panel, expected in zip(panels, maps, strict=True):
        np.testing.assert_allclose(panel.images[0].get_array(), expected, rtol=1e-5)
    assert len({panel.images[0].get_clim() for panel in panels}) == 1


@pytest.mark.parametrize(("count", "drawn"), [(7, 7), (100, 60)])
def test_suspects_are_pictures_in_order(count, drawn, people):
    with pytest.warns(UserWarning, match="2 of 36 signs"):
        table = audit_dataset(people, make_model=NearestNeighbour, seeds=[0], progress=False)
    axes = drawn_images(plot_suspects(table, count))
    assert len(axes) == drawn
    first = table.iloc[0]
    assert axes[0].get_title() == f"filed as {first['given']}\nlike {first['suspected']}"
    pixels = plt.imread(first["file"])
    np.testing.assert_allclose(axes[0].images[0].get_array() / 255, pixels, atol=1e-6)


def test_one_image_of_each_sign_from_each_dataset(write_images, tmp_path):
    first = ASLDataset(write_images(bursts=2))
    with pytest.warns(UserWarning, match="2 of 36 signs"):
        second = ASLDataset(write_images("a0", folder=tmp_path / "second"))
    figure = plot_signs(first, second, signer=2)
    shown = drawn_images(figure)
    assert len(shown) == 36  # the second dataset has no signer 2
    titles = [axis.get_title() for axis in shown]
    assert titles == list(SIGNS)
    index = first.signers.index(2)
    np.testing.assert_array_equal(
        shown[0].images[0].get_array(), first.images[index].permute(1, 2, 0)
    )
    assert len(drawn_images(plot_signs(first, second))) == 38


def test_people_stand_in_rows(people):
    with pytest.warns(UserWarning, match="2 of 36 signs"):
        dataset = ASLDataset(people)
    shown = drawn_images(plot_people(dataset, ["b"]))
    assert [axis.get_title() for axis in shown[:2]] == ["b, dif", "b, top"]
    assert len(shown) == 3 * 2
    place = [dataset.signers[i] == 2 and dataset.labels[i] == 11 for i in range(60)].index(True)
    np.testing.assert_array_equal(
        shown[2].images[0].get_array(), dataset.images[place].permute(1, 2, 0)
    )


def test_each_row_shows_an_image_and_what_became_of_it(write_images):
    dataset = ASLDataset(write_images())

    def darken(images, generator):
        return images - torch.rand(len(images), 1, 1, 1, generator=generator)

    shown = drawn_images(plot_augmented(dataset, darken, rows=2, columns=4))
    assert len(shown) == 8
    pixels = np.stack([axis.images[0].get_array() for axis in shown])
    originals = dataset.images.permute(0, 2, 3, 1).numpy() / 255
    for row in (0, 4):
        assert np.abs(originals - pixels[row]).max(axis=(1, 2, 3)).min() < 1e-6
        assert (pixels[row + 1 : row + 4].mean(axis=(1, 2, 3)) < pixels[row].mean()).all()
    assert not np.array_equal(pixels[1], pixels[2])


@pytest.fixture
def sights():
    answers = [[("0 or o", 0.8), ("c", 0.15)], [(None, 0.7), ("z", 0.3)]]
    return [
        Sight(
            frame=Image.new("RGB", (200, 100)),
            box=(0.5, 0.0, 0.2),
            crop=Image.new("RGB", (64, 64)),
            hand=0.9,
            log_probs=torch.zeros(36),
            answers=ranked,
        )
        for ranked in answers
    ]


def test_sights_show_box_crop_and_answers(sights):
    whole, cut, bars, *_, unsure = plot_sights(sights).axes
    (box,) = whole.patches
    assert box.get_xy() == pytest.approx((129.5, 29.5)) and box.get_width() == pytest.approx(40)
    assert cut.images[0].get_array().shape == (64, 64, 3)
    assert [bar.get_width() for bar in bars.patches] == pytest.approx([80, 15])
    assert [label.get_text() for label in bars.get_yticklabels()] == ["0 or o", "c"]
    assert unsure.get_yticklabels()[0].get_text() == "no confident sign"


def test_a_gallery_names_answers_and_marks_what_is_wrong(sights):
    right, wrong, unsure, empty = plot_gallery(
        [sights[0], sights[0], sights[1]], ["o", "c", "z"], columns=2
    ).axes
    assert [axis.get_title() for axis in (right, wrong, unsure, empty)] == [
        "0 or o 80 %",
        "0 or o 80 % (c)",
        "no sign (z)",
        "",
    ]
    assert right.title.get_color() != wrong.title.get_color() == unsure.title.get_color()
    assert len(right.patches) == 1 and not empty.images
    assert plot_gallery(sights).axes[1].get_title() == "no sign"
    for bad in ([], ["a"]):
        with pytest.raises(ValueError, match="at least one sight and a sign for each"):
            plot_gallery(sights if bad else [], bad)

import dataclasses
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.colors import to_rgb
from PIL import Image
from torch.utils.data import DataLoader, Subset

from asl import (
    SIGNS,
    ASLDataset,
    NearestNeighbour,
    Sight,
    audit_dataset,
    plot_augmented,
    plot_gallery,
    plot_people,
    plot_sights,
    plot_signs,
    plot_suspects,
    visualize_data_samples,
)
from asl.plots.images import READ_MARGIN
from asl.recognizer.crops import WIDE, cut
from asl.recognizer.pyramid import Pyramid


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


def test_samples_come_from_a_loader(dataset):
    with pytest.raises(ValueError, match="expected a DataLoader .*found ASLDataset.*batch_size=12"):
        visualize_data_samples(dataset, dataset)


@pytest.fixture
def suspects(people):
    """Twelve bursts of five, ranked: frames of a burst stand together, and one differs."""
    files = sorted(str(path) for path in people.rglob("*.png"))
    table = pd.DataFrame({"file": files, "given": [Path(file).parent.name for file in files]})
    table["suspected"] = "z"
    table.loc[2, "suspected"] = "y"  # the third frame of the first burst
    return table


@pytest.mark.parametrize(("count", "drawn"), [(7, 7), (100, 13), (1, 1)])
def test_suspects_are_the_first_of_each_burst_in_order(count, drawn, suspects):
    axes = drawn_images(plot_suspects(suspects, count))
    shown = suspects.loc[[0, 2, *range(5, 60, 5)][:count]]
    assert len(axes) == len(shown) == drawn
    for axis, row in zip(axes, shown.itertuples(), strict=True):
        assert axis.get_title() == f"filed as {row.given}\nlike {row.suspected}"
        pixels = plt.imread(row.file)
        np.testing.assert_allclose(axis.images[0].get_array() / 255, pixels, atol=1e-6)


def test_suspects_whose_names_tell_no_burst_are_all_drawn(suspects, tmp_path):
    files = [tmp_path / f"IMG_{i}.png" for i in range(3)]
    for file in files:
        Image.new("RGB", (8, 8)).save(file)
    table = suspects.iloc[10:13].assign(file=[str(file) for file in files])
    assert len(drawn_images(plot_suspects(table))) == 3


def test_an_audit_can_be_drawn(people):
    with pytest.warns(UserWarning, match="2 of 36 signs"):
        table = audit_dataset(people, make_model=NearestNeighbour, seeds=[0], progress=False)
    first = drawn_images(plot_suspects(table))[0]
    assert first.get_title() == f"filed as {table.given[0]}\nlike {table.suspected[0]}"


def test_no_suspects_are_refused(suspects):
    for table, count in ((suspects.iloc[:0], 5), (suspects, 0)):
        with pytest.raises(ValueError, match=f"found {len(table)} images and a count of {count}"):
            plot_suspects(table, count)


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
            hands=1,
            log_probs=torch.zeros(36),
            answers=ranked,
        )
        for ranked in answers
    ]


def test_sights_show_box_crop_and_answers(sights):
    whole, cut, bars, *_, unsure = plot_sights(sights).axes
    (box,) = whole.patches  # with its margin: 1.25 times 20 pixels to each side of (150, 50)
    assert box.get_xy() == pytest.approx((124.5, 24.5)) and box.get_width() == pytest.approx(50)
    assert cut.images[0].get_array().shape == (64, 64, 3)
    assert [bar.get_width() for bar in bars.patches] == pytest.approx([80, 15])
    assert [label.get_text() for label in bars.get_yticklabels()] == ["0 or o", "c"]
    assert unsure.get_yticklabels()[0].get_text() == "no confident sign"
    with pytest.raises(ValueError, match="expected at least one sight to draw, found none"):
        plot_sights([])


def test_the_box_is_what_a_recogniser_reads(sights):
    assert READ_MARGIN == WIDE
    pixels = torch.zeros(100, 200, 3, dtype=torch.uint8)
    pixels[25:75, 125:175] = 255  # the box of the test before
    read = cut(Pyramid(pixels), torch.tensor(sights[0].box), 32)
    assert read[:, 2:-2, 2:-2].min() > 254.9
    wider = cut(Pyramid(pixels), torch.tensor(sights[0].box), 32, margin=WIDE * 1.2)
    assert wider[:, :, [0, -1]].max() < 1


def test_a_box_beyond_the_picture_is_drawn_whole(sights):
    high = dataclasses.replace(sights[0], box=(0.9, -0.6, 0.5))
    (axis,) = plot_gallery([high]).axes
    (box,) = axis.patches
    (left, right), (bottom, top) = axis.get_xlim(), axis.get_ylim()
    assert (left, bottom) == (-0.5, 99.5)
    assert right > box.get_x() + box.get_width() > 200 and top < box.get_y() < 0


@pytest.mark.parametrize("size", [(160, 160), (200, 100), (90, 160)])
def test_pictures_and_bars_fill_the_figure(size, sights):
    figure = plot_sights([dataclasses.replace(sights[0], frame=Image.new("RGB", size))])
    figure.canvas.draw()
    whole, cut, bars = (axis.get_position() for axis in figure.axes)
    assert bars.x1 > 0.97 and whole.x0 < 0.1
    assert bars.width > cut.width
    assert max(cut.x0 - whole.x1, bars.x0 - cut.x1) < 0.15
    title = figure.axes[1].title.get_window_extent()
    assert title.y1 <= figure.bbox.y1  # not cut off


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
    (box,) = right.patches
    assert to_rgb(box.get_edgecolor()) != to_rgb(wrong.title.get_color()) and not empty.images
    assert plot_gallery(sights).axes[1].get_title() == "no sign"
    for bad in ([], ["a"]):
        with pytest.raises(ValueError, match="at least one sight and a sign for each"):
            plot_gallery(sights if bad else [], bad)

import os
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Subset, TensorDataset

from asl import (
    SIGNS,
    ASLDataset,
    DatasetError,
    DatasetNotFoundError,
    data,
    denormalize,
    get_batch,
    normalize,
)
from asl.data import known
from asl.decoding import IMAGENET_MEAN, IMAGENET_STD, open_rgb

# --- what is listed ------------------------------------------------------------------------------


def test_sorted_by_sign_then_name_with_facts_from_names(write_images):
    dataset = ASLDataset(write_images(bursts=2))
    assert len(dataset) == 360 == len(dataset.image_files) == len(dataset.labels)
    assert dataset.image_files == [
        str(dataset.data_dir / sign / name)
        for sign in SIGNS
        for name in sorted(os.listdir(dataset.data_dir / sign))
    ]
    assert dataset.labels == [label for label in range(36) for _ in range(10)]
    assert dataset.signers[:10] == [1] * 5 + [2] * 5
    assert dataset.lights[0] == "dif" and dataset.frames[:6] == [1, 2, 3, 4, 5, 1]
    assert dataset.label_to_idx["z"] == 35 and dataset.get_label_name(35) == "z"


def test_suffixes_in_any_case_and_names_of_any_form(write_images):
    folder = write_images()
    for name in ("photo.PNG", "photo.Jpg", "photo.jpeg"):
        Image.new("RGB", (8, 8)).save(folder / "a" / name, "png")
    dataset = ASLDataset(folder)
    assert len(dataset) == 5 * 36 + 3
    index = dataset.image_files.index(str(folder / "a" / "photo.Jpg"))
    assert dataset.signers[index] is dataset.lights[index] is dataset.frames[index] is None


def test_other_folders_and_files_are_not_counted(write_images):
    folder = write_images()
    write_images(folder=folder / ".ipynb_checkpoints")
    write_images(folder=folder / "asl_dataset")
    (folder / "README.md").write_text("a data card")
    (folder / "a" / "._hand1.jpeg").write_bytes(b"macOS leaves these in archives")
    (folder / "a" / "Thumbs.db").write_bytes(b"Windows leaves these")
    (folder / "a" / "folder.png").mkdir()
    assert len(ASLDataset(folder)) == 5 * 36
    (folder / "a" / "notes.txt").write_text("not an image")
    (folder / "b" / "photo.gif").write_text("not read from folders")
    with pytest.warns(
        UserWarning, match=r"left out 2 file\(s\).*\.gif, \.txt\): a/notes.txt, b/ph"
    ):
        assert len(ASLDataset(folder)) == 5 * 36


def test_missing_signs_are_named(write_images):
    folder = write_images("abc")
    (folder / "d").mkdir()
    (folder / "Else").mkdir()
    with pytest.warns(UserWarning, match=r"3 of 36 signs; none of: 0, .*d, e.*ignored: Else\)"):
        dataset = ASLDataset(folder)
    assert set(dataset.labels) == {10, 11, 12}


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda folder: None, DatasetNotFoundError, "there is no such folder"),
        (lambda folder: folder.mkdir(), DatasetNotFoundError, "it holds none"),
        (lambda folder: (folder / "a").mkdir(parents=True), DatasetError, "found none"),
    ],
)
def test_missing_and_empty_folders(make, error, words, tmp_path):
    make(tmp_path / "data")
    with pytest.raises(error, match=words):
        ASLDataset(tmp_path / "data")


# --- what is decoded -----------------------------------------------------------------------------


def _bomb(path, side=30_000):
    # A PNG header alone decides the size: 900 megapixels in a few bytes.
    Image.new("L", (1, 1)).save(path)
    content = bytearray(path.read_bytes())
    content[16:24] = side.to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    path.write_bytes(content)


def _truncated(path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, "jpeg")
    path.write_bytes(path.read_bytes()[:1000])


DAMAGE = {
    "bomb.png": _bomb,
    "smaller bomb.png": lambda path: _bomb(path, side=10_000),  # Pillow would only warn
    "empty.png": lambda path: path.write_bytes(b""),
    "text.jpg": lambda path: path.write_text("not an image"),
    "truncated.jpeg": _truncated,
}


def test_unreadable_files_are_all_listed_or_all_skipped(write_images):
    folder = write_images()
    for name, damage in DAMAGE.items():
        damage(folder / "b" / name)
    with pytest.raises(DatasetError, match="5 unreadable") as caught:
        ASLDataset(folder)
    assert all(name in str(caught.value) for name in DAMAGE)
    with pytest.warns(UserWarning, match="left out 5 unreadable"):
        dataset = ASLDataset(folder, on_error="skip")
    assert len(dataset) == 180 == len(dataset.images) == len(dataset.signers)
    assert dataset.labels == [label for label in range(36) for _ in range(5)]
    # What stays is still in step: the last image is the last file's.
    last = np.asarray(open_rgb(dataset.image_files[-1]).resize((28, 28), Image.Resampling.BILINEAR))
    torch.testing.assert_close(dataset.images[-1], torch.from_numpy(last.copy()).permute(2, 0, 1))


def test_long_lists_of_unreadable_files_are_cut(write_images):
    folder = write_images()
    for number in range(12):
        (folder / "c" / f"{number}.png").write_bytes(b"")
    with pytest.raises(DatasetError, match="12 unreadable(.|\n)*and 2 more") as caught:
        ASLDataset(folder)
    assert str(caught.value).count("empty file") == 10


def test_only_unreadable_files(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.png").write_bytes(b"")
    with pytest.raises(DatasetError, match="1 unreadable"):
        ASLDataset(tmp_path, on_error="skip")


def test_item_is_the_normalised_image_and_transform_gets_the_picture(write_images):
    folder = write_images()
    image, label = ASLDataset(folder)[7]
    assert image.shape == (3, 28, 28) and image.dtype == torch.float32 and label == 1
    with Image.open(sorted((folder / "1").iterdir())[2]) as picture:
        pixels = torch.from_numpy(
            np.asarray(picture.resize((28, 28), Image.Resampling.BILINEAR)).copy()
        ).permute(2, 0, 1)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    torch.testing.assert_close(image, (pixels / 255 - mean) / std)
    torch.testing.assert_close(denormalize(image), pixels / 255, atol=1e-6, rtol=0)

    seen, label = ASLDataset(folder, lambda picture: (picture.mode, picture.size))[7]
    assert seen == ("RGB", (32, 32)) and label == 1


@pytest.mark.parametrize("transform", [None, lambda picture: torch.ones(3, 28, 28)])
def test_loader_batches_hold_the_items(transform, write_images):
    dataset = ASLDataset(write_images(), transform)
    part = Subset(dataset, range(0, 180, 7))
    images, labels = next(iter(DataLoader(part, batch_size=len(part))))
    assert labels.tolist() == [dataset.labels[i] for i in part.indices]
    for image, index in zip(images, part.indices, strict=True):
        torch.testing.assert_close(image, dataset[index][0])


def test_image_size(write_images):
    assert ASLDataset(write_images(), image_size=8).images.shape == (180, 3, 8, 8)


def test_joined_datasets_hold_all_images_and_facts_in_order(write_images):
    first, second = ASLDataset(write_images()), ASLDataset(write_images(bursts=2))
    joined = first.joined_with(second)
    assert len(joined) == 180 + 360 and len(first) == 180
    assert joined[180 + 5][0].equal(second[5][0])
    for facts in ("image_files", "labels", "signers", "lights", "frames"):
        assert getattr(joined, facts) == getattr(first, facts) + getattr(second, facts)


def test_known_numbers_are_sorted_without_none():
    assert known([3, None, 1, 3]) == [1, 3]


@pytest.mark.parametrize(
    ("options", "words"),
    [({"image_size": 0}, "at least 1 pixel, found 0"), ({"on_error": "ignore"}, "found 'ignore'")],
)
def test_options_out_of_range(options, words, write_images):
    with pytest.raises(ValueError, match=words):
        ASLDataset(write_images(), **options)


# --- folders that are not trusted ---------------------------------------------------------------


def _closed(monkeypatch, *folders):
    """Lets folders seem closed to this user, also if it is root, whom no permission stops."""
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: Path(path) not in folders and access(path, mode)
    )


def test_a_class_folder_that_may_not_be_read_is_named(write_images, monkeypatch):
    folder = write_images()
    _closed(monkeypatch, folder / "b")
    with pytest.raises(DatasetError, match=r"found 1 unreadable.*\n.*/b: a folder that may not"):
        ASLDataset(folder)
    with pytest.warns(UserWarning) as warned:
        assert len(ASLDataset(folder, on_error="skip")) == 175
    words = [str(warning.message) for warning in warned]
    assert any("/b: a folder that may not be read" in text for text in words)
    _closed(monkeypatch, *folder.iterdir())
    with pytest.raises(DatasetError, match="36 unreadable"):
        ASLDataset(folder, on_error="skip")


def test_a_file_that_vanishes_is_skipped(write_images, monkeypatch):
    folder = write_images()
    gone = folder / "b" / "hand1_b_dif_seg_1_cropped.png"
    list_images = data.images_by_sign

    def vanish(root, home):
        found = list_images(root, home)
        gone.unlink()
        return found

    monkeypatch.setattr(data, "images_by_sign", vanish)
    with pytest.warns(UserWarning, match="left out 1(.|\n)*seg_1_cropped.png: FileNotFound"):
        assert len(ASLDataset(folder, on_error="skip")) == 179


def _link(link, target, **options):
    try:
        link.symlink_to(target, **options)
    except OSError:  # Windows asks for a right
        pytest.skip("no symbolic links here")


def test_links_that_lead_out_are_followed_on_request_only(write_images, tmp_path):
    folder = write_images()
    outside = tmp_path / "outside"
    outside.mkdir()
    Image.new("RGB", (8, 8)).save(outside / "secret.png")
    _link(folder / "a" / "out.png", outside / "secret.png")
    _link(folder / "a" / "in.png", folder / "b" / "hand1_b_dif_seg_1_cropped.png")
    with pytest.warns(UserWarning, match=r"1 link\(s\) that lead out of .*=True.*: a/out.png"):
        dataset = ASLDataset(folder)
    names = {Path(file).name for file in dataset.image_files}
    assert len(dataset) == 181 and "in.png" in names and "out.png" not in names
    assert len(ASLDataset(folder, follow_links=True)) == 182


def test_a_class_folder_that_leads_out_is_left_out_but_the_dataset_may_be_a_link(
    write_images, tmp_path
):
    folder = write_images()
    (folder / "b").rename(tmp_path / "elsewhere")
    _link(folder / "b", tmp_path / "elsewhere", target_is_directory=True)
    with pytest.warns(UserWarning) as warned:
        assert len(ASLDataset(folder)) == 175
    assert "left out 5 link(s)" in str(warned[0].message)
    (folder / "b").unlink()
    (tmp_path / "elsewhere").rename(folder / "b")
    _link(tmp_path / "link", folder, target_is_directory=True)
    assert len(ASLDataset(tmp_path / "link")) == 180


def test_a_folder_of_links_that_lead_out_says_so(write_images, tmp_path):
    folder = write_images()
    for sign in folder.iterdir():
        (tmp_path / "links" / sign.name).mkdir(parents=True)
        for path in sign.iterdir():
            _link(tmp_path / "links" / sign.name / path.name, path)
    with pytest.raises(DatasetError, match=r"found none; left out 180 link.*follow_links=True"):
        ASLDataset(tmp_path / "links")
    assert len(ASLDataset(tmp_path / "links", follow_links=True)) == 180


def test_names_cannot_write_to_the_terminal(write_images):
    folder = write_images()
    for name in ("\x1b[2J.png", "\x1b[2J.txt"):
        try:
            (folder / "a" / name).write_text("no image")
        except OSError:  # Windows
            pytest.skip("no such names here")
    with pytest.warns(UserWarning) as warned:
        ASLDataset(folder, on_error="skip")
    words = " ".join(str(warning.message) for warning in warned)
    assert "\x1b" not in words and words.count(r"\x1b[2J") == 2


def test_a_folder_and_a_file_without_a_signer_cannot_write_to_the_terminal(write_images, tmp_path):
    try:
        folder = write_images(["a"], folder=tmp_path / "\x1b[2J")
    except OSError:  # Windows
        pytest.skip("no such names here")
    with pytest.warns(UserWarning) as warned:
        dataset = ASLDataset(folder, corrected=True, progress=False)
        with pytest.raises(ValueError, match="a name for each") as caught:
            ASLDataset(folder, signers=lambda path: None, progress=False)
    said = [*(warning.message for warning in warned), caught.value, repr(dataset)]
    assert len(said) > 3
    assert all("\x1b" not in str(words) and r"\x1b[2J" in str(words) for words in said)


# --- batches -------------------------------------------------------------------------------------


def test_batch_of_any_dataset():
    images = torch.arange(24.0).view(4, 3, 1, 2)
    dataset = Subset(TensorDataset(images, torch.tensor([5, 6, 7, 8])), [3, 1])
    batch, labels = get_batch(dataset, torch.tensor([1, 0]))
    torch.testing.assert_close(batch, images[[1, 3]])
    assert labels.tolist() == [6, 8]


def test_batch_is_what_the_items_are(write_images):
    dataset = ASLDataset(write_images())
    images, labels = get_batch(Subset(dataset, range(9, 90)), [0, 80])
    torch.testing.assert_close(images, torch.stack([dataset[9][0], dataset[89][0]]))
    assert labels.tolist() == [dataset.labels[9], dataset.labels[89]]


def test_normalised_pixels_have_the_mean_and_deviation_that_torchvision_documents():
    white = normalize(torch.full((3, 1, 1), 255, dtype=torch.uint8)).flatten()
    expected = [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    torch.testing.assert_close(white, torch.tensor(expected))


def test_for_display_values_end_at_black_and_white():
    assert denormalize(torch.full((3, 1, 1), -9.0)).tolist() == [[[0]]] * 3
    assert denormalize(torch.full((3, 1, 1), 9.0)).tolist() == [[[1]]] * 3


def test_normalize_round_trip():
    images = torch.randint(0, 256, (2, 3, 4, 4), dtype=torch.uint8)
    torch.testing.assert_close(denormalize(normalize(images)), images / 255, atol=1e-6, rtol=0)


def test_normalize_leaves_what_it_is_given_as_it_is():
    whole = torch.randint(0, 256, (2, 3, 4, 4), dtype=torch.uint8)
    for images in (whole, whole.float(), whole.double()):
        before = images.clone()
        normalized = normalize(images)
        assert images.equal(before) and normalized.dtype == torch.float32
        assert normalized.equal(normalize(whole))


def test_normalize_is_the_same_however_pixels_lie_in_memory():
    images = torch.randint(0, 256, (2, 3, 4, 6), dtype=torch.uint8)
    normalized = normalize(images)
    turned = normalize(images.to(memory_format=torch.channels_last))
    assert turned.equal(normalized) and denormalize(turned).equal(denormalize(normalized))


@pytest.mark.real_images
def test_the_real_set(real_images):
    dataset = ASLDataset(real_images)
    counts = [dataset.labels.count(label) for label in range(36)]
    assert counts[SIGNS.index("t")] == 65 and sorted(counts)[1:] == [70] * 35
    assert [dataset.signers.count(s) for s in range(1, 6)] == [900, 895, 180, 180, 360]
    assert set(dataset.lights) == {"bot", "dif", "left", "right", "top"}
    # Upright hands on black: the corners are dark, the middle is not.
    assert dataset.images[:, :, :2, :2].float().mean() < 10
    assert dataset.images[:, :, 12:16, 12:16].float().mean() > 80


@pytest.mark.filterwarnings("ignore:.*images of 1 of 36 signs")
def test_a_batch_of_a_dataset_with_a_transform_is_what_the_transform_returns(write_images):
    dataset = ASLDataset(write_images("a"), lambda picture: torch.full((3, 2, 2), picture.width))
    images, labels = get_batch(Subset(dataset, [1, 3]), [1, 0])
    assert images.equal(torch.full((2, 3, 2, 2), 32)) and labels.tolist() == [10, 10]


@pytest.mark.filterwarnings("ignore:.*images of 1 of 36 signs")
def test_signers_and_frames_may_have_several_digits(write_images):
    folder = write_images("a")
    name = "hand123_a_left_seg_45_cropped.png"
    (folder / "a" / "hand1_a_dif_seg_1_cropped.png").rename(folder / "a" / name)
    dataset = ASLDataset(folder)
    index = [Path(file).name for file in dataset.image_files].index(name)
    assert (dataset.signers[index], dataset.frames[index]) == (123, 45)
    assert dataset.lights[index] == "left"


# --- as in torchvision ---------------------------------------------------------------------------


def test_facts_have_torchvisions_names(write_images):
    dataset = ASLDataset(write_images())
    assert dataset.classes == list(SIGNS) and dataset.targets == dataset.labels
    assert dataset.class_to_idx == {sign: label for label, sign in enumerate(SIGNS)}
    lines = repr(dataset).splitlines()
    assert lines[0] == "Dataset ASLDataset" and "    Number of datapoints: 180" in lines
    assert f"    Root location: {dataset.data_dir}" in lines and "    Signers: 1" in lines
    assert "28x28 pixels" in lines[-1]
    assert "transform <function" in repr(ASLDataset(dataset.data_dir, lambda picture: picture))


# --- signers from elsewhere ----------------------------------------------------------------------


@pytest.fixture
def unnamed(write_images):
    """Images whose names tell nothing: ten of each sign."""
    folder = write_images(bursts=2)
    for path in sorted(folder.rglob("*.png")):
        _, sign, _, _, frame, _ = path.stem.split("_")
        path.rename(path.with_name(f"{sign}-{path.stem[4]}-{frame}.png"))
    return folder


def test_signers_from_a_function_or_a_table(unnamed):
    names = {"1": "Ada", "2": "Bo"}
    by_function = ASLDataset(unnamed, signers=lambda path: names[path.stem[2]])
    assert by_function.signers[:10] == ["Ada"] * 5 + ["Bo"] * 5
    files = [Path(file) for file in by_function.image_files]
    numbers = [np.int64(file.stem[2]) for file in files]
    for keys in ([f.name for f in files], [f"{f.parent.name}/{f.name}" for f in files]):
        table = dict(zip(keys, numbers, strict=True))
        by_table = ASLDataset(unnamed, signers=table)
        assert by_table.signers[:10] == [1] * 5 + [2] * 5
        assert type(by_table.signers[0]) is int
    assert ASLDataset(unnamed).signers == [None] * 360


@pytest.mark.parametrize(
    ("signers", "found"),
    [
        ({}, "found None for '.*0-1-1.png'"),
        (lambda path: 1.5, "found 1.5"),
        (lambda path: True, "found True"),
        (lambda path: 1 if "a" in path.name else "Bo", "number for each image, or a name for each"),
    ],
)
def test_an_image_without_a_signer_is_named(signers, found, unnamed):
    with pytest.raises(ValueError, match=found):
        ASLDataset(unnamed, signers=signers)


# --- items that are none -------------------------------------------------------------------------


def test_a_transform_that_returns_no_tensor_is_named_with_the_remedy(write_images):
    dataset = ASLDataset(write_images(), lambda picture: picture)
    with pytest.raises(ValueError, match=r"found \['Image', 'int'\].*v2.ToImage"):
        get_batch(dataset, [0])
    with pytest.raises(ValueError, match="found 3"):
        get_batch([3], [0])


@pytest.mark.parametrize("label", [36, -100])
def test_a_label_that_names_no_sign_is_refused(label):
    data = TensorDataset(torch.zeros(2, 3, 4, 4), torch.tensor([0, label]))
    with pytest.raises(ValueError, match=f"labels from 0 to 35.*{label}"):
        get_batch(data, [0, 1])

import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import TensorDataset

from asl import (
    SIGNS,
    ASLDataset,
    ASLMobileNet,
    ASLNet,
    create_sequential_model,
    load_asl_data,
    load_model,
    predict,
    save_model,
    train_model,
)
from asl.recognizer.recognizer import Recognizer
from asl.tensor_files import write_tensors


class Linear(nn.Module):
    """A model of the user's own, of any image size."""

    def __init__(self, side=28):
        super().__init__()
        self.layer = nn.Linear(3 * side * side, 36)

    def forward(self, x):
        return self.layer(x.flatten(1)).log_softmax(dim=1)


def trained(model, folder, **options):
    train, test = load_asl_data(folder, image_size=28, progress=False, **options)
    train_model(model, train, test, 3, "Mine", seed=0, progress=False, device="cpu")
    return model


@pytest.fixture
def folder(write_images):
    return write_images(bursts=2)


# --- asking --------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [create_sequential_model, ASLNet, Linear])
def test_a_photo_is_prepared_as_the_training_images_were(make, folder):
    torch.manual_seed(0)
    model = trained(make(), folder)
    dataset = ASLDataset(folder, progress=False)
    for index in (3, 200, 359):
        with torch.inference_mode():
            expected = model(dataset[index][0].unsqueeze(0))[0].exp()
        answers = predict(model, dataset.image_files[index], top=36)
        assert [sign for sign, _ in answers] == [
            SIGNS[i] for i in expected.argsort(descending=True)
        ]
        assert answers[0][1] == pytest.approx(expected.max().item(), abs=1e-6)
    assert len(predict(model, dataset.image_files[0])) == 3 and not model.training


def test_a_jpeg_is_decoded_at_the_scale_of_training(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), dtype=np.uint8)
    (tmp_path / "a").mkdir()
    Image.fromarray(noise).save(tmp_path / "a" / "x.jpg")
    with pytest.warns(UserWarning, match="1 of 36 signs"):
        image, _ = ASLDataset(tmp_path)[0]
    model = Linear()
    vars(model)["asl_input"] = {"image_size": 28, "transform": None}
    with torch.inference_mode():
        expected = model(image.unsqueeze(0)).exp().max().item()
    assert predict(model, tmp_path / "a" / "x.jpg")[0][1] == pytest.approx(expected, abs=1e-7)


def test_a_transform_of_training_is_used_and_one_can_be_given(folder):
    seen = []

    def transform(picture):
        seen.append((picture.mode, picture.size))
        return torch.zeros(3, 28, 28)

    model = trained(Linear(), folder, transform=transform)
    seen.clear()
    picture = Image.new("L", (50, 40))
    assert predict(model, picture) == predict(model, picture, transform=transform)
    assert seen == [("RGB", (50, 40))] * 2
    with_other = predict(model, picture, transform=lambda picture: torch.ones(3, 28, 28))
    assert with_other != predict(model, picture)


def test_the_test_parts_preparation_is_remembered_not_the_random_one(folder):
    model = trained(Linear(), folder, train_transform=lambda picture: torch.rand(3, 28, 28))
    assert vars(model)["asl_input"] == {"image_size": 28, "transform": None}


def test_several_photos_arrays_and_logits(folder):
    model = trained(create_sequential_model(), folder)
    bgr = np.zeros((30, 30, 3), np.uint8)
    bgr[..., 0] = 255
    both = predict(model, [bgr[..., ::-1], Image.new("RGB", (30, 30), (0, 0, 255))], top=2)
    assert both[0] == both[1] and len(both[0]) == 2
    logits = nn.Sequential(Linear().layer, nn.Unflatten(1, (36,)))
    logits.insert(0, nn.Flatten())
    answers = predict(logits, bgr, 36, transform=lambda picture: torch.ones(3, 28, 28))
    assert sum(probability for _, probability in answers) == pytest.approx(1, abs=1e-5)


def test_what_is_no_number_is_no_answer(folder):
    model = trained(ASLNet(), folder)
    model.register_forward_hook(lambda *_: torch.full((1, 36), math.nan))
    with pytest.raises(ValueError, match="whose answers are numbers, found nan"):
        predict(model, Image.new("RGB", (9, 9)))


def test_the_model_stays_in_its_mode(folder):
    model = trained(ASLNet(), folder)
    model.train()
    predict(model, folder / "a" / "hand1_a_dif_seg_1_cropped.png")
    assert model.training


def test_what_cannot_be_asked(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected a picture at .*found no such file"):
        predict(ASLNet(), tmp_path / "nothing.jpg")
    with pytest.raises(ValueError, match="top from 1 to 36, found 0"):
        predict(ASLNet(), Image.new("RGB", (9, 9)), 0)
    with pytest.raises(ValueError, match="transform=.*Linear trained with images of unknown"):
        predict(Linear(), Image.new("RGB", (9, 9)))
    own = TensorDataset(torch.rand(4, 3, 28, 28), torch.tensor([0, 1, 2, 3]))
    model = Linear()
    train_model(model, own, None, 1, progress=False)
    with pytest.raises(ValueError, match="transform="):
        predict(model, Image.new("RGB", (9, 9)))


# --- keeping -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        create_sequential_model,
        ASLNet,
        lambda: ASLNet(attention="channel"),
        lambda: create_sequential_model(image_size=28),
    ],
)
def test_a_saved_model_answers_as_before_and_knows_its_metrics(make, folder, tmp_path):
    model = trained(make(), folder)
    save_model(model, tmp_path / "new folder" / "model.safetensors")
    state = torch.get_rng_state()
    again = load_model(tmp_path / "new folder" / "model.safetensors")
    assert torch.equal(torch.get_rng_state(), state)
    assert type(again) is type(model) and repr(again) == repr(model) and not again.training
    photo = folder / "k" / "hand2_k_dif_seg_3_cropped.png"
    assert predict(again, photo, 36) == predict(model, photo, 36)
    assert again.asl_metrics == vars(model)["asl_metrics"]
    assert len(again.asl_metrics["test_accuracies"]) == 3


def test_the_gate_is_kept_although_both_have_the_same_layers(tmp_path):
    for attention in ("scalar", "channel"):
        save_model(ASLNet(attention=attention, image_size=16), tmp_path / attention)
        again = load_model(tmp_path / attention)
        assert again.attention_mode == attention and again.image_size == 16


def test_other_networks_of_the_project(tmp_path):
    model = ASLMobileNet(image_size=32)
    save_model(model, tmp_path / "model")
    assert isinstance(load_model(tmp_path / "model"), ASLMobileNet)


def test_a_model_of_your_own_is_filled(folder, tmp_path):
    model = trained(Linear(), folder)
    save_model(model, tmp_path / "model")
    with pytest.raises(ValueError, match=r"Linear, which.*asl.load_model\(path, MyModel\(\)\)"):
        load_model(tmp_path / "model")
    again = load_model(tmp_path / "model", Linear())
    photo = folder / "k" / "hand2_k_dif_seg_3_cropped.png"
    assert predict(again, photo) == predict(model, photo)
    with pytest.raises(ValueError, match="of other layers"):
        load_model(tmp_path / "model", Linear(side=20))


def test_a_transform_cannot_be_kept_and_is_asked_for(folder, tmp_path):
    save_model(
        trained(Linear(), folder, transform=lambda p: torch.zeros(3, 28, 28)), tmp_path / "m"
    )
    again = load_model(tmp_path / "m", Linear())
    with pytest.raises(ValueError, match="transform=.*trained with <function"):
        predict(again, Image.new("RGB", (9, 9)))
    assert predict(again, Image.new("RGB", (9, 9)), transform=lambda p: torch.zeros(3, 28, 28))


def test_metrics_without_a_test_part_and_of_an_untrained_model(folder, tmp_path):
    model = create_sequential_model()
    save_model(model, tmp_path / "untrained")
    assert load_model(tmp_path / "untrained").asl_metrics is None
    train_model(model, load_asl_data(folder, progress=False)[0], None, 2, progress=False)
    save_model(model, tmp_path / "model")
    metrics = load_model(tmp_path / "model").asl_metrics
    assert all(math.isnan(value) for value in metrics["test_losses"])
    assert len(metrics["train_losses"]) == 2


def test_other_files_are_refused(tmp_path, weights):
    with pytest.raises(FileNotFoundError, match="expected a file of weights"):
        load_model(tmp_path / "nothing")
    with pytest.raises(ValueError, match="asl.Recognizer.load reads recognisers"):
        load_model(weights)
    save_model(ASLNet(), tmp_path / "model")
    with pytest.raises(ValueError, match="asl.load_model reads models"):
        Recognizer.load(tmp_path / "model")
    torch.save(ASLNet().state_dict(), tmp_path / "model.pt")
    for load in (load_model, Recognizer.load):
        with pytest.raises(ValueError, match="in the format of torch.save"):
            load(tmp_path / "model.pt")
    write_tensors(tmp_path / "other", {}, {"classes": ["a", "b"]}, format="asl-model 1")
    with pytest.raises(ValueError, match=r"expected classes .* found \['a', 'b'\]"):
        load_model(tmp_path / "other")


@pytest.mark.parametrize("device", ["cuda", "mps", "gpu"])
def test_a_device_that_is_not_here_is_blamed_not_the_file(device, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    save_model(ASLNet(), tmp_path / "model")
    if device == "gpu" or not torch.backends.mps.is_available():
        for load, file in ((load_model, tmp_path / "model"), (Recognizer.load, weights)):
            with pytest.raises(ValueError, match=f"expected a device of this machine.*'{device}'"):
                load(file, device=device)

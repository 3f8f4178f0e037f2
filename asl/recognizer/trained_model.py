"""A model that you trained: kept in a file, read again, and asked about a photo.

`asl.Recognizer` is the recogniser that ships. This is for any model from images to the 36 signs.
"""

import json
import os
from collections.abc import Callable, Sequence
from typing import cast

import torch
from PIL import Image
from torch import Tensor, nn

from asl.decoding import brief, shown, standard_input
from asl.devices import seeded, usable_device
from asl.models import check_width
from asl.recognizer.crops import Picture, to_frame
from asl.recognizer.networks import ARCHITECTURES
from asl.recognizer.weights import (
    CONVENTIONS,
    check_conventions,
    check_image_size,
    check_layers,
    check_metrics,
)
from asl.signs import SIGNS
from asl.tensor_files import MODEL, check_finite, read_tensors, write_tensors

Ranked = list[tuple[str, float]]


def save_model(model: nn.Module, path: str | os.PathLike) -> None:
    """Writes a trained model to one file, with what is needed to use it.

    The file holds the weights, the architecture, the image size, the normalisation, the signs, and
    what `asl.train_model` measured. It holds numbers and text only, and nothing in it is executed.
    The file appears whole or not at all.

    Args:
        model: any module. `load_model` can build the models of this project by itself; others it
            fills.
        path: the file, for example ``"my_model.safetensors"``. A missing folder is made.

    Raises:
        OSError: if the file cannot be written.
    """
    prepared = vars(model).get("asl_input", {"image_size": None, "transform": None})
    transform = prepared["transform"]
    facts = {
        "architecture": _architecture_of(model),
        "image_size": prepared["image_size"] or getattr(model, "image_size", None),
        "transform": None if transform is None else repr(transform),
        **CONVENTIONS,
        # JSON has no nan, which stands for "not measured".
        "metrics": json.loads(json.dumps(vars(model).get("asl_metrics")).replace("NaN", "null")),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }
    write_tensors(path, dict(model.state_dict()), facts, format=MODEL)


def load_model(
    path: str | os.PathLike,
    model: nn.Module | None = None,
    *,
    device: torch.device | str | None = "cpu",
) -> nn.Module:
    """Reads what `save_model` wrote, and returns the model in evaluation mode.

    The file need not be trusted: what does not fit is refused before much memory is taken.

    Its attribute `asl_metrics` holds what was measured in training, in a dict as `asl.train_model`
    returns it, or None.

    Args:
        path: the file.
        model: for a model of your own: an untrained one of the same layers, which is filled. The
            models of this project need none.
        device: where to compute. None means `asl.default_device()`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is damaged, was changed, holds something else or weights that are
            not finite, or does not fit `model`.
    """
    device = usable_device(device)
    given = model
    tensors, facts = read_tensors(
        path, format=MODEL, check=lambda facts, found: _check(path, facts, found, given)
    )
    name, size = str(facts.get("architecture")), facts.get("image_size")
    if model is None:
        with seeded(0, torch.device("cpu")):  # weights that are replaced at once
            model = ARCHITECTURES[name](image_size=size)
    # A model of your own may have buffers that are infinite on purpose, such as masks.
    checked = model.state_dict() if given is None else dict(model.named_parameters())
    try:
        check_finite({name: tensors[name] for name in checked if name in tensors})
        model.load_state_dict(tensors)
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"'{shown(path)}' cannot be used: {error}") from error
    metrics = facts.get("metrics")
    vars(model)["asl_metrics"] = metrics and {
        key: [float("nan") if value is None else value for value in values]
        for key, values in metrics.items()
    }
    vars(model)["asl_input"] = {
        "image_size": None if facts.get("transform") else size,
        "transform": facts.get("transform"),  # its text: a file cannot hold a function
    }
    return model.to(device).eval()


def _check(path: str | os.PathLike, facts: dict, found: dict, model: nn.Module | None) -> None:
    """Raises ValueError unless a file's facts and tensors fit a model, or one of this project."""
    name, size, transform = (facts.get(k) for k in ("architecture", "image_size", "transform"))
    try:
        check_conventions(facts)
        check_metrics(facts.get("metrics"))
        if model is None or size is not None:
            check_image_size(size)
        if not isinstance(transform, str | None):
            raise ValueError(f"expected transform as text, found {brief(transform)}")
    except ValueError as error:
        raise ValueError(f"'{shown(path)}' cannot be used: {error}") from error
    name = shown(name)[:100]
    if model is None and name not in ARCHITECTURES:
        raise ValueError(
            f"'{shown(path)}' holds a {name}, which this project cannot build: pass an untrained "
            "one, asl.load_model(path, MyModel())"
        )
    try:
        if model is None:
            with torch.device("meta"):  # shapes without memory
                model = ARCHITECTURES[name](image_size=size)
        check_layers(model.state_dict(), found)
    except ValueError as error:
        raise ValueError(f"'{shown(path)}' holds a {name} of other layers: {error}") from error


def predict(
    model: nn.Module,
    photo: Picture | Sequence[Picture],
    top: int = 3,
    *,
    transform: Callable[[Image.Image], Tensor] | None = None,
) -> Ranked | list[Ranked]:
    """Asks a model which signs a photo shows, prepared like the images that it was trained with.

    The models of the notebook know hands on black, cut out, from one studio. For a photo with a
    room behind the hand, use `asl.Recognizer`.

    Args:
        model: images (N, 3, H, W) → log-probabilities or logits (N, 36), as `asl.train_model` left
            it or `load_model` returned it.
        photo: a path, a PIL image, an array (H, W), (H, W, 3) or (H, W, 4), or a tensor (3, H, W)
            or (1, H, W): uint8, or float from 0 to 1, RGB. OpenCV's arrays are BGR:
            ``frame[..., ::-1]`` turns them. Or a list of photos.
        top: how many signs to give, at most 36.
        transform: from the upright RGB PIL image to the model's input (3, H, W). None repeats what
            the model was trained with.

    Returns:
        (sign, probability) pairs, the most probable first; for a list of photos, a list of them.

    Raises:
        OSError: if a path cannot be read as an image.
        ValueError: if a photo or `top` is not as described, or if nothing tells how the model's
            images were prepared, or if the model's answer is no number.
    """
    if not 1 <= top <= len(SIGNS):
        raise ValueError(f"expected top from 1 to {len(SIGNS)}, found {top}")
    prepare = _preparation(model, transform)
    if isinstance(photo, list | tuple):
        return [_ask(model, prepare(one), top) for one in photo]
    return _ask(model, prepare(cast(Picture, photo)), top)


def _preparation(model: nn.Module, transform: Callable | None) -> Callable[[Picture], Tensor]:
    """Returns what turns a picture into the model's input (3, H, W)."""
    remembered = vars(model).get("asl_input", {})
    if transform is None and callable(remembered.get("transform")):
        transform = remembered["transform"]
    if transform is not None:
        return lambda picture: transform(to_frame(picture, size=None))
    size = remembered.get("image_size") or getattr(model, "image_size", None)
    if size is None or remembered.get("transform"):
        raise ValueError(
            "expected a model that asl.train_model trained, or transform= from an upright RGB PIL "
            f"image to the model's input, found a {type(model).__name__} trained with "
            f"{remembered.get('transform') or 'images of unknown preparation'}"
        )
    return lambda picture: standard_input(to_frame(picture, size=size), size)


@torch.inference_mode()
def _ask(model: nn.Module, image: Tensor, top: int) -> Ranked:
    parameter = next(model.parameters(), image)
    was_training = model.training
    model.eval()
    try:
        output = model(image.unsqueeze(0).to(parameter.device))
    finally:
        model.train(was_training)
    check_width(output)
    shares = output[0].float().softmax(dim=0)  # of log-probabilities: the probabilities
    if not shares.isfinite().all():
        raise ValueError(
            "expected a model whose answers are numbers, found nan: its weights, or the photo as "
            "its transform prepares it, are not finite or too large"
        )
    best = shares.topk(top)
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return [(SIGNS[label], probability) for label, probability in pairs]


def _architecture_of(model: nn.Module) -> str:
    """Returns the name of one of this project's architectures, or of the model's class."""
    size = vars(model).get("image_size")
    if size is not None:
        with seeded(0, torch.device("cpu")):
            for name, build in ARCHITECTURES.items():
                try:
                    candidate = build(image_size=size)
                except ValueError:  # an image size that this architecture does not take
                    continue
                if type(candidate) is type(model) and _described(candidate) == _described(model):
                    return name
    return f"{type(model).__module__}.{type(model).__qualname__}"


def _described(model: nn.Module) -> tuple:
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    return repr(model), shapes, getattr(model, "attention_mode", None)

"""Everything that was chosen about training and calibrating a recogniser, in one place."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from asl.decoding import brief
from asl.recognizer.mobile_net import MOBILE_SIZE

_SHARES = ("answered", "rejected", "right")
_LARGEST = 1000  # of a strength, a window or a number of degrees


@dataclass(frozen=True)
class Recipe:
    """How a recogniser is trained and calibrated; saved in the weights that it makes.

    Sizes of windows and crops are in sides of the hand's square, and a strength scales the changes
    of `asl.augment`. What was tried besides is in ``results/recipes.json``.

    Attributes:
        architecture: the classifier's, of `asl.recognizer.networks.ARCHITECTURES`.
        image_size: side of the crops that the classifier reads, in pixels.
        epochs: of the classifier's one learning-rate cycle, over the real images, repeated, about
            as many rendered ones, and the photographs.
        learning_rate: its peak.
        smoothing: share of a label that is spread over all signs.
        doubt: weight of the pictures without a hand shape, for which all signs should be equal.
        crops: smallest and largest side of a training crop, at strength 1.
        shift: how far a hand lies from the middle of its crop at most, at strength 1, in halves of
            the crop's side. The finder misses by that much for some hands.
        tilt: how far hands on black are turned at most, at strength 1, in degrees.
        upright_share: share of them that are turned by 15 degrees at most. Photographs have their
            own.
        strength: of the changes to a training crop.
        photograph_repeats: how often an epoch shows each photograph.
        photograph_crops, photograph_shift, photograph_tilt: the same for photographs, at any
            strength.
        joint_windows: smallest and largest side of the pictures of hands on black in which joints
            are found, at strength 1.
        joint_epochs, joint_learning_rate, joint_smoothing: of the reader of joints.
        joint_tilt: by how much poses are turned, in degrees (standard deviation).
        joint_noise: by how much joints are moved, in palms and tenths of a metre.
        joint_trust: what the reader of joints counts where it surely sees a hand; the other is 1.
        finder_epochs: of the finder's one learning-rate cycle.
        finder_learning_rate: its peak, for the last two layers.
        finder_body_rate: that of the other layers, as a share of it.
        finder_pull: how far the trained layers are then pulled back to MediaPipe's, from 0 to 1
            (Wortsman et al. 2022). They know people whom rendered hands do not show.
        finder_last_epochs: of the last two layers alone, after that.
        finder_windows: smallest and largest side of a finder's training picture, at strength 1.
        finder_tilt: how far hands in it are turned at most, at strength 1, in degrees.
        finder_strength: of the changes to such a picture.
        finder_background_share: share of the hands that are put before something other than black.
        finder_empty_share: share of the finder's training pictures that show no hand.
        weight_decay: of AdamW, for both networks.
        seed: of weights, order and changes.
        answered: share of unseen signers' studio images that must get an answer.
        rejected: share of pictures without hands that should get none, if `answered` allows it.
        right: share of the answers to left-out photographs that must be right.
        elsewhere_windows: smallest and largest side of the pictures made to calibrate on.
        elsewhere_strength: of the changes to those pictures.
    """

    architecture: str = "mobile"
    image_size: int = MOBILE_SIZE
    epochs: int = 4
    learning_rate: float = 4e-4
    smoothing: float = 0.02
    doubt: float = 0.3
    crops: tuple[float, float] = (0.75, 1.5)
    shift: float = 0.3
    tilt: float = 75.0
    upright_share: float = 0.6
    strength: float = 0.6
    photograph_repeats: int = 2
    photograph_crops: tuple[float, float] = (0.85, 1.45)
    photograph_shift: float = 0.25
    photograph_tilt: float = 45.0
    joint_windows: tuple[float, float] = (1.3, 1.9)
    joint_epochs: int = 30
    joint_learning_rate: float = 3e-3
    joint_smoothing: float = 0.05
    joint_tilt: float = 10.0
    joint_noise: float = 0.05
    joint_trust: float = 1.0
    finder_epochs: int = 2
    finder_learning_rate: float = 1e-3
    finder_body_rate: float = 0.3
    finder_pull: float = 0.5
    finder_last_epochs: int = 1
    finder_windows: tuple[float, float] = (0.8, 9.0)
    finder_tilt: float = 40.0
    finder_strength: float = 0.8
    finder_background_share: float = 0.9
    finder_empty_share: float = 0.25
    weight_decay: float = 0.05
    seed: int = 0
    answered: float = 0.95
    rejected: float = 0.99
    right: float = 0.93
    elsewhere_windows: tuple[float, float] = (1, 4)
    elsewhere_strength: float = 0.6


def recipe_for(architecture: str = "mobile", **changes: Any) -> Recipe:
    """Returns the recipe for a classifier's architecture, with some of its fields changed."""
    recipe = Recipe(architecture=architecture)
    if architecture != "mobile":
        # A network that begins with random weights needs more epochs and a higher rate.
        recipe = replace(recipe, epochs=26, learning_rate=5e-3)
    return replace(recipe, **changes)


def saved_recipe(facts: Mapping[str, Any]) -> Recipe:
    """Returns the recipe in a recogniser's facts, or the present one where none was saved.

    Raises:
        ValueError: if the file says something that cannot have been chosen.
    """
    saved = facts.get("recipe", {})
    if not isinstance(saved, Mapping):
        raise ValueError(f"expected a recipe as a dict, found {brief(saved)}")
    chosen: dict[str, Any] = {}
    for field in fields(Recipe):
        if field.name not in saved:
            continue
        value = saved[field.name]
        if not _fits(value, field.default, share=field.name in _SHARES):
            raise ValueError(
                f"expected {field.name} in the recipe such as {field.default}, found {brief(value)}"
            )
        chosen[field.name] = (
            tuple(value) if isinstance(value, list) else value
        )  # JSON has no tuples
    return Recipe(**chosen)


def _fits(value: Any, usual: Any, share: bool) -> bool:
    """Returns whether a value is of the kind of the usual one."""
    if isinstance(usual, tuple):
        pair = isinstance(value, list | tuple) and len(value) == len(usual)
        return pair and all(_fits(side, 1.0, share) for side in value) and 0 < value[0] <= value[1]
    if isinstance(usual, float):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and 0 <= value <= (1 if share else _LARGEST)  # nan is not
    return type(value) is type(usual)

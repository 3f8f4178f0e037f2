"""Everything that was chosen about training and calibrating a recogniser, in one place."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from asl.recognizer.mobile_net import MOBILE_SIZE


@dataclass(frozen=True)
class Recipe:
    """How a recogniser is trained and calibrated; saved in the weights that it makes.

    Sizes of windows and crops are in sides of the hand's square, and a strength scales the changes
    of `asl.augment`. What was tried besides is in ``results/recipes.json``.

    Attributes:
        architecture: the classifier's, of `asl.recognizer.networks.ARCHITECTURES`.
        image_size: side of the crops that the classifier reads, in pixels.
        epochs: of the classifier's one learning-rate cycle, over the real images, repeated, and
            about as many rendered ones.
        learning_rate: its peak.
        crops: smallest and largest side of a training crop, at strength 1.
        shift: how far a hand lies from the middle of its crop at most, at strength 1, in halves of
            the crop's side. The finder misses by that much for some hands.
        strength: of the changes to a training crop.
        finder_epochs: of the finder's one learning-rate cycle.
        finder_learning_rate: its peak.
        finder_windows: smallest and largest side of a finder's training picture, at strength 1.
        finder_strength: of the changes to such a picture.
        finder_background_share: share of the hands that are put before something other than black.
        finder_empty_share: share of the finder's training pictures that show no hand.
        weight_decay: of AdamW, for both networks.
        seed: of weights, order and changes.
        answered: share of unseen signers' studio images that must get an answer.
        rejected: share of pictures without hands that should get none, if `answered` allows it.
        elsewhere_windows: smallest and largest side of the pictures made to calibrate on.
        elsewhere_strength: of the changes to those pictures.
    """

    architecture: str = "mobile"
    image_size: int = MOBILE_SIZE
    epochs: int = 5
    learning_rate: float = 5e-4
    crops: tuple[float, float] = (0.75, 1.5)
    shift: float = 0.3
    strength: float = 0.6
    finder_epochs: int = 9
    finder_learning_rate: float = 3e-3
    finder_windows: tuple[float, float] = (0.8, 5.0)
    finder_strength: float = 0.8
    finder_background_share: float = 0.9
    finder_empty_share: float = 0.3
    weight_decay: float = 0.05
    seed: int = 0
    answered: float = 0.95
    rejected: float = 0.99
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
    """Returns the recipe in a recogniser's facts, or the present one where none was saved."""
    known = {field.name for field in fields(Recipe)}
    saved: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value  # JSON has no tuples
        for name, value in facts.get("recipe", {}).items()
        if name in known
    }
    return Recipe(**saved)

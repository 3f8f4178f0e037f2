"""Rendered people: everything that stays the same from sign to sign, drawn from a seed."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from asl.rendering.joints import JOINTS
from asl.rendering.mesh import SHAPE
from asl.rendering.pose_variants import TAUGHT
from asl.signs import MONK_TONES

VARIATIONS: tuple[str, ...] = ("forearm", "light", "pose", "shade", "shape", "tone", "view")
"""What differs between rendered pictures of one sign. `make_signer` can leave any of it out.

In this order: how much of the forearm is seen and where it is cut; which lamps shine, and from
where; habits, variants and tremor of the pose; shadow and occlusion; body and proportions of the
hand; colour of the skin; how the hand is turned to the camera.
"""

_SHAPE_SPREAD = {
    "breadth": 0.05,
    "finger length": 0.04,
    "finger thickness": 0.06,
    "thumb thickness": 0.05,
    "thumb length": 0.04,
    "wrist breadth": 0.07,
}
_TONE = 4  # everybody's if tones do not vary


@dataclass(frozen=True)
class Signer:
    """One rendered person: everything that stays the same from sign to sign.

    Attributes:
        seed: what the person was drawn from.
        left: whether the person signs with the left hand.
        tone: of the Monk scale, 1 (lightest) to 10 (darkest).
        phenotype: of the library's body, see `asl.rendering.mesh.PHENOTYPES`.
        shape: of the hand, see `asl.rendering.mesh.SHAPE`.
        offsets: joint → degrees added to the pose of every sign.
        laxity: factor on the person's habits in single signs.
        spread: factor on the spread of straight fingers.
        warmth: shift of the skin from pink (-1) to yellow (1).
        view: yaw, pitch and roll at which the person holds the hand, degrees.
        forearm: how far below the wrist the arm is cut off, metres.
        turned: how far hands are turned, relative to the dataset's people.
        taught: signs that the person may make as they are taught, see `pose_variants.TAUGHT`. On
            average half of them are. A person with any such signs turns the palm inwards.
        vary: which of `VARIATIONS` the person's pictures show.
    """

    seed: int
    left: bool
    tone: int
    phenotype: dict[str, float]
    shape: dict[str, float]
    offsets: dict[str, float] = field(repr=False)
    laxity: float
    spread: float
    warmth: float
    view: tuple[float, float, float]
    forearm: float
    turned: float = 1.0
    taught: tuple[str, ...] = ()
    vary: tuple[str, ...] = VARIATIONS

    def __hash__(self) -> int:
        return hash(self.seed)


def check_person(
    seed: int, *, turned: float, taught: Collection[str], vary: Collection[str]
) -> None:
    """Raises ValueError if an argument is not as `make_signer` describes it."""
    if seed < 0:
        raise ValueError(f"expected a seed of at least 0, found {seed}")
    if not 0 <= turned <= 4:
        raise ValueError(f"expected turned from 0 to 4, found {turned}")
    for name, chosen, allowed in (("taught", taught, TAUGHT), ("vary", vary, VARIATIONS)):
        if unknown := sorted({*chosen} - {*allowed}):
            raise ValueError(
                f"expected {name} to be among {', '.join(allowed)}; found {', '.join(unknown)}"
            )


def make_signer(
    seed: int,
    *,
    left: bool | None = None,
    tone: int | None = None,
    turned: float = 1.0,
    taught: Collection[str] = (),
    vary: Collection[str] = VARIATIONS,
) -> Signer:
    """Draws a person.

    Args:
        seed: any non-negative integer. The same seed is the same person.
        left: whether the left hand signs. None draws it, 1 in 10.
        tone: of the Monk scale, 1 to 10. None draws it evenly.
        turned: how far hands are turned. 1 turns them as far as the dataset's people do, 8 degrees
            (standard deviation) to the sides. More suits cameras that stand elsewhere.
        taught: signs of `pose_variants.TAUGHT`. The person makes half of them, on average, as they
            are taught, like people who learnt from other teachers than the dataset's people.
        vary: of `VARIATIONS`. What is left out is the same for every person and picture. Everything
            else stays as the seed draws it.

    Raises:
        ValueError: if `seed` is negative, `tone` is not from 1 to 10, `turned` is not from 0 to 4,
            or `taught` or `vary` contains an unknown name.
    """
    check_person(seed, turned=turned, taught=taught, vary=vary)
    if tone is not None and not 1 <= tone <= len(MONK_TONES):
        raise ValueError(f"expected a Monk tone from 1 to {len(MONK_TONES)}, found {tone}")
    rng = np.random.default_rng([seed, 1])
    drawn_left, drawn_tone = bool(rng.random() < 0.1), int(rng.integers(1, 11))
    laxity = float(rng.uniform(0.6, 1.4))

    def around(mean: float, deviation: float) -> float:
        return float(mean + deviation * np.clip(rng.standard_normal(), -2, 2))

    signer = Signer(
        seed=seed,
        left=drawn_left if left is None else left,
        tone=drawn_tone if tone is None else tone,
        phenotype={
            "gender": float(rng.random()),
            "age": float(rng.uniform(0.5, 1.0)),  # adults
            "weight": float(rng.uniform(0.2, 1.0)),
            "muscle": float(rng.uniform(0.2, 0.9)),
        },
        shape={factor: around(SHAPE[factor], _SHAPE_SPREAD[factor]) for factor in SHAPE},
        offsets={joint: around(0, 1.5 * laxity) for joint in JOINTS if "wrist" not in joint},
        laxity=laxity,
        spread=around(0.9, 0.25),
        warmth=float(rng.uniform(-1, 1)),
        view=(turned * around(0, 5), turned * around(0, 4), turned * around(0, 4)),
        forearm=float(rng.choice([0.0, 0.0, 0.005, 0.01, 0.02])),
        turned=turned,
        taught=tuple(sorted({*taught})),
    )
    same: dict[str, dict[str, Any]] = {
        "forearm": {"forearm": 0.01},
        "pose": {"offsets": dict.fromkeys(signer.offsets, 0.0), "laxity": 0.0, "spread": 0.9},
        "shape": {"phenotype": {}, "shape": dict(SHAPE)},
        "tone": {"tone": _TONE if tone is None else tone, "warmth": 0.0},
        "view": {"view": (0.0, 0.0, 0.0)},
    }
    for name in set(VARIATIONS) - {*vary}:
        signer = replace(signer, **same.get(name, {}))
    return replace(signer, vary=tuple(sorted({*vary})))

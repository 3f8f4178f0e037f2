"""The skin of a rendered person: the colour of each place on the hand, nails and creases."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from asl.rendering.joints import FINGERS, finger_bones
from asl.rendering.mesh import RestHand, rest_hand
from asl.rendering.signers import Signer
from asl.rendering.surface import vertex_normals
from asl.signs import MONK_TONES


class Skin(NamedTuple):
    """The colours of a hand with V vertices, in linear light, and where each colour shows.

    Attributes:
        albedo: (V, 3), without nails and creases.
        nail: (V,), above zero on nails.
        along: (V,), position along the finger in phalanges, counted from its root, where it is 0;
            -1 off the fingers.
        palmar: (V,), from 0 on the back to 1 in the palm.
        nail_colour: (3,), of all nails.
        shine: strength of the highlight.
    """

    albedo: np.ndarray
    nail: np.ndarray
    along: np.ndarray
    palmar: np.ndarray
    nail_colour: np.ndarray
    shine: float


def _linear(srgb: Sequence[int]) -> np.ndarray:
    """Returns linear light (3,) from a colour with channels from 0 to 255."""
    return (np.asarray(srgb, float) / 255) ** 2.2


def skin_of(signer: Signer) -> Skin:
    """Returns the skin of a signer's hand. The last 16 are kept."""
    return _mixed(
        signer.seed,
        signer.tone,
        signer.warmth,
        tuple(sorted(signer.phenotype.items())),
        tuple(sorted(signer.shape.items())),
    )


@lru_cache(maxsize=16)
def _mixed(
    seed: int,
    tone: int,
    warmth: float,
    phenotype: tuple[tuple[str, float], ...],
    shape: tuple[tuple[str, float], ...],
) -> Skin:
    """Mixes the skin of a hand; the arguments are those of a `Signer`, as keys for the cache."""
    hand = rest_hand(dict(phenotype), dict(shape))
    rng = np.random.default_rng([seed, 5])
    vertices = hand.vertices.numpy()
    palmar, nail, along, tip = _surface(hand)
    back = _linear(MONK_TONES[tone - 1])
    blood = np.array([1.0, 0.62, 0.58]) if warmth < 0 else np.array([1.0, 0.74, 0.5])
    back = back * (1 + abs(warmth) * 0.6 * (blood - 1))
    # Palms hold little melanin, so they are light on any hand. On dark skin this shows more.
    palm = _linear((226, 160, 142)) * (1 + 0.3 * abs(warmth) * (blood - 1))
    palm = palm * (1 - 0.05 * (tone - 1))
    share = 0.35 + 0.02 * tone
    palm = palm * share + back * (1 - share) * np.array([1.1, 0.95, 0.95])
    albedo = back + palmar[:, None] * (palm - back)
    flush = np.array([1.04, 0.86, 0.86])
    albedo = albedo * (1 + tip[:, None] * (flush - 1))
    # Blotches a few centimetres wide.
    waves = rng.normal(0, 120, (6, 3))
    blotch = np.sin(vertices @ waves.T + rng.uniform(0, 2 * math.pi, 6)).mean(1, keepdims=True)
    albedo = albedo * (1 + 0.12 * blotch * np.array([0.5, 1.0, 1.0]))
    nail_colour = 0.45 * palm + 0.3 * back + 0.25 * _linear((240, 205, 195))
    return Skin(albedo, nail, along, palmar, nail_colour, float(rng.uniform(0.03, 0.12)))


def _surface(hand: RestHand) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Returns palmar, nail and along as in `Skin`, and nearness to a fingertip from 0 to 1 (V,)."""
    vertices, part = hand.vertices.numpy(), hand.part.numpy()
    normals = vertex_normals(vertices, hand.faces.numpy())
    facing = normals[:, 2].copy()
    nail = np.full(len(vertices), -1.0)
    along = np.full(len(vertices), -1.0)
    tip_near = np.zeros(len(vertices))
    heads = hand.heads.numpy()
    for i, finger in enumerate(FINGERS):
        points = np.stack([*heads[finger_bones(i)], hand.tips[i].numpy()])
        axis = hand.axes["thumb IP flexion" if i == 0 else f"{finger} flexion"].numpy()
        mine = np.flatnonzero(part == i + 1)
        best = np.full(len(mine), np.inf)
        for k in range(3):
            segment = points[k + 1] - points[k]
            length = np.linalg.norm(segment)
            y = segment / length
            x = axis - (axis @ y) * y
            x /= np.linalg.norm(x)
            z = np.cross(x, y)  # palmar
            local = vertices[mine] - points[k]
            t = local @ y / length
            off = np.linalg.norm(local - np.clip(t, 0, 1)[:, None] * segment, axis=1)
            closer = off < best
            best[closer] = off[closer]
            along[mine[closer]] = k + np.clip(t[closer], 0 if k else -1, 1)
            facing[mine[closer]] = normals[mine[closer]] @ z
            if k < 2:
                continue
            across = local @ x
            width = np.abs(across[t > 0.3]).max()
            inside = 1 - np.maximum(np.abs(t - 0.74) / 0.26, np.abs(across) / (0.72 * width))
            dorsal = normals[mine] @ z < -0.25
            nail[mine[closer]] = np.where(dorsal, inside, -1.0)[closer]
            tip_near[mine[closer]] = np.clip((t[closer] - 0.2) / 0.6, 0, 1)
    palmar = np.clip(facing * 1.4 + 0.5, 0, 1)
    return palmar, nail, along, tip_near

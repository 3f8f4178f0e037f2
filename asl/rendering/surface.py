"""The surface of a resting hand: its parts, places on it that have names, and its normals."""

from typing import NamedTuple

import numpy as np
import torch

from asl.rendering.joints import FINGERS, JOINTS, finger_bones, moved_bones
from asl.rendering.mesh import RestHand


class Contacts(NamedTuple):
    """What settling needs to know about a hand at rest.

    Attributes:
        members: the numbers of the vertices of the palm and of each finger.
        apart: (V, 6), whether a vertex can pass through a part at all, see `grown_together`.
        follows: (V, J), how much each vertex follows each of `asl.rendering.joints.JOINTS`.
        corners: for each part, the vertices (S, 3) between which S samples of its skin lie.
        shares: for each part, the weight of each sample on its corners (S, 3).
        edge: for each part, whether each sample lies at its edge (S,).
    """

    members: list[np.ndarray]
    apart: np.ndarray
    follows: np.ndarray
    corners: list[np.ndarray]
    shares: list[np.ndarray]
    edge: list[np.ndarray]


def contacts(hand: RestHand) -> Contacts:
    """Returns what `settle` and `press` need to know about a hand. It takes 50 ms, so keep it."""
    part = hand.part.numpy()
    members = [np.flatnonzero(part == i) for i in range(6)]
    apart = np.zeros((len(part), 6), bool)
    inside = part[hand.faces.numpy()]
    for i in range(6):
        whole = (inside == i).all(1) if i else np.isin(inside, (0, 6)).all(1)
        mine = np.unique(hand.faces.numpy()[whole])
        distance = torch.cdist(hand.vertices, hand.vertices[mine]).min(1).values
        least = np.array([grown_together(other, i) for other in range(7)])[part]
        apart[:, i] = (distance.numpy() > least) & (part != i) & (part < 6)
    weights = hand.weights.numpy()
    follows = np.stack([weights[:, moved_bones(joint)].sum(1) for joint in JOINTS], axis=1)
    faces = hand.faces.numpy()
    corners, shares, edge = [], [], []
    # The palm's mesh is coarse, so samples lie on its faces and edges as well as its vertices.
    spots = np.array([[1, 1, 1], [1, 1, 0], [0, 1, 1], [1, 0, 1]])
    for i in range(6):
        mine = faces[(part[faces] == i).any(1) & (part[faces] != 6).all(1)]
        # The web of the thumb folds over its own edge, on to the skin beside it.
        mine = mine[~(np.isin(part[mine], (0, 1)).all(1) & (part[mine] != i).any(1))]
        used = spots if i == 0 else spots[:1]
        own = np.unique(mine)
        own = own[part[own] == i]
        around = np.repeat(mine, len(used), axis=0)
        corners.append(np.concatenate([np.repeat(own[:, None], 3, axis=1), around]))
        share = np.tile(used / used.sum(1, keepdims=True).clip(1), (len(mine), 1)).astype(
            np.float32
        )
        shares.append(
            np.concatenate([np.tile(np.array([1, 0, 0], np.float32), (len(own), 1)), share])
        )
        mixed = (part[mine] != i).any(1)
        touched = np.isin(own, mine[mixed])
        edge.append(np.concatenate([touched, np.repeat(mixed, len(used))]))
    return Contacts(members, apart, follows, corners, shares, edge)


def grown_together(part: int, other: int) -> float:
    """Returns how near (metres, at rest) the skin of two parts must be to count as grown together.

    It is 10 mm between fingers. Between a finger and the palm it is 13 mm, three quarters of a
    finger's thickness, since the crease at its root goes that far.

    Args:
        part: a number as in `RestHand.part`.
        other: the same.
    """
    return 0.013 if 0 in (part, other) else 0.010


def place(hand: RestHand, name: str) -> int:
    """Returns the vertex at a named place on a finger.

    Args:
        hand: the hand at rest.
        name: finger, phalanx, how far along it from 0 to 1, and side, for example
            ``"index 3 0.6 palmar"``. Phalanges are counted from the knuckle, those of the thumb
            from its root. The sides are palmar, dorsal, radial, ulnar and tip.
    """
    finger, phalanx, along, side = name.split()
    i, k = FINGERS.index(finger), int(phalanx) - 1
    bones = finger_bones(i)
    points = torch.stack([*hand.heads[bones], hand.tips[i]]).numpy()
    y = points[k + 1] - points[k]
    middle = points[k] + float(along) * y
    y = y / np.linalg.norm(y)
    x = hand.axes["thumb IP flexion" if i == 0 else f"{finger} flexion"].numpy()
    x = x - (x @ y) * y
    x = x / np.linalg.norm(x)
    z = np.cross(x, y)
    direction = {"palmar": z, "dorsal": -z, "radial": x, "ulnar": -x, "tip": y}[side]
    mine = np.flatnonzero(hand.weights.argmax(1).numpy() == bones[k])
    off = hand.vertices.numpy()[mine] - middle
    ahead = off @ direction
    aside = np.linalg.norm(off - ahead[:, None] * direction, axis=1)
    return int(mine[np.where(ahead > 0, aside, np.inf).argmin()])


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Returns unit normals (V, 3), each the area-weighted mean of the faces around its vertex."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    weighted = np.cross(b - a, c - a)
    normals = np.empty_like(vertices)
    for axis in range(3):
        normals[:, axis] = sum(
            np.bincount(faces[:, i], weighted[:, axis], len(vertices)) for i in range(3)
        )
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)

"""Measures how deep the parts of a posed hand lie in one another."""

import math

import torch
from torch import Tensor

from asl.rendering.joints import FINGERS
from asl.rendering.mesh import RestHand
from asl.rendering.surface import grown_together


def penetration(hand: RestHand, vertices: Tensor) -> dict[tuple[str, str], float]:
    """Measures how deep the parts of a posed hand lie in one another.

    The parts are the palm and the five fingers. Each consists of the faces that follow its bones,
    closed by a fan at its root. A vertex of one part counts if the winding number of another part's
    closed surface says that it lies inside. Its depth is its distance from that surface without the
    fan. Where two parts grow together (see `grown_together`), flesh folds, so nothing is measured.

    Args:
        hand: the hand at rest.
        vertices: (V, 3), posed, in any position and orientation, metres.

    Returns:
        (part, other part) → the greatest depth of a vertex of the first in the second, in
        millimetres, for pairs where it is above zero.
    """
    names = ("palm", *FINGERS)
    rest, posed = hand.vertices, vertices.double()
    surfaces = [_closed_part(hand, part) for part in range(6)]
    depths: dict[tuple[str, str], float] = {}
    for other, (faces, members) in enumerate(surfaces):
        solid = torch.cat([posed, posed[_rim(faces)].mean(0, keepdim=True)])
        low, high = posed[members].min(0).values, posed[members].max(0).values
        for part in range(6):
            mine = torch.nonzero(hand.part == part)[:, 0]
            near = ((posed[mine] > low) & (posed[mine] < high)).all(1)
            mine = mine[near]
            if part == other or not len(mine):
                continue
            mine = mine[
                torch.cdist(rest[mine], rest[members]).min(1).values > grown_together(part, other)
            ]
            mine = mine[_winding(posed[mine], solid, faces) > 0.5]
            if len(mine):
                skin = faces[(faces < len(posed)).all(1)]
                depth = _distance(posed[mine], posed[skin]).max()
                depths[names[part], names[other]] = 1000 * float(depth)
    return depths


def _closed_part(hand: RestHand, part: int) -> tuple[Tensor, Tensor]:
    """Returns the faces (F, 3) of a part with the fan that closes it, and the part's vertices.

    The fan's middle has the number V, one more than the last vertex of the hand.
    """
    middle = len(hand.vertices)
    # The palm keeps its faces shared with the fingers and with the forearm: the fans are small.
    inside = hand.part[hand.faces]
    mine = (inside == part).all(1) if part else ((inside == 0) | (inside == 6)).all(1)
    faces = hand.faces[mine]
    members = faces.unique()
    edges = {edge for a, b, c in faces.tolist() for edge in ((a, b), (b, c), (c, a))}
    fan = [(b, a, middle) for a, b in edges if (b, a) not in edges]
    return torch.cat([faces, torch.tensor(fan, dtype=faces.dtype).view(-1, 3)]), members


def _rim(faces: Tensor) -> Tensor:
    """Returns the vertices of the closing fan without its middle."""
    middle = faces.max()
    return faces[(faces == middle).any(1)][:, :2].unique()


def _winding(points: Tensor, vertices: Tensor, faces: Tensor) -> Tensor:
    """Returns how often a closed surface winds around each point (N,): 1 inside, 0 outside.

    It sums the solid angles of the faces (van Oosterom and Strackee, 1983).
    """
    if not len(points):
        return points.new_zeros(0)
    a, b, c = (vertices[faces[:, i]][None] - points[:, None] for i in range(3))
    la, lb, lc = (v.norm(dim=2) for v in (a, b, c))
    volume = (a * torch.linalg.cross(b, c)).sum(2)
    below = la * lb * lc + (a * b).sum(2) * lc + (b * c).sum(2) * la + (c * a).sum(2) * lb
    return torch.atan2(volume, below).sum(1) / (2 * math.pi)


def _distance(points: Tensor, triangles: Tensor) -> Tensor:
    """Returns the distance (N,) of points (N, 3) from the nearest of triangles (F, 3, 3)."""
    a, b, c = triangles.unbind(1)
    normal = torch.linalg.cross(b - a, c - a)
    normal = normal / normal.norm(dim=1, keepdim=True).clamp_min(1e-15)
    height = ((points[:, None] - a[None]) * normal).sum(2)  # (N, F)
    foot = points[:, None] - height[:, :, None] * normal
    inside = torch.ones_like(height, dtype=torch.bool)
    nearest = torch.full_like(height, torch.inf)
    for start, end in ((a, b), (b, c), (c, a)):
        edge = end - start
        inside &= (torch.linalg.cross(edge.expand_as(foot), foot - start) * normal).sum(2) >= 0
        t = ((points[:, None] - start) * edge).sum(2) / (edge * edge).sum(1).clamp_min(1e-15)
        on_edge = start + t.clamp(0, 1)[:, :, None] * edge
        nearest = torch.minimum(nearest, (points[:, None] - on_edge).norm(dim=2))
    return torch.where(inside, height.abs(), nearest).min(1).values

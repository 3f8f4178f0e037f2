"""Adds the forearm that the library's hand lacks."""

from collections.abc import Sequence

import torch
from torch import Tensor


def with_forearm(
    vertices: Tensor,
    faces: Tensor,
    weights: Tensor,
    part: Tensor,
    names: Sequence[str],
    length: float = 0.09,
    rings: int = 18,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Extends the mesh with a forearm from its open edge at the wrist, and closes the end.

    Args:
        vertices: (V, 3), in the frame of the hand, metres.
        faces: (F, 3) int64.
        weights: (V, B), how much each vertex follows each bone.
        part: (V,) int64, as in `asl.rendering.mesh.RestHand`.
        names: the bones' names; the forearm follows "root".
        length: of the forearm, metres.
        rings: how many rings of vertices it has.

    Returns:
        The first four arguments with those of the forearm appended, and `RestHand.forearm`.
    """
    loop = _boundary_loop(faces)
    edge = vertices[loop]
    centre = edge.mean(0)
    normal = torch.tensor([0.0, -1.0, 0.0], dtype=vertices.dtype)
    below = (-edge[:, 1]).max()
    new, index = [], [loop]
    count = len(vertices)
    lateral = torch.tensor([1.0, 0.0, 1.0], dtype=vertices.dtype)
    for ring in range(1, rings + 1):
        t = ring / rings
        # The slanted edge becomes a plane, and the wrist widens into the forearm.
        level = (-edge[:, 1:2] * (1 - min(1, 4 * t)) + below * min(1, 4 * t)) + length * t
        spread = centre * lateral + (edge - centre) * lateral * (1 + 0.2 * t)
        new.append(spread + normal * level)
        index.append(list(range(count, count + len(loop))))
        count += len(loop)
    new.append(new[-1].mean(0, keepdim=True))
    triangles = []
    n = len(loop)
    for a, b in zip(index, index[1:], strict=False):
        for i in range(n):
            j = (i + 1) % n
            triangles += [[a[j], a[i], b[i]], [a[j], b[i], b[j]]]
    triangles += [[index[-1][(i + 1) % n], index[-1][i], count] for i in range(n)]
    added = torch.cat(new)
    root = torch.zeros(len(added), weights.shape[1], dtype=weights.dtype)
    root[:, names.index("root")] = 1.0
    return (
        torch.cat([vertices, added]),
        torch.cat([faces, torch.tensor(triangles)]),
        torch.cat([weights, root]),
        torch.cat([part, torch.full((len(added),), 6)]),
        torch.cat([torch.where(part == 0, -vertices[:, 1], -1.0), -added[:, 1]]),
    )


def _boundary_loop(faces: Tensor) -> list[int]:
    """Returns the vertices of the mesh's one open edge, in the order of its faces."""
    edges = {}
    for a, b, c in faces.tolist():
        for edge in ((a, b), (b, c), (c, a)):
            edges[edge] = True
    following = {a: b for a, b in edges if (b, a) not in edges}
    loop = [next(iter(following))]
    while (after := following[loop[-1]]) != loop[0]:
        loop.append(after)
    return loop

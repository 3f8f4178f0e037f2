"""The forearm that the mesh is extended with."""

import torch

from asl.rendering.forearm import with_forearm


def test_an_open_tube_is_continued_downwards_and_closed():
    angle = torch.arange(8) * torch.pi / 4
    ring = torch.stack([0.03 * angle.cos(), 0 * angle, 0.03 * angle.sin()], dim=1)
    vertices = torch.cat([ring, ring + torch.tensor([0, 0.1, 0])])
    faces = []
    for i in range(8):
        j = (i + 1) % 8
        faces += [[i, i + 8, j], [j, i + 8, j + 8]]
    faces += [[8 + i, 8, 8 + (i + 1) % 8] for i in range(1, 7)]  # its upper end is closed
    weights, part = torch.ones(16, 1), torch.zeros(16, dtype=torch.long)
    whole = with_forearm(vertices, torch.tensor(faces), weights, part, ["root"], length=0.09)
    longer, triangles, follows, parts, depth = whole
    assert longer[:16].equal(vertices) and len(longer) == len(follows) == len(parts) == len(depth)
    assert abs(longer[:, 1].min() + 0.09) < 1e-6 and (parts[16:] == 6).all()
    radius = longer[:, [0, 2]].norm(dim=1)
    assert radius[16:-1].min() > 0.029 and radius.max() < 0.04  # the last closes the end
    edges = torch.cat([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    # Closed, and all faces turned alike: each edge is passed once in either direction.
    there, back = ({tuple(e) for e in pairs.tolist()} for pairs in (edges, edges.flip(1)))
    assert there == back and len(there) == len(edges)

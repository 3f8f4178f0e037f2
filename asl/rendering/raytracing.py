"""Turns a posed hand with its skin into a picture by tracing rays of light."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from asl.files import install_hint
from asl.rendering.mesh import RestHand
from asl.rendering.skin import Skin
from asl.rendering.surface import vertex_normals


class DirectedLight(NamedTuple):
    """A lamp: its direction from the hand, its colour and strength, and its angular size."""

    direction: tuple[float, float, float]  # x right, y up, z towards the camera
    colour: tuple[float, float, float]
    size: float


class _Places(NamedTuple):
    """What shading needs to know of each of N vertices or pixels.

    Attributes:
        normals: (N, 3), of any length.
        albedo: (N, 3), in linear light.
        occlusion: (N,), the share of the sky that can be seen from there.
        shadows: (N, lamps), the share of each lamp that can be seen from there.
        nail, along, palmar: (N,), as in `asl.rendering.skin.Skin`.
    """

    normals: np.ndarray
    albedo: np.ndarray
    occlusion: np.ndarray
    shadows: np.ndarray
    nail: np.ndarray
    along: np.ndarray
    palmar: np.ndarray


_OCCLUSION_RAYS = 24
_SHADOW_RAYS = 6
_SUPERSAMPLING = 2
_OPEN_SKY = 0.8  # share of the sky that a typical place on a hand sees


def _scene(vertices: np.ndarray, faces: np.ndarray) -> tuple[Any, Any]:
    """Returns embree's scene of a mesh, and the mesh. The library has no types."""
    try:
        from embreex.mesh_construction import TriangleMesh
        from embreex.rtcore_scene import EmbreeScene
    except ImportError as error:
        raise ImportError(
            f"rendering hands needs the optional extra 'render': {install_hint('render')}"
        ) from error
    scene = EmbreeScene()
    # embree keeps no reference to the mesh's owner, so the caller must.
    return scene, TriangleMesh(scene, vertices.astype(np.float32)[faces])


def trace(
    vertices: np.ndarray,
    hand: RestHand,
    skin: Skin,
    lamps: Sequence[DirectedLight],
    cut: np.ndarray,
    distance: float,
    size: int,
    rng: np.random.Generator,
    *,
    shade: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Traces rays and shades what they hit.

    Args:
        vertices: (V, 3), posed, in the camera's axes: x right, y up, z towards the camera, metres.
        hand: the hand that was posed.
        skin: of the same vertices.
        lamps: in the camera's axes.
        cut: (V,), above zero on what is not drawn.
        distance: from the camera to the hand, metres.
        size: side S of the picture, pixels.
        rng: draws the directions of the rays to the sky and the lamps, and the camera's exposure.
        shade: whether parts of the hand keep light from each other.

    Returns:
        image: uint8 (S, S, 3), black outside the hand
        mask: bool (S, S), True on the hand

    Raises:
        ImportError: if the extra is not installed; the message says how to install it.
    """
    faces = hand.faces.numpy()
    normals = vertex_normals(vertices, faces)
    scene, mesh = _scene(vertices, faces)
    shown = cut <= 0.002
    eye = np.array([*(vertices[shown, :2].mean(0)), vertices[:, 2].max() + distance])

    # The shown part of the hand just fits the picture, as in the real crops.
    flat = (vertices[shown] - eye)[:, :2] / (eye[2] - vertices[shown, 2])[:, None]
    low, high = flat.min(0), flat.max(0)
    centre, half = (low + high) / 2, (high - low).max() / 2
    side = size * _SUPERSAMPLING
    ramp = ((np.arange(side) + 0.5) / side * 2 - 1) * half
    right, up = np.meshgrid(centre[0] + ramp, centre[1] - ramp)
    rays = np.stack([right, up, np.full_like(right, -1.0)], -1).reshape(-1, 3).astype(np.float32)
    eyes = np.broadcast_to(eye.astype(np.float32), rays.shape).copy()
    hits = scene.run(eyes, rays, output=1)
    hit = np.flatnonzero(hits["primID"] >= 0)
    corners = faces[hits["primID"][hit]]
    u, v = hits["u"][hit], hits["v"][hit]
    weights = np.stack([1 - u - v, u, v], axis=1)
    drawn = (cut.astype(np.float32)[corners] * weights).sum(1) <= 0
    hit, corners, weights = hit[drawn], corners[drawn], weights[drawn]

    occlusion = _visible(scene, vertices, normals, None, _OCCLUSION_RAYS, rng)
    shadows = [_visible(scene, vertices, normals, lamp, _SHADOW_RAYS, rng) for lamp in lamps]
    if not shade:
        occlusion = np.full_like(occlusion, _OPEN_SKY)
        shadows = [np.ones_like(seen) for seen in shadows]
    places = _Places(
        normals=normals,
        albedo=skin.albedo,
        occlusion=occlusion,
        shadows=np.stack(shadows, 1),
        nail=skin.nail,
        along=skin.along,
        palmar=skin.palmar,
    )
    colours = _shade(_between(places, corners, weights), skin, lamps)

    picture = np.zeros((side * side, 3), np.float32)
    covered = np.zeros(side * side, np.float32)
    picture[hit], covered[hit] = colours, 1.0
    blocks = (size, _SUPERSAMPLING, size, _SUPERSAMPLING)
    mask = covered.reshape(blocks).mean((1, 3)) >= 0.5
    picture = picture.reshape(*blocks, 3).mean((1, 3))
    del mesh
    return _develop(picture, mask, rng), mask


def _visible(
    scene: Any,
    vertices: np.ndarray,
    normals: np.ndarray,
    lamp: DirectedLight | None,
    count: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Returns the share (V,) of a lamp, or of the sky without one, that each vertex can see.

    It is estimated with `count` random rays per vertex.
    """
    noise = rng.standard_normal((len(vertices), count, 3))
    if lamp is None:  # cosine-weighted directions: points on a unit sphere around the normal's end
        noise /= np.linalg.norm(noise, axis=2, keepdims=True)
        directions = normals[:, None] + 0.999 * noise
    else:
        directions = np.array(lamp.direction) + lamp.size * 0.6 * noise
    start = np.repeat((vertices + 3e-4 * normals).astype(np.float32), count, axis=0)
    blocked = scene.run(start, directions.reshape(-1, 3).astype(np.float32), query="OCCLUDED")
    return 1 - (blocked.reshape(len(vertices), count) >= 0).mean(1)


def _between(places: _Places, corners: np.ndarray, weights: np.ndarray) -> _Places:
    """Interpolates the values of N pixels, each between those of three vertices.

    Args:
        places: the values of all vertices.
        corners: int (N, 3), the vertices around each pixel.
        weights: (N, 3), the pixel's weight on each of them.
    """
    columns = [value.reshape(len(value), -1) for value in places]
    values = np.concatenate(columns, axis=1).astype(np.float32)  # one sum over all is faster
    pixels = np.einsum("nk,nkc->nc", weights.astype(np.float32), values[corners])
    ends = np.cumsum([column.shape[1] for column in columns])[:-1]
    split = np.split(pixels, ends, axis=1)
    return _Places(
        *(part if value.ndim > 1 else part[:, 0] for part, value in zip(split, places, strict=True))
    )


def _shade(pixels: _Places, skin: Skin, lamps: Sequence[DirectedLight]) -> np.ndarray:
    """Returns the colours (N, 3) of N pixels in linear light."""
    normals = pixels.normals / np.linalg.norm(pixels.normals, axis=1, keepdims=True)
    albedo, occlusion = pixels.albedo, pixels.occlusion[:, None]
    shadows, nail, along, palmar = pixels.shadows, pixels.nail, pixels.along, pixels.palmar
    # Creases on the palm side of the joints; they fade over 0.035 of a phalanx.
    joint = np.abs(along - np.round(along))
    crease = np.exp(-((joint / 0.035) ** 2)) * (along > 0.3) * (along < 2.5) * palmar
    albedo = albedo * (1 - 0.28 * crease[:, None] * np.array([0.8, 1.0, 1.0], np.float32))
    on_nail = np.clip(nail / 0.12, 0, 1)[:, None]
    albedo = albedo + on_nail * (skin.nail_colour.astype(np.float32) - albedo)
    # Light that has passed through skin comes out red, so shaded folds are warmer than grey.
    fill = np.array([0.20, 0.17, 0.17], np.float32)
    colour = albedo * fill * occlusion ** np.array([0.9, 1.2, 1.25], np.float32)
    wrap = np.array([0.30, 0.18, 0.14], np.float32)
    for i, lamp in enumerate(lamps):
        direction = np.array(lamp.direction, np.float32)
        cosine = (normals @ direction)[:, None]
        diffuse = np.clip((cosine + wrap) / (1 + wrap), 0, None)
        seen = shadows[:, i : i + 1] * (0.35 + 0.65 * occlusion)
        middle = direction + np.array([0, 0, 1], np.float32)
        middle /= np.linalg.norm(middle)
        gloss = np.clip(normals @ middle, 0, None)[:, None] ** (18 + 30 * on_nail)
        gloss = gloss * skin.shine * (1 + 2 * on_nail)
        colour = colour + np.array(lamp.colour, np.float32) * seen * (albedo * diffuse + gloss)
    return colour


def _develop(picture: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns uint8 (S, S, 3), exposed, balanced and gamma-corrected like a camera's picture.

    It is black off the mask.
    """
    if mask.any():
        mean = picture[mask].mean()
        # A camera exposes for the hand, but not entirely: dark skin stays darker than light skin.
        picture = picture * (0.19 * rng.uniform(0.75, 1.3) / mean) ** 0.75
    picture = picture * rng.uniform(0.93, 1.07, 3)
    picture = np.clip(picture, 0, 1) ** (1 / 2.2)
    picture[~mask] = 0
    pixels = np.rint(picture * 255).astype(np.uint8)
    pixels[mask] = np.maximum(pixels[mask], 1)  # so that the mask can be read off the picture
    return pixels

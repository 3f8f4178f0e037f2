"""One picture of a rendered hand, under the five lights of the real data set.

A sign is posed by the table in `asl.poses` on the hand mesh of `asl.hand_model`, with the habits of
a `Signer`, and rays (embree, through `embreex`) turn it into a picture cut out on black, as the
real images are. Everything follows from seeds; no global generator is touched.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch

from asl.hand_model import (
    FINGERS,
    JOINT_LIMITS,
    JOINTS,
    RestHand,
    pose_hand,
    pose_vector,
    rest_hand,
)
from asl.poses import POSES
from asl.signers import Signer
from asl.signs import SIGNS
from asl.skin import MONK_TONES

LIGHTS = ("bot", "dif", "left", "right", "top")
SIZES = (16, 2048)


class DirectedLight(NamedTuple):
    """A lamp: where it stands seen from the hand, its colour and strength, its angular size."""

    direction: tuple[float, float, float]  # x right, y up, z towards the camera
    colour: tuple[float, float, float]
    size: float


# The studio of the real images has one broad light in front and above, and for four of the five
# lightings a warmer lamp at one side (read off the images by eye).
_FRONT = DirectedLight((-0.2, 0.55, 0.8), (0.62, 0.60, 0.64), 0.5)
_LAMPS = {
    "bot": DirectedLight((0.1, -0.9, 0.35), (0.62, 0.46, 0.22), 0.25),
    "dif": DirectedLight((-0.15, 0.4, 0.9), (0.10, 0.10, 0.10), 0.6),
    "left": DirectedLight((-0.9, 0.05, 0.35), (0.62, 0.48, 0.25), 0.25),
    "right": DirectedLight((0.9, -0.05, 0.3), (0.62, 0.48, 0.25), 0.25),
    "top": DirectedLight((0.0, 0.9, 0.45), (0.50, 0.46, 0.40), 0.3),
}
_OCCLUSION_RAYS = 24
_SHADOW_RAYS = 6
_SUPERSAMPLING = 2


def render_sign(
    sign: str,
    signer: Signer,
    *,
    light: str = "dif",
    burst: int = 0,
    frame: int = 1,
    size: int = 200,
) -> tuple[np.ndarray, np.ndarray]:
    """Renders one frame of one burst, cropped to the hand as the real images are.

    Args:
        sign: one of `asl.signs.SIGNS`.
        signer: see `make_signer`.
        light: one of `LIGHTS`.
        burst: which of the signer's takes of this sign; the camera and the pose move a little
            between them. The same numbers give the same pixels.
        frame: position in the burst; the hand trembles between frames.
        size: side S of the picture in pixels.

    Returns:
        image: uint8 (S, S, 3), black outside the hand
        mask: bool (S, S), True on the hand

    Raises:
        ValueError: if `sign`, `light` or `size` is none of those.
        ImportError: if the extra is not installed.
    """
    check_choices([sign], SIGNS, "sign")
    check_choices([light], LIGHTS, "light")
    check_size(size)
    hand = rest_hand(signer.phenotype, signer.shape)
    skin = _skin(signer)
    habit = np.random.default_rng([signer.seed, 2, SIGNS.index(sign)])
    take = np.random.default_rng([signer.seed, 3, SIGNS.index(sign), burst, LIGHTS.index(light)])
    shake = np.random.default_rng(
        [signer.seed, 4, SIGNS.index(sign), burst, LIGHTS.index(light), frame]
    )
    angles = _angles(sign, signer, habit, take, shake)
    turn = _view(sign, signer, habit, take, shake)
    vertices = pose_hand(hand, angles).numpy() @ turn.T
    cut = _cut(hand, signer, take)
    distance = float(take.uniform(0.45, 1.2))
    # A mirrored picture needs mirrored lamps.
    lamps = [_jittered(lamp, take, signer.left) for lamp in (_FRONT, _LAMPS[light])]
    image, mask = _render(vertices, hand, skin, lamps, cut, distance, size, take)
    if signer.left:
        image, mask = image[:, ::-1].copy(), mask[:, ::-1].copy()
    return image, mask


def check_choices(values: Sequence[str], allowed: Sequence[str], what: str) -> None:
    """Raises ValueError that names the first value not allowed."""
    for value in values:
        if value not in allowed:
            raise ValueError(f"expected {what} to be one of {', '.join(allowed)}; found {value!r}")


def check_size(size: int) -> None:
    """Raises ValueError if a picture's side in pixels is out of range."""
    if not SIZES[0] <= size <= SIZES[1]:
        raise ValueError(f"expected a size from {SIZES[0]} to {SIZES[1]} pixels, found {size}")


def _angles(sign, signer, habit, take, shake) -> torch.Tensor:
    """The pose of a sign with the signer's habits and this frame's tremor, within the limits."""
    angles = POSES[sign].angles()
    for joint in JOINTS:
        finger, name = joint.split(" ", 1)
        if finger == "wrist":
            angles[joint] += 6 * habit.standard_normal() + shake.standard_normal()
            continue
        straight = finger != "thumb" and angles[f"{finger} PIP flexion"] < 16
        if name == "abduction":
            if straight and angles[joint] > 6:
                angles[joint] *= signer.spread
            deviation = 2.0
        else:
            deviation = 6.0 if finger == "thumb" else 3.0 if straight else 6.0
        # A finger that bends more than another does so in all of its joints.
        angles[joint] += signer.offsets[joint] * (0.5 if name == "abduction" or straight else 1.0)
        angles[joint] += deviation * signer.laxity * np.clip(habit.standard_normal(), -2, 2)
        angles[joint] += 1.5 * take.standard_normal() + 0.5 * shake.standard_normal()
        low, high = JOINT_LIMITS[joint]
        angles[joint] = min(max(angles[joint], low), high)
    for joint in ("wrist flexion", "wrist deviation"):
        low, high = JOINT_LIMITS[joint]
        angles[joint] = min(max(angles[joint], low), high)
    return pose_vector(angles)


def _view(sign, signer, habit, take, shake) -> np.ndarray:
    """Rotation (3, 3) from the frame of the hand to that of the camera."""
    deviation = (12.0, 8.0, 6.0), (3.0, 3.0, 3.0), (0.7, 0.7, 0.7)
    yaw, pitch, roll = (
        pose
        + person
        + sum(
            d[i] * rng.standard_normal()
            for d, rng in zip(deviation, (habit, take, shake), strict=True)
        )
        for i, (pose, person) in enumerate(zip(POSES[sign].view, signer.view, strict=True))
    )
    return _rotation(2, roll) @ _rotation(0, pitch) @ _rotation(1, yaw)


def _rotation(axis: int, degrees: float) -> np.ndarray:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    i, j = ((1, 2), (2, 0), (0, 1))[axis]
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = c
    matrix[i, j], matrix[j, i] = -s, s
    return matrix


def _cut(hand: RestHand, signer: Signer, take: np.random.Generator) -> np.ndarray:
    """Signed distance (V,) in metres from the plane where the picture of the arm ends."""
    slope = take.normal(0, 0.25)
    lateral = hand.vertices[:, 0].numpy()
    end = signer.forearm + take.normal(0, 0.004)
    return np.where(hand.forearm.numpy() > -0.5, hand.forearm.numpy() - end + slope * lateral, -1.0)


def _jittered(lamp: DirectedLight, take: np.random.Generator, mirrored: bool) -> DirectedLight:
    direction = np.array(lamp.direction) * ((-1, 1, 1) if mirrored else (1, 1, 1))
    direction = direction + 0.15 * take.standard_normal(3)
    colour = np.array(lamp.colour) * take.uniform(0.8, 1.2) * take.uniform(0.94, 1.06, 3)
    return DirectedLight(tuple(direction / np.linalg.norm(direction)), tuple(colour), lamp.size)


# --- skin ----------------------------------------------------------------------------------------


class Skin(NamedTuple):
    """Colours in linear light and what they are mixed by, for each vertex.

    Attributes:
        albedo: (V, 3), without nails and creases.
        nail: (V,), above zero on nails.
        along: (V,), joints passed along the finger, 1 at the first knuckle; -1 off the fingers.
        palmar: (V,), from 0 on the back to 1 in the palm.
        nail_colour: (3,)
        shine: strength of the highlight.
    """

    albedo: np.ndarray
    nail: np.ndarray
    along: np.ndarray
    palmar: np.ndarray
    nail_colour: np.ndarray
    shine: float


def _linear(srgb) -> np.ndarray:
    return (np.asarray(srgb, float) / 255) ** 2.2


def _skin(signer: Signer) -> Skin:
    return _skin_of(
        signer.seed,
        signer.tone,
        signer.warmth,
        tuple(sorted(signer.phenotype.items())),
        tuple(sorted(signer.shape.items())),
    )


@lru_cache(maxsize=16)
def _skin_of(seed, tone, warmth, phenotype, shape) -> Skin:
    hand = rest_hand(dict(phenotype), dict(shape))
    rng = np.random.default_rng([seed, 5])
    vertices = hand.vertices.numpy()
    palmar, nail, along, tip = _surface(hand)
    back = _linear(MONK_TONES[tone - 1])
    blood = np.array([1.0, 0.62, 0.58]) if warmth < 0 else np.array([1.0, 0.74, 0.5])
    back = back * (1 + abs(warmth) * 0.6 * (blood - 1))
    # Palms hold little melanin: light on any hand, and the darker the skin the more it shows.
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
    nail_colour = 0.6 * palm + 0.4 * _linear((240, 205, 195)) * (1 if tone < 8 else 0.8)
    return Skin(albedo, nail, along, palmar, nail_colour, float(rng.uniform(0.03, 0.12)))


def _surface(hand: RestHand) -> tuple[np.ndarray, ...]:
    """Where on the hand each vertex lies: palmar, nail, along (see `Skin`) and near a tip (V,)."""
    vertices, part = hand.vertices.numpy(), hand.part.numpy()
    normals = _normals(vertices, hand.faces.numpy())
    facing = normals[:, 2].copy()
    nail = np.full(len(vertices), -1.0)
    along = np.full(len(vertices), -1.0)
    tip_near = np.zeros(len(vertices))
    heads = hand.heads.numpy()
    for i, finger in enumerate(FINGERS):
        bones = [2, 3, 4] if i == 0 else [2 + 4 * i, 3 + 4 * i, 4 + 4 * i]
        points = np.stack([*heads[bones], hand.tips[i].numpy()])
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


# --- rays ----------------------------------------------------------------------------------------


def _normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals (V, 3), the mean of the faces around each vertex by their area."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    weighted = np.cross(b - a, c - a)
    normals = np.empty_like(vertices)
    for axis in range(3):
        normals[:, axis] = sum(
            np.bincount(faces[:, i], weighted[:, axis], len(vertices)) for i in range(3)
        )
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def _scene(vertices: np.ndarray, faces: np.ndarray):
    try:
        from embreex.mesh_construction import TriangleMesh
        from embreex.rtcore_scene import EmbreeScene
    except ImportError as error:
        from asl.hand_model import INSTALL_COMMAND

        raise ImportError(
            f"rendering hands needs the optional extra 'render': {INSTALL_COMMAND}"
        ) from error
    scene = EmbreeScene()
    # embree keeps no reference to the mesh's owner: the caller must.
    return scene, TriangleMesh(scene, vertices.astype(np.float32)[faces])


def _render(vertices, hand, skin, lamps, cut, distance, size, rng):
    """Traces, shades and averages; see `render_sign` for what comes out.

    Args:
        vertices: (V, 3) in the camera's axes: x right, y up, z towards the camera, metres.
        hand: whose faces they are.
        skin: of the same vertices.
        lamps: in the camera's axes.
        cut: (V,), what lies above zero is not drawn.
        distance: of the camera from the hand, metres.
        size: side of the picture, pixels.
        rng: for the directions of shadow rays.
    """
    faces = hand.faces.numpy()
    normals = _normals(vertices, faces)
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
    columns = [normals, skin.albedo, occlusion[:, None], *(s[:, None] for s in shadows)]
    columns += [skin.nail[:, None], skin.along[:, None], skin.palmar[:, None]]
    values = np.concatenate(columns, axis=1).astype(np.float32)
    pixels = np.einsum("nk,nkc->nc", weights.astype(np.float32), values[corners])
    colours = _shade(pixels, skin, lamps)

    picture = np.zeros((side * side, 3), np.float32)
    covered = np.zeros(side * side, np.float32)
    picture[hit], covered[hit] = colours, 1.0
    blocks = (size, _SUPERSAMPLING, size, _SUPERSAMPLING)
    mask = covered.reshape(blocks).mean((1, 3)) >= 0.5
    picture = picture.reshape(*blocks, 3).mean((1, 3))
    del mesh
    return _develop(picture, mask, rng), mask


def _visible(scene, vertices, normals, lamp, count, rng) -> np.ndarray:
    """The share (V,) of a lamp, or of the sky around if there is none, that a vertex sees."""
    noise = rng.standard_normal((len(vertices), count, 3))
    if lamp is None:  # directions by the cosine law: a point on the unit sphere about the normal
        noise /= np.linalg.norm(noise, axis=2, keepdims=True)
        directions = normals[:, None] + 0.999 * noise
    else:
        directions = np.array(lamp.direction) + lamp.size * 0.6 * noise
    start = np.repeat((vertices + 3e-4 * normals).astype(np.float32), count, axis=0)
    blocked = scene.run(start, directions.reshape(-1, 3).astype(np.float32), query="OCCLUDED")
    return 1 - (blocked.reshape(len(vertices), count) >= 0).mean(1)


def _shade(pixels: np.ndarray, skin: Skin, lamps) -> np.ndarray:
    """Colours (N, 3) in linear light of pixels (N, C), see `_render` for the columns."""
    normals = pixels[:, :3] / np.linalg.norm(pixels[:, :3], axis=1, keepdims=True)
    albedo, occlusion = pixels[:, 3:6], pixels[:, 6:7]
    shadows, (nail, along, palmar) = pixels[:, 7:9], pixels[:, 9:12].T
    # Creases on the palm side of the joints, three hundredths of a phalanx deep.
    joint = np.abs(along - np.round(along))
    crease = np.exp(-((joint / 0.035) ** 2)) * (along > 0.3) * (along < 2.5) * palmar
    albedo = albedo * (1 - 0.28 * crease[:, None] * np.array([0.8, 1.0, 1.0], np.float32))
    on_nail = np.clip(nail / 0.12, 0, 1)[:, None]
    albedo = albedo + on_nail * (skin.nail_colour.astype(np.float32) - albedo)
    # Light that has passed through skin comes out red: shaded folds are warmer than grey.
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
    """Exposure, colour balance and gamma of a camera: uint8 (S, S, 3), black outside the mask."""
    if mask.any():
        mean = picture[mask].mean()
        # A camera meters for the hand, but not all the way: dark skin stays darker than light.
        picture = picture * (0.19 * rng.uniform(0.75, 1.3) / mean) ** 0.75
    picture = picture * rng.uniform(0.93, 1.07, 3)
    picture = np.clip(picture, 0, 1) ** (1 / 2.2)
    picture[~mask] = 0
    pixels = np.rint(picture * 255).astype(np.uint8)
    pixels[mask] = np.maximum(pixels[mask], 1)  # the mask can be read off the picture
    return pixels

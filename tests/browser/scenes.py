"""What a fake camera shows: rendered hands that ship with the project, before a grey wall."""

from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from asl import unpack_stand_in

_SIDES = (640, 480)
_HAND = 230  # pixels
_WALL = (150, 150, 145)
FRAMES = range(1, 6)  # of each shot: the hand trembles
QUALITY = 85  # of JPEG
# Answers one picture as the page answers a frame, but for the camera.
READ = """async (url) => {
    const facts = await (await fetch("recognizer.json")).json();
    window.engine ??= await (await import("./engine_web.js")).openEngine(facts);
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width, image.height];
    canvas.getContext("2d").drawImage(image, 0, 0);
    return window.engine.read(canvas);
}"""


def scene(sign: str | None, *, signer: int = 1, frame: int = 1, light: str = "dif") -> Image.Image:
    """Draws one frame: a hand that makes a sign, or with None only the wall."""
    wall = Image.new("RGB", _SIDES, _WALL)
    if sign is not None:
        name = f"hand{signer}_{sign}_{light}_seg_{frame}_cropped.jpeg"
        with Image.open(unpack_stand_in() / sign / name) as opened:
            hand = opened.resize((_HAND, _HAND), Image.Resampling.BICUBIC)
        mask = Image.fromarray((np.asarray(hand).max(axis=2) > 24).astype(np.uint8) * 255)
        wall.paste(hand, (190, 125), mask)
    return wall


def film_frames(
    shots: Iterable[tuple[str | None, float]], *, signer: int = 1, light: str = "dif"
) -> Iterator[bytes]:
    """Gives the frames of a film as JPEGs, at 30 frames a second.

    Args:
        shots: (sign, seconds) of each shot.
        signer: whose hand is shown.
        light: of the studio.
    """
    for sign, seconds in shots:
        frames = []
        for frame in FRAMES:
            content = BytesIO()
            picture = scene(sign, signer=signer, frame=frame, light=light)
            picture.save(content, "JPEG", quality=QUALITY)
            frames.append(content.getvalue())
        for i in range(round(30 * seconds)):
            yield frames[i // 5 % len(frames)]


def write_video(path: Path, shots: Iterable[tuple[str | None, float]], **options) -> Path:
    """Writes a film that Chromium takes for a camera, and repeats.

    Args:
        path: its name must end in ``.mjpeg``.
        shots: (sign, seconds) of each shot.
        options: of `film_frames`.
    """
    with path.open("wb") as film:
        film.writelines(film_frames(shots, **options))
    return path

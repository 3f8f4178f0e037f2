"""The largest pictures that are let in, and how much memory and time it takes to decode one.

For `benchmarks/torture.py` and the tests. Linux only, see `peak_memory`. A picture is made in one
process and decoded in another:

    python tests/fuzz/largest_pictures.py make "PNG" FILE
    python tests/fuzz/largest_pictures.py read "PNG" FILE
"""

import io
import json
import math
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from peak_memory import begin, megabytes_since
from PIL import Image, TiffImagePlugin, TiffTags

from asl import picture_bounds
from asl.decoding import open_rgb

LIMIT_MB = 300


def measure(name: str) -> dict[str, Any]:
    """Makes one of `LARGEST` and decodes it in a fresh process.

    Returns:
        "megapixels", "MB" of memory above what the process had before, and "seconds".

    Raises:
        subprocess.CalledProcessError: if it cannot be made or read.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "picture")
        for what in ("make", "read"):
            command = [sys.executable, __file__, what, name, path]
            run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout)


def _measure_reading(name: str, path: Path) -> dict[str, Any]:
    open_rgb(io.BytesIO(LARGEST[name](100)))  # what its decoder imports is no part of it
    before = begin()
    start = time.perf_counter()
    image = open_rgb(path)
    seconds = time.perf_counter() - start
    assert image.mode == "RGB" and min(image.size) > 1000
    return {
        "megapixels": round(_megapixels(path), 1),
        "MB": megabytes_since(before),
        "seconds": round(seconds, 2),
    }


def _megapixels(path: Path) -> float:
    Image.MAX_IMAGE_PIXELS = None
    with Image.open(path) as image:
        return image.width * image.height / 1e6


# --- the pictures ---------------------------------------------------------------------------------


def _noise(pixels: float, mode: str) -> Image.Image:
    """Returns a picture of at most some pixels: a tile of noise, again and again."""
    width = int(math.sqrt(pixels))
    height = int(pixels // width)
    bands = len(mode) if mode in ("RGB", "RGBA", "CMYK") else 1
    tile = np.random.default_rng(0).integers(0, 256, (64, 64, bands), dtype=np.uint8)
    tile = tile.astype({"I;16": np.uint16, "F": np.float32}.get(mode, np.uint8))
    rows = np.tile(tile, (1, -(-width // 64), 1))[:, :width]
    image = Image.new(mode, (width, height))
    strip = Image.fromarray(rows.squeeze() if bands == 1 else rows)
    if strip.mode != mode:  # four bands may be CMYK, too
        strip = Image.fromarray(rows, mode)
    for top in range(0, height, 64):
        image.paste(strip, (0, top))
    return image


def _saved(kind: str, mode: str, **options: Any) -> Callable[[float], bytes]:
    """Returns what makes a picture of some pixels, or of as many as are let in."""
    most = picture_bounds._MOST_MEGAPIXELS.get(kind, picture_bounds._MOST_OF_OTHERS)
    if (kind, mode) == ("AVIF", "RGBA"):
        most = picture_bounds._MOST_OF_TRANSPARENT_AVIF
    if (kind, mode, options.get("chroma")) == ("HEIF", "RGB", 420):
        most = picture_bounds._MOST_OF_A_PHONE

    def make(pixels: float = 1e6 * most) -> bytes:
        if kind == "HEIF":
            import pillow_heif

            pillow_heif.register_heif_opener()
        content = io.BytesIO()
        _noise(pixels, mode).save(content, kind, **options)
        return content.getvalue()

    return make


def _ten_bits(pixels: float = 1e6 * picture_bounds._MOST_OF_DEEP_HEIC) -> bytes:
    """Makes a HEIC picture of 10 bits a sample, with all colours."""
    import pillow_heif

    image = _noise(pixels, "RGB")
    samples = np.asarray(image).astype(np.uint16) << 8
    content = io.BytesIO()
    pillow_heif.from_bytes("RGB;16", image.size, samples.tobytes()).save(
        content, chroma=444, **_FAST_HEIC
    )
    return content.getvalue()


def _progressive(scans: int) -> Callable[[float], bytes]:
    """Returns what makes a JPEG of some scans, with as many coefficients as are let in."""
    bounds = picture_bounds._MOST_COEFFICIENTS, picture_bounds._MOST_SCANNED / scans

    def make(pixels: float = min(bounds) / 3) -> bytes:
        save = _saved("JPEG", "RGB", progressive=True, subsampling=0)
        content = save(pixels)
        last = content.rindex(b"\xff\xda")
        more = scans - picture_bounds.count_scans(io.BytesIO(content))
        return content[:-2] + content[last:-2] * more + content[-2:]

    return make


def _and_more(make: Callable[..., bytes]) -> Callable[..., bytes]:
    """Returns what makes a picture with as many bytes beside its pixels as are let in."""

    def make_more(*pixels: float) -> bytes:
        content = make(*pixels)
        beside = bytes(picture_bounds._MOST_BESIDE - 100_000)  # the rest is its own
        heic = content[4:10] == b"ftyphe"
        whole = picture_bounds._MOST_OF_HEIC if heic else picture_bounds._MOST_OF_WHOLE
        whole -= len(content) + 100
        if content.startswith(b"\x89PNG"):
            chunk = struct.pack(">I4s", len(beside), b"prVt") + beside
            chunk += struct.pack(">I", zlib.crc32(chunk[4:]))
            return content[:33] + chunk + content[33:-12] + chunk + content[-12:]
        if content.startswith(b"\xff\xd8"):
            segment = struct.pack(">HH", 0xFFE5, 65_535) + bytes(65_533)
            return content[:2] + segment * (len(beside) // len(segment)) + content[2:]
        if content.startswith(b"RIFF"):
            chunks = content[12:] + struct.pack("<4sI", b"more", whole) + bytes(whole)
            return struct.pack("<4sI4s", b"RIFF", 4 + len(chunks), b"WEBP") + chunks
        return content + struct.pack(">I4s", 8 + whole, b"free") + bytes(whole)  # AVIF, HEIC

    return make_more


def _tiff_and_more(pixels: float = 1e6 * picture_bounds._MOST_MEGAPIXELS["TIFF"]) -> bytes:
    """Makes a TIFF with a tag as large as is let in."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[65_000] = bytes(picture_bounds._MOST_BESIDE - 100_000)
    tags.tagtype[65_000] = TiffTags.BYTE
    return _saved("TIFF", "RGB", tiffinfo=tags)(pixels)


def _one_strip(pixels: float = 23e6) -> bytes:
    """Makes a compressed TIFF of one strip, whose pixels and bytes are nearly as many as let in."""
    TiffImagePlugin.STRIP_SIZE = 1 << 30
    side = int(math.sqrt(pixels))
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 4), dtype=np.uint8)
    content = io.BytesIO()
    Image.fromarray(noise).save(content, "TIFF", compression="tiff_adobe_deflate")
    return content.getvalue()


def _long_file(pixels: float = 20e6) -> bytes:
    """Makes a JPEG with as many bytes as are let in, of which most follow its end."""
    content = _saved("JPEG", "RGB")(pixels)
    return content + bytes(picture_bounds._MOST_BYTES - len(content))


_FAST_HEIC: dict[str, Any] = {"quality": 5, "enc_params": {"preset": "ultrafast"}}
_SCANS = int(picture_bounds._MOST_SCANNED / picture_bounds._MOST_COEFFICIENTS)
LARGEST: dict[str, Callable[..., bytes]] = {
    "PNG": _saved("PNG", "RGB", compress_level=1),
    "PNG, transparent": _saved("PNG", "RGBA", compress_level=1),
    "PNG, 16 bits": _saved("PNG", "I;16", compress_level=1),
    "BMP": _saved("BMP", "RGB"),
    "GIF": _saved("GIF", "L"),
    "TIFF": _saved("TIFF", "RGB"),
    "TIFF, transparent": _saved("TIFF", "RGBA", compression="tiff_lzw"),
    "TIFF, four inks": _saved("TIFF", "CMYK"),
    "TIFF, floats": _saved("TIFF", "F"),
    "WebP": _saved("WEBP", "RGB", method=0),
    "WebP, transparent": _saved("WEBP", "RGBA", method=0, lossless=True, quality=0),
    "AVIF": _saved("AVIF", "RGB", speed=10),
    "AVIF, transparent": _saved("AVIF", "RGBA", speed=10),
    "JPEG": _saved("JPEG", "RGB"),
    "JPEG, four inks": _saved("JPEG", "CMYK", quality=5),
    f"JPEG of {_SCANS} scans": _progressive(_SCANS),
    "JPEG of 100 scans": _progressive(picture_bounds._MOST_SCANS),
    "JPEG, a long file": _long_file,
    "PNG, much beside": _and_more(_saved("PNG", "RGB", compress_level=1)),
    "TIFF, much beside": _tiff_and_more,
    "TIFF in one strip": _one_strip,
    "WebP, a long file": _and_more(_saved("WEBP", "RGB", method=0)),
    "AVIF, a long file": _and_more(_saved("AVIF", "RGB", speed=10)),
    f"JPEG of {_SCANS} scans, much beside": _and_more(_progressive(_SCANS)),
}
"""What is at a bound of `asl.picture_bounds`: name → what makes its content."""

if find_spec("pillow_heif") is not None:
    LARGEST |= {
        "HEIC of a phone": _saved("HEIF", "RGB", chroma=420, **_FAST_HEIC),
        "HEIC, all colours": _saved("HEIF", "RGB", chroma=444, **_FAST_HEIC),
        "HEIC, transparent": _saved("HEIF", "RGBA", chroma=420, **_FAST_HEIC),
        "HEIC of 10 bits": _ten_bits,
        "HEIC of a phone, a long file": _and_more(_saved("HEIF", "RGB", chroma=420, **_FAST_HEIC)),
        "HEIC of 10 bits, a long file": _and_more(_ten_bits),
    }


if __name__ == "__main__":
    what, name, file = sys.argv[1:]
    if what == "make":
        Image.MAX_IMAGE_PIXELS = None
        Path(file).write_bytes(LARGEST[name]())
    else:
        print(json.dumps(_measure_reading(name, Path(file))))

"""Limits the size of pictures, so that a file takes at most about 300 MB and a few seconds.

Pictures are not trusted: a few bytes may decode to a huge picture, and many bytes to a few pixels.
"""

import os
import re
import sys
from typing import Any, BinaryIO, cast

from PIL import Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

# The most megapixels by format, since some decoders keep several copies.
_MOST_MEGAPIXELS = {
    "JPEG": 250,
    "PNG": 60,
    "BMP": 60,
    "GIF": 60,
    "TIFF": 30,
    "AVIF": 25,
    "HEIF": 25,
}
_MOST_OF_OTHERS = 16  # WebP
_MOST_OF_TRANSPARENT_AVIF = 20  # whose transparency is a picture of its own
# HEIC cannot be decoded at a smaller scale. A phone's 48 megapixels took 270 MB: 8 bits a sample,
# colours at half the sides. As many of 10 bits took 390 MB, as many with all colours 460.
_MOST_OF_A_PHONE = 50
_MOST_OF_DEEP_HEIC = 17  # more than 8 bits, all colours: 25 megapixels took 394 MB
_MOST_COEFFICIENTS = 120e6  # in a JPEG of several scans, which libjpeg keeps all
_MOST_SCANS = 100  # of a JPEG; an ordinary progressive one has about ten
_MOST_SCANNED = 2e9  # coefficients times scans, which is what takes the time
_MOST_BYTES = 250_000_000  # of a file; 60 megapixels without any compression are 240 MB
_MOST_OF_WHOLE = 36_000_000  # bytes of a file that the decoder keeps: WebP, AVIF
_MOST_OF_HEIC = 12_000_000  # of which there are two copies
_MOST_BESIDE = 8_000_000  # bytes of a file that are no pixels, of which decoders keep copies
_MOST_READS = 500_000  # each takes a microsecond or two
_MOST_OF_PACKED_TIFF = 290e6  # bytes: libtiff may keep the file and all pixels beside Pillow's
_LONGEST = 100  # times as long as wide
_JPEG_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")


class BoundedFile:
    """A file for decoders, which may not read more of it than is bounded here.

    A picture of few pixels may lie in a large file: decoders read all chunks, tags and notes that
    come before the pixels, and keep them. Reading more raises Pillow's DecompressionBombError,
    since they take an OSError for the end of a damaged file, and go on.
    """

    def __init__(self, file: BinaryIO, start: bytes, size: int) -> None:
        """Bounds what is read until `read_pixels`.

        Args:
            file: at any place.
            start: its first 12 bytes.
            size: how many bytes it has.
        """
        self._file, self._size, self._reads = file, size, 0
        if size > _MOST_BYTES:
            raise Image.DecompressionBombError(
                f"expected a file of at most {_MOST_BYTES // 10**6} MB, found "
                f"{size // 10**6:,} MB: save the picture smaller, or as JPEG"
            )
        if start.startswith(b"RIFF") or start[4:10] == b"ftypav":
            self._bound(_MOST_OF_WHOLE, "")
        elif start[4:8] == b"ftyp":
            self._bound(_MOST_OF_HEIC, "")
        else:
            twice = start[:2] in (b"II", b"MM")  # as Pillow reads the tags of a TIFF
            self._bound(_MOST_BESIDE, " beside the pixels", times=2 if twice else 1)

    def _bound(self, most: int, what: str, *, times: int = 1) -> None:
        self._left, self._most, self._what = most * times, most, what

    def read(self, size: int | None = -1, /) -> bytes:
        """Reads some bytes, or all that are left."""
        rest = max(0, self._size - self._file.tell())
        size = rest if size is None or size < 0 else min(size, rest)
        self._left -= size
        self._reads += 1
        if self._left < 0:
            raise Image.DecompressionBombError(
                f"expected at most {self._most // 10**6} MB{self._what}, found more in a file of "
                f"{self._size // 10**6:,} MB: save the picture anew, for example as JPEG, without "
                "layers and previews"
            )
        if self._reads > _MOST_READS:
            raise Image.DecompressionBombError(
                f"expected at most {_MOST_READS:,} parts, found more in a file of "
                f"{self._size // 10**6:,} MB: save the picture anew, for example as JPEG"
            )
        return self._file.read(size)

    def read_pixels(self) -> None:
        """Bounds what is read from now on, until `read_end`."""
        self._bound(_MOST_BYTES, "", times=2)  # some parts of a TIFF are read again

    def read_end(self) -> None:
        """Bounds what is read after the pixels."""
        self._bound(_MOST_BESIDE, " beside the pixels")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def check_bounds(image: Image.Image, file: BinaryIO) -> float:
    """Refuses what takes too much to decode, and returns the coefficients that libjpeg will keep.

    They are none but for JPEGs of several scans.

    Args:
        image: open, but not decoded yet.
        file: that it was opened from.

    Raises:
        OSError: if the picture is too long and thin, or a JPEG of too many scans.
        PIL.Image.DecompressionBombError: if there are too many pixels, or of too many scans, or of
            too many bytes in a compressed TIFF.
    """
    width, height = image.size
    if max(width, height) > _LONGEST * min(width, height):
        raise OSError(f"{width}x{height} pixels, more than {_LONGEST} times as long as wide")
    most = _MOST_MEGAPIXELS.get(image.format or "", _MOST_OF_OTHERS)
    if image.format == "AVIF" and image.mode == "RGBA":
        most = _MOST_OF_TRANSPARENT_AVIF
    if image.format == "HEIF":
        most = _most_of_heic(image)
    scans = 1
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        place = file.tell()
        scans = count_scans(file)
        file.seek(place)
    if width * height > most * 1e6:
        raise Image.DecompressionBombError(
            f"{width}x{height} pixels, more than {most} megapixels: save it smaller, or as JPEG"
        )
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        _check_packed(image, file)
    if scans == 1:
        return 0
    if scans > _MOST_SCANS:
        raise OSError(f"a JPEG of more than {_MOST_SCANS} scans")
    layers = cast(Any, image).layer  # (name, samples across, samples down, table) of each
    samples = [across * down for _, across, down, _ in layers]
    kept = width * height * sum(samples) / max(samples)
    if kept > _MOST_COEFFICIENTS or kept * scans > _MOST_SCANNED:
        raise Image.DecompressionBombError(
            f"{width}x{height} pixels in {scans} scans, too many: save it as a baseline JPEG"
        )
    return kept


def bound_end(image: Image.Image) -> None:
    """Bounds what an open picture may keep beside its pixels; a PNG may have more behind them.

    Raises:
        PIL.Image.DecompressionBombError: if it has kept too much text already.
    """
    if not isinstance(image, PngImagePlugin.PngImageFile):
        return
    # Texts are compressed. Pillow lets them have 64 million characters, of up to four bytes.
    if sum(map(sys.getsizeof, image.info.values())) > _MOST_BESIDE:
        raise Image.DecompressionBombError(
            f"expected at most {_MOST_BESIDE // 10**6} MB of texts beside the pixels, found more: "
            "save the picture anew, for example as JPEG"
        )
    end = image.load_end

    def bounded_end() -> None:
        if isinstance(image.fp, BoundedFile):
            image.fp.read_end()
        if image.png is not None:
            image.png.text_memory = PngImagePlugin.MAX_TEXT_MEMORY - _MOST_BESIDE // 4
        end()

    cast(Any, image).load_end = bounded_end


def count_scans(file: BinaryIO) -> int:
    """Counts the scans of a JPEG, up to one more than are read."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    content = file.read(size)  # without the size, a file may join two copies
    scans, place = 0, 2
    while scans <= _MOST_SCANS and (marker := _JPEG_MARKER.search(content, place)):
        if marker[1] == b"\xd9":  # the end; phones put films behind it
            break
        scans += marker[1] == b"\xda"
        place = marker.end() + int.from_bytes(content[marker.end() : marker.end() + 2])
    return scans


def _most_of_heic(image: Image.Image) -> int:
    """Returns the most megapixels of a HEIC picture, by what its decoder must keep."""
    plain = image.mode == "RGB" and image.info.get("chroma") == 420
    if image.info.get("bit_depth") == 8:
        return _MOST_OF_A_PHONE if plain else _MOST_MEGAPIXELS["HEIF"]
    return _MOST_MEGAPIXELS["HEIF"] if plain else _MOST_OF_DEEP_HEIC


def _check_packed(image: TiffImagePlugin.TiffImageFile, file: BinaryIO) -> None:
    """Refuses a compressed TIFF that takes too much if all its pixels are in one strip."""
    if image.info.get("compression") == "raw":
        return
    place = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(place)
    bits = image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (1,))
    if image.width * image.height * (4 + sum(bits) / 8) + size > _MOST_OF_PACKED_TIFF:
        raise Image.DecompressionBombError(
            f"{image.width}x{image.height} pixels in {size // 10**6} MB, too many for a compressed "
            "TIFF: save it without compression, or as JPEG"
        )

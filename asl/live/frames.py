"""From the bytes that a page posts to pixels. They are not trusted."""

from io import BytesIO

from PIL import JpegImagePlugin
from torch import Tensor

from asl.decoding import open_rgb
from asl.recognizer.crops import to_pixels

MOST_PIXELS = 4_000_000  # a camera's frame of 1920×1080 has half as many
_START = b"\xff\xd8\xff"  # of a JPEG


def read_frame(content: bytes) -> Tensor:
    """Decodes a frame: uint8 (H, W, 3), at most 1,024 pixels a side.

    Raises:
        ValueError: if it is no JPEG, a damaged one, or too large.
    """
    if not content.startswith(_START):
        raise ValueError("expected a JPEG, found something else")
    try:
        # Only the header is read. The decoders of all formats come later, but this is a JPEG.
        width, height = JpegImagePlugin.JpegImageFile(BytesIO(content)).size
        if width * height > MOST_PIXELS:
            raise ValueError(f"expected at most {MOST_PIXELS:,} pixels, found {width}x{height}")
        return to_pixels(open_rgb(BytesIO(content)))
    except ValueError:
        raise
    except Exception as error:  # a damaged file can make a decoder raise nearly anything
        raise ValueError(f"expected a whole JPEG: {error}") from error

"""What networks check of what they are given."""

from torch import Tensor


def check_image_size(image_size: int, multiple_of: int) -> None:
    """Raises ValueError unless a network can be built for images of a size."""
    if image_size < multiple_of or image_size % multiple_of:
        raise ValueError(
            f"expected image_size of a positive multiple of {multiple_of} pixels, "
            f"found {image_size}"
        )


def check_input(x: Tensor, image_size: int) -> None:
    """Raises ValueError unless images are (N, 3, image_size, image_size)."""
    if x.ndim != 4 or x.shape[1:] != (3, image_size, image_size):
        raise ValueError(
            f"expected images of shape (N, 3, {image_size}, {image_size}), found {tuple(x.shape)}"
        )

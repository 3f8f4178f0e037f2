"""The notebook's button for a photo of your own, which is answered as soon as it is chosen."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import matplotlib.pyplot as plt
from IPython.display import display
from ipywidgets import FileUpload
from matplotlib.figure import Figure
from PIL import Image

from asl.decoding import open_rgb, shown
from asl.plots.images import plot_sights
from asl.recognizer.crops import FRAME, Picture
from asl.recognizer.recognizer import Recognizer

_chosen: list[Image.Image] = []  # in this session, so that running the cell again keeps them


def upload_photo(recognizer: Recognizer, example: Picture) -> FileUpload:
    """Shows what a recogniser sees in an example, and returns a button to choose photos.

    As soon as photos are chosen, the figure shows these instead, and keeps showing them when the
    cell is run again. A file that is no picture gets a line that says so. The photos stay in this
    session's memory; nothing is stored or sent elsewhere.

    Args:
        recognizer: what reads the photos.
        example: shown until a photo is chosen: a path or any other picture that `recognizer` takes.

    Returns:
        The button, which a notebook shows as the value of a cell.
    """
    button = FileUpload(accept="image/*", multiple=True, description="Your photo")
    place = display(_figure(recognizer, _chosen or [example]), display_id=True)

    def answer(change: Mapping[str, Any]) -> None:
        pictures, lines = _pictures_in(change["new"])
        if lines:
            display({"text/plain": "\n".join(lines)}, raw=True)
        if pictures:
            _chosen[:] = pictures
            place.update(_figure(recognizer, pictures))

    button.observe(answer, names="value")
    return button


def _pictures_in(files: Sequence[Mapping[str, Any]]) -> tuple[list[Image.Image], list[str]]:
    """Returns the pictures among uploaded files, and a line for each other file."""
    pictures, lines = [], []
    for file in files:
        try:
            pictures.append(open_rgb(BytesIO(file["content"]), size=FRAME))
        except Exception as error:  # a damaged file can make a decoder raise nearly anything
            lines.append(f"'{shown(file['name'])}' cannot be read as a picture: {shown(error)}")
    return pictures, lines


def _figure(recognizer: Recognizer, pictures: Sequence[Picture]) -> Figure:
    figure = plot_sights(recognizer.look(pictures))
    plt.close(figure)  # else the notebook shows it a second time when the next cell ends
    return figure

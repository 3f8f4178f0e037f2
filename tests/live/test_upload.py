from datetime import UTC, datetime
from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from asl import Recognizer, upload_photo
from asl.live import upload


@pytest.fixture
def notebook(monkeypatch):
    """What the notebook shows: the figure in place, and lines below it."""

    class Shown:
        def __init__(self):
            self.figures, self.lines = [], []

        def update(self, figure):
            self.figures[-1] = figure

        def display(self, value, display_id=None, raw=False):
            if raw:
                self.lines.append(value["text/plain"])
            else:
                self.figures.append(value)
            return self

    shown = Shown()
    monkeypatch.setattr(upload, "display", shown.display)
    monkeypatch.setattr(upload, "_chosen", [])
    return shown


@pytest.fixture
def recognizer():
    return Recognizer.create(image_size=32)


def chosen(name, colour=None, format="png"):
    """A file as the upload button hands it on."""
    content = BytesIO(b"not a picture")
    if colour:
        Image.new("RGB", (20, 20), colour).save(content, format)
    data = content.getvalue()
    facts = {"name": name, "type": "", "size": len(data), "content": memoryview(data)}
    return facts | {"last_modified": datetime.now(UTC)}


def colour_in(figure):
    return np.asarray(figure.axes[0].images[0].get_array())[0, 0].tolist()


def test_a_chosen_photo_is_answered_at_once_in_the_same_place(recognizer, notebook):
    button = upload_photo(recognizer, Image.new("RGB", (20, 20), "blue"))
    assert colour_in(notebook.figures[0]) == [0, 0, 255]
    button.value = (chosen("mine.png", "red"),)
    assert len(notebook.figures) == 1 and colour_in(notebook.figures[0]) == [255, 0, 0]
    assert not plt.get_fignums()  # nothing is left that the next cell would show again


def test_running_the_cell_again_keeps_the_photo(recognizer, notebook):
    example = Image.new("RGB", (20, 20), "blue")
    upload_photo(recognizer, example).value = (chosen("mine.png", "red"),)
    upload_photo(recognizer, example)
    assert colour_in(notebook.figures[1]) == [255, 0, 0]


def test_a_file_that_is_no_picture_is_one_line_and_the_others_are_answered(recognizer, notebook):
    button = upload_photo(recognizer, Image.new("RGB", (20, 20), "blue"))
    button.value = (chosen("notes.txt"),)
    assert colour_in(notebook.figures[0]) == [0, 0, 255]
    (line,) = notebook.lines
    assert (
        line.startswith("'notes.txt' cannot be read as a picture: not a PNG") and "\n" not in line
    )
    button.value = (chosen("\x1b[2J.txt"),)
    assert notebook.lines[1].startswith(r"'\x1b[2J.txt' cannot be read")
    button.value = (chosen("notes.txt"), chosen("a.webp", "red", "webp"), chosen("b.png", "lime"))
    assert len(notebook.lines) == 3
    figure = notebook.figures[0]
    assert colour_in(figure)[0] > 250 and len(figure.axes) == 6

import numpy as np
import pytest
from PIL import Image

from asl import SIGNS
from asl.commands import rendering

pytestmark = pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")


def test_compare_draws_a_picture(people, run, tmp_path):
    output = tmp_path / "new" / "picture.png"
    status, out, _ = run("compare", people, "--data", people, "--output", output)
    assert status == 0 and str(output) in out and output.stat().st_size > 1000


def test_synthesize_refuses_a_folder_with_something_in_it(people, run):
    status, _, err = run("synthesize", people)
    assert status == 2 and "is not empty" in err


def test_synthesize_tries_its_folder_before_the_work(run, tmp_path, monkeypatch):
    monkeypatch.setattr("asl.rendering.dataset.rest_hand", None)
    (tmp_path / "file").touch()
    status, _, err = run("synthesize", tmp_path / "file" / "new", "--signs", "a")
    assert status == 2 and err.startswith("error: cannot write ")
    assert err.endswith(f"'{tmp_path / 'file'}' is a file, not a folder. Give another path\n")


def test_the_camera_pages_signs_are_drawn_and_those_that_ship_are_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(rendering, "SIGNS", ("a", "b"))
    drawn = np.zeros((20, 40, 3), np.uint8)
    monkeypatch.setattr(rendering, "render_two_sides", lambda sign, size: drawn)
    size = rendering.draw_page_signs(tmp_path / "signs")
    names = sorted(path.name for path in (tmp_path / "signs").iterdir())
    assert names == ["a.webp", "b.webp"] and size > 0
    shipped = list((rendering.PAGE / "signs").iterdir())
    assert {path.stem for path in shipped} == set(SIGNS)
    for path in shipped:
        with Image.open(path) as image:
            assert image.size == (400, 200)

"""`asl.camera()` in a cell of JupyterLab."""

import re

from tests.browser.lab import jupyter_lab, run_cell


def test_the_page_is_below_the_cell_and_has_the_camera(tmp_path, open_page, sure, keep):
    signer, (letter,) = sure(1)
    with jupyter_lab(tmp_path, "import asl\n\nasl.camera()") as address:
        page = open_page(address, [(letter, 1)], signer=signer, strict=False)
        run_cell(page)
        best = page.frame_locator("iframe[title=Camera]").locator("#best")
        best.filter(has_text=re.compile(f"^{letter}$")).wait_for()
        keep(page, "jupyterlab")

import asyncio
import json
import re
from types import SimpleNamespace

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from asl.__main__ import main
from asl.commands.notebook import _page, _reason_to_stop, _summary

NEEDS_NETWORK = re.compile(
    r"<(?:script|img|iframe)[^>]*\ssrc=.?(?:https?:)?//|<link|@import|url\(.?https?:"
    r"|from ['\"]https?:|require\.|MathJax|mermaid"
)


def code(source, *tags, outputs=()):
    return new_code_cell(source, metadata={"tags": [*tags]}, outputs=[*outputs])


@pytest.fixture
def write(tmp_path):
    """Writes a notebook of cells, and returns its path."""

    def write(*cells):
        (tmp_path / "book").mkdir(exist_ok=True)
        path = tmp_path / "book" / "story.ipynb"
        nbformat.write(new_notebook(cells=[*cells]), path)
        return path

    return write


def test_a_notebook_is_run_shown_and_summed_up(write, tmp_path, capfd):
    book = write(
        new_markdown_cell("# Title\n\nText.\n\n## 1. First\n\n```\n## no heading\n```"),
        code(
            "import os\nfrom pathlib import Path\n"
            "print('Images: here (RENDERED HANDS, not photographs)')\n"
            "print(Path.cwd().name, os.environ['TQDM_DISABLE'])"
        ),
        code("assert 'checked'", "check"),
        new_markdown_cell("## 2. `Second`"),
        code("print('printed')\n6 * 7", "summary"),
    )
    before = book.read_bytes()
    status = main(["notebook", str(book), "--output-dir", str(tmp_path / "new" / "build")])
    out, err = capfd.readouterr()
    done = tmp_path / "new" / "build" / "story"
    assert status == 0 and book.read_bytes() == before
    *sections, time = err.splitlines()
    assert sections == ["[1/2]  1. First", "[2/2]  2. `Second`"]  # and the kernel says nothing
    assert re.fullmatch(r"done after \d+ s", time)
    assert out.splitlines() == [
        "printed",
        "42",
        f"Executed notebook: {done}.ipynb",
        f"A page to read:    {done}.html",
        "Images: here (RENDERED HANDS, not photographs)",
        "These are RENDERED HANDS, not photographs: even 100 % here says nothing about reading a "
        "real hand.",
    ]
    cells = nbformat.read(f"{done}.ipynb", as_version=4).cells
    assert cells[1].outputs[0].text.splitlines()[1] == "book 1"
    assert cells[4].outputs[1].data["text/plain"] == "42"
    assert len(cells) == 5 and cells[2].source == "assert 'checked'"


def test_a_failing_cell_is_one_message_and_the_rest_did_not_run(run, write, tmp_path):
    book = write(
        code("1 + 1"),
        new_markdown_cell("## 1. Only"),
        code("x = 'found'\nraise ValueError(f'lost,\\n{x}')"),
        code("2", "summary", outputs=[new_output("stream", text="old")]),
    )
    status, out, err = run("notebook", book, "--output-dir", tmp_path / "build", "--json")
    result = json.loads(out)
    assert status == 1 and result["images"] is None
    assert result["error"] == "section '1. Only', cell 'x = 'found'': found"
    assert err.splitlines()[-1] == f"error: {result['error']}"
    first, _, failed, last = nbformat.read(result["notebook"], as_version=4).cells
    assert first.outputs[0].data["text/plain"] == "2"
    assert failed.outputs[0].ename == "ValueError" and last.outputs == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (CellTimeoutError("…"), "it ran for more than 5 seconds (see --timeout)"),
        (CellExecutionError("…", "AssertionError", ""), "AssertionError"),
        (CellExecutionError("…", "KeyError", "'x'"), "KeyError: 'x'"),
        (DeadKernelError("…"), "the kernel died; perhaps the memory ran out"),
    ],
)
def test_a_reason_to_stop_is_one_line(error, reason):
    async def async_execute(env):
        raise error

    client = SimpleNamespace(timeout=5, async_execute=async_execute)
    assert asyncio.run(_reason_to_stop(client)) == reason


def test_the_page_needs_no_network(write):
    book = nbformat.read(
        write(
            new_markdown_cell("# The title\n\nSee [there](https://example.org)."),
            new_markdown_cell("Before.\n\n## 1. One & all\n\nText."),
            code("assert hidden", "check"),
            code("shown", outputs=[new_output("display_data", {"text/html": "<b>bold</b>"})]),
            new_markdown_cell("### 1.1 Not listed\n\n## 2. `Two`"),
        ),
        as_version=4,
    )
    page = _page(book, write())
    assert not NEEDS_NETWORK.search(page)
    assert 'href="https://example.org"' in page and "<b>bold</b>" in page
    assert "hidden" not in re.sub(r"<style.*?</style>", "", page, flags=re.DOTALL)
    title, contents, text = re.split(r"<nav>|</nav>", page)
    assert title.rstrip().endswith("</h1>") and "Before." in text
    links = re.findall(r'<li><a href="#(.+?)">(.+?)</a></li>', contents)
    assert [name for _, name in links] == ["1. One &amp; all", "2. <code>Two</code>"]
    assert all(f'<h2 id="{anchor}">' in text for anchor, _ in links)


def test_the_search_for_the_network_finds_what_nbconvert_fetches():
    from nbconvert import HTMLExporter

    page, _ = HTMLExporter().from_notebook_node(new_notebook())
    assert len({found.group() for found in NEEDS_NETWORK.finditer(page)}) >= 4


def test_a_summary_skips_pictures():
    outputs = [
        new_output("display_data", {"image/png": "AA=="}),
        new_output("stream", text="a\nb\n"),
        new_output("execute_result", {"text/plain": "c", "text/html": "<i>c</i>"}),
    ]
    book = new_notebook(cells=[code("x", "summary", outputs=outputs), code("y", outputs=outputs)])
    assert _summary(book) == ["a\nb", "c"]


@pytest.mark.parametrize("text", ["no JSON", "[]", "{}", '{"nbformat": 4, "cells": [{}]}'])
def test_what_is_no_notebook_is_refused(text, run, tmp_path):
    (tmp_path / "x.ipynb").write_text(text)
    status, _, err = run("notebook", tmp_path / "x.ipynb")
    assert status == 2 and "expected a Jupyter notebook, found" in err


def test_the_notebook_itself_is_never_replaced(run, write):
    book = write(code("1"))
    status, _, err = run("notebook", book, "--output-dir", book.parent)
    assert status == 2 and "expected --output-dir other than the notebook's own" in err

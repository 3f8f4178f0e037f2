"""Runs a notebook, and writes it with its results and as a page to read without a network."""

import argparse
import asyncio
import os
import re
import signal
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from asl.files import written_whole

_RENDERED = (
    "These are RENDERED HANDS, not photographs: even 100 % here says nothing about reading a real "
    "hand."
)
_UNATTENDED = {"TQDM_DISABLE": "1", "ASL_UNATTENDED": "1"}  # no bars, and no camera page
# nbconvert's page, without what it fetches from other hosts: require.js, MathJax, mermaid, widgets.
_TEMPLATE = """
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block jupyter_widgets -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
"""
_FENCED = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)


def notebook(options: argparse.Namespace) -> tuple[dict, str]:
    """Runs a notebook and writes it and its page; a cell that fails is reported, with status 1."""
    source, folder = options.notebook, options.output_dir
    if folder.resolve() == source.resolve().parent:
        raise ValueError(f"expected --output-dir other than the notebook's own, found '{folder}'")
    book = _read(source)
    start = time.perf_counter()
    failure = _execute(book, source.resolve().parent, options.timeout)
    seconds = round(time.perf_counter() - start, 1)
    print(f"{'stopped' if failure else 'done'} after {seconds:.0f} s", flush=True)
    executed, page = _write(book, source, folder)
    images = next((line for line in _printed(book) if line.startswith("Images:")), None)
    result = {"notebook": str(executed), "page": str(page), "seconds": seconds, "images": images}
    lines = [f"Executed notebook: {executed}", f"A page to read:    {page}"]
    if failure:
        options.status = 1
        print(f"error: {failure}", file=sys.stderr)
        return result | {"error": failure}, "\n".join(lines)
    lines = [*_summary(book), *lines]
    if images is not None:
        lines += [images, _RENDERED] if "RENDERED HANDS" in images else [images]
    return result, "\n".join(lines)


def _read(source: Path) -> NotebookNode:
    """Reads a notebook and clears its outputs: what did not run must not look as if it had."""
    try:
        book = nbformat.read(source, as_version=4)
        nbformat.validate(book)
    except (AttributeError, TypeError, nbformat.ValidationError, nbformat.reader.NotJSONError):
        raise ValueError(f"expected a Jupyter notebook, found '{source}'") from None
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return book


# --- running --------------------------------------------------------------------------------------


def _execute(book: NotebookNode, folder: Path, timeout: int) -> str | None:
    """Runs the cells in place and prints each section as it begins.

    Returns:
        What failed and where, or None.
    """
    total = sum(len(_headings(cell)) for cell in book.cells)
    begun: list[str] = []
    running: NotebookNode | None = None

    def ctrl_c_is_ours(**_) -> None:
        # nbclient's handler would end the kernel, and its cell would then seem to have failed.
        if os.name == "posix":
            asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)

    def begin(cell: NotebookNode, **_) -> None:
        nonlocal running
        running = cell
        for heading in _headings(cell):
            begun.append(heading)
            print(f"[{len(begun):>{len(str(total))}}/{total}]  {heading}", flush=True)

    client = NotebookClient(
        book,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        # Below that it warns of eavesdroppers, on a connection that never leaves the machine.
        extra_arguments=["--log-level=ERROR"],
        shutdown_kernel="immediate",  # asked politely, a busy kernel ends with a traceback
        store_widget_state=False,  # a page without scripts shows a widget's text
        on_notebook_start=ctrl_c_is_ours,
        on_cell_start=begin,
    )
    # A selector loop on every system: Windows' own cannot wait for a kernel's sockets.
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        reason = runner.run(_reason_to_stop(client))
    if reason is None:
        return None
    section = f"section '{begun[-1]}'" if begun else "before the first section"
    first_line = running.source.strip().splitlines()[0] if running else ""
    return f"{section}, cell '{first_line}': {reason}"


async def _reason_to_stop(client: NotebookClient) -> str | None:
    """Runs all cells, and returns why one of them did not end."""
    try:
        await client.async_execute(env=os.environ | _UNATTENDED)
    except CellTimeoutError:
        return f"it ran for more than {client.timeout} seconds (see --timeout)"
    except CellExecutionError as error:
        return f"{error.ename}: {error.evalue}".strip(": \n").splitlines()[-1]
    except DeadKernelError:
        return "the kernel died; perhaps the memory ran out"
    return None


def _headings(cell: NotebookNode) -> list[str]:
    """Returns the sections that begin in a cell."""
    return _HEADING.findall(_FENCED.sub("", cell.source)) if cell.cell_type == "markdown" else []


# --- what it printed ------------------------------------------------------------------------------


def _printed(book: NotebookNode) -> list[str]:
    """Returns the lines that all cells wrote to standard output."""
    return [
        line
        for cell in book.cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream" and output.name == "stdout"
        for line in output.text.splitlines()
    ]


def _summary(book: NotebookNode) -> list[str]:
    """Returns the text of each output of the cells tagged "summary"."""
    outputs = [
        output
        for cell in book.cells
        if "summary" in _tags(cell)
        for output in cell.get("outputs", [])
    ]
    texts = [o.text if o.output_type == "stream" else o.data.get("text/plain") for o in outputs]
    return [text.rstrip("\n") for text in texts if text]


def _tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


# --- what is written ------------------------------------------------------------------------------


def _write(book: NotebookNode, source: Path, folder: Path) -> tuple[Path, Path]:
    """Writes a notebook and its page, both or neither, and returns where they are."""
    executed, page = folder / source.name, folder / f"{source.stem}.html"
    with written_whole(executed) as first, written_whole(page) as second:
        first.write_text(nbformat.writes(book), encoding="utf-8")
        second.write_text(_page(book, source), encoding="utf-8")
    return executed, page


def _page(book: NotebookNode, source: Path) -> str:
    """Returns a page that fetches nothing, with a table of contents, without "check" cells."""
    shown = book.copy()
    shown.cells = [cell for cell in book.cells if "check" not in _tags(cell)]
    exporter = HTMLExporter(raw_template=_TEMPLATE, embed_images=True)
    where = {"metadata": {"name": source.stem, "path": str(source.resolve().parent)}}
    page, _ = exporter.from_notebook_node(shown, where)
    links = "".join(
        f'<li><a href="#{anchor}">{heading}</a></li>\n'
        for anchor, heading in re.findall(
            r'<h2 id="([^"]+)">(.*?)<a class="anchor-link"', page, re.DOTALL
        )
    )
    contents = f"<nav>\n<ul>\n{links}</ul>\n</nav>\n"
    # After the title, or at the beginning of a notebook that has none.
    before = next(mark for mark in ("</h1>", "<main>") if mark in page)
    return page.replace(before, f"{before}\n{contents}", 1)

"""The files of the camera page, which the server and the export for the web share."""

from functools import cache
from pathlib import Path
from typing import Any

from asl.live.constants import page_constants
from asl.recognizer.recognizer import Recognizer

PAGE = Path(__file__).with_name("page")
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webp": "image/webp",
}


@cache
def page_files() -> dict[str, Path]:
    """Returns the page's files by their names in an address. Nothing else can be asked for."""
    return {
        path.relative_to(PAGE).as_posix(): path
        for path in sorted(PAGE.rglob("*"))
        if path.suffix in CONTENT_TYPES
    }


def page_facts(recognizer: Recognizer, engine: str) -> dict[str, Any]:
    """Returns what the page must know of a recogniser: its ``recognizer.json``.

    Args:
        recognizer: which reads the frames.
        engine: where that is done, ``"server"`` or ``"web"``.
    """
    facts = page_constants(recognizer) | {"engine": engine}
    del facts["lesson"]  # whoever is taught here is one person, and a page may have many
    return facts

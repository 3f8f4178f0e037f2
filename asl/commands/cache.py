"""The command `cache`, which shows or removes the decoded images that are kept."""

import argparse
from datetime import datetime

from asl.decoded.room import Entry, clear, decoded_folder, entries, most_bytes
from asl.decoding import shown


def cache(options: argparse.Namespace) -> tuple[dict, str]:
    """Shows or removes the decoded images that are kept."""
    found = clear() if options.clear else entries()
    total = sum(entry.size for entry in found)
    result = {
        "place": str(decoded_folder()),
        "removed" if options.clear else "kept": [_facts(entry) for entry in found],
        "bytes": total,
        "most_bytes": most_bytes(),
    }
    verb = "removed from" if options.clear else "kept in"
    lines = [f"decoded images {verb} {decoded_folder()}: {total / 1e6:,.1f} MB"]
    lines += [_line(entry) for entry in found]
    return result, "\n".join(lines)


def _facts(entry: Entry) -> dict:
    return {
        "file": entry.path.name,
        "folder": entry.folder,
        "images": entry.shape[0] if entry.shape else None,
        "image_size": entry.shape[-1] if entry.shape else None,
        "bytes": entry.size,
        "used": datetime.fromtimestamp(entry.used).isoformat(" ", "seconds"),
    }


def _line(entry: Entry) -> str:
    facts = _facts(entry)
    what = "damaged, or of another version of asl"
    if entry.shape:
        count, _, side, _ = entry.shape
        what = f"{count:,} images of {side}x{side} pixels from {shown(entry.folder)}"
    return f"{facts['bytes'] / 1e6:10,.1f} MB   used {facts['used'][:16]}   {what}"

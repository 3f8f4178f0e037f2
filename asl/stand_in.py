"""The rendered signers that ship with the project, for machines without the photographs.

`make stand-in` renders them anew and packs them.
"""

import hashlib
import io
import os
import tempfile
import zipfile
from pathlib import Path

from platformdirs import user_cache_path

from asl.sources import DatasetError

ARCHIVE = Path(__file__).with_name("rendered_signers.zip")
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same images make the same archive, whenever it is packed


def unpack_stand_in() -> Path:
    """Unpacks the archive into the user's cache directory, once, and returns the folder.

    The folder appears whole or not at all, also if two processes unpack at the same time.

    Raises:
        DatasetError: if the archive is missing or damaged.
        OSError: if there is no place to unpack it to; nothing half-written stays.
    """
    files = (ARCHIVE, _checksum(ARCHIVE))
    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        raise DatasetError(f"expected the rendered images, found no {', '.join(missing)}")
    expected = _checksum(ARCHIVE).read_text().strip()
    folder = user_cache_path("asl-recognition") / f"rendered-signers-{expected[:12]}"
    if folder.is_dir():
        return folder
    archive = ARCHIVE.read_bytes()
    digest = hashlib.sha256(archive).hexdigest()
    if digest != expected:
        raise DatasetError(
            f"expected the rendered images in '{ARCHIVE}' with SHA-256 {expected[:12]}…, found "
            f"{digest[:12]}… in {len(archive):,} bytes: fetch the file anew"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, ignore_cleanup_errors=True) as draft:
        whole = Path(draft) / "images"
        zipfile.ZipFile(io.BytesIO(archive)).extractall(whole)
        try:
            os.rename(whole, folder)
        except OSError:
            if not folder.is_dir():  # else another process was faster, with the same images
                raise
    return folder


def pack_stand_in(folder: str | os.PathLike) -> int:
    """Packs a folder that `asl.synthetic.synthesize` wrote into the archive; returns its bytes."""
    folder = Path(folder)
    with zipfile.ZipFile(ARCHIVE, "w") as packed:  # stored as they are: JPEGs do not get smaller
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = path.relative_to(folder).as_posix()
            packed.writestr(zipfile.ZipInfo(name, _LONG_AGO), path.read_bytes())
    data = ARCHIVE.read_bytes()
    _checksum(ARCHIVE).write_text(hashlib.sha256(data).hexdigest() + "\n")
    return len(data)


def _checksum(archive: Path) -> Path:
    return archive.with_suffix(".sha256")

"""Plants single-line faults in the core and in `asl.evaluation`, and counts those the tests notice.

    python benchmarks/faults.py --output results/faults.json

``faults.json``, beside this file, lists sixty plausible mistakes. They were chosen by somebody who
had read the code but not the tests. Each is planted in a copy of the project. Then the tests of its
module run and, if they pass, all others but the renderer's. The results name what survives.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from asl.files import write_text

ROOT = Path(__file__).parent.parent
COPIED = (
    *("asl", "tests", "asl_dataset", "asl_recognition.ipynb", "conftest.py", "pyproject.toml"),
    *("README.md", "LICENSE", "LICENSE-MediaPipe", "Makefile", "docs", "results"),
    *(path.name for path in ROOT.glob("requirements*.*")),
)
# What pages quote is not behaviour, and the renderer does not depend on these modules.
OTHERS = ["tests", "--ignore=tests/rendering", "--ignore=tests/test_results.py"]


def planted(fault: dict[str, str]) -> str:
    """Returns the text of the faulty file.

    Raises:
        ValueError: if the code to replace does not occur exactly once.
    """
    text = (ROOT / fault["file"]).read_text()
    if (found := text.count(fault["old"])) != 1:
        raise ValueError(
            f"expected {fault['old']!r} once in {fault['file']}, found it {found} times"
        )
    return text.replace(fault["old"], fault["new"])


def noticed(file: str, text: str) -> bool:
    """Tells whether a test fails once a file of the project holds another text."""
    module = Path(file).relative_to("asl")
    own = (Path("tests") / module.parent / f"test_{module.name}").as_posix()
    with tempfile.TemporaryDirectory() as folder:
        for name in COPIED:
            place = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            place(ROOT / name, Path(folder) / name)
        (Path(folder) / file).write_text(text)
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        command += ["-o", "addopts=--import-mode=importlib"]
        # One thread each: several processes that share two cores would wait for each other.
        environment = os.environ | {"PYTHONPATH": folder, "OMP_NUM_THREADS": "1"}
        for tests in ([own], [*OTHERS, f"--ignore={own}"]):
            try:
                run = subprocess.run(
                    [*command, *tests],
                    cwd=folder,
                    env=environment,
                    capture_output=True,
                    timeout=600,
                )
            except subprocess.TimeoutExpired:
                return True
            if run.returncode:
                return True
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2, help="(default: %(default)s)")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    faults = json.loads(Path(__file__).with_suffix(".json").read_text())
    texts = [planted(fault) for fault in faults]
    files = [fault["file"] for fault in faults]
    if noticed(files[0], (ROOT / files[0]).read_text()):
        raise SystemExit("expected all tests to pass without a fault, found that one fails")
    caught = []
    with ThreadPoolExecutor(options.workers) as threads:
        for fault, found in zip(faults, threads.map(noticed, files, texts), strict=True):
            caught.append(found)
            print("noticed " if found else "SURVIVED", fault["file"], fault["what"], flush=True)
    result = {
        "setting": {"command": f"python benchmarks/faults.py --output {options.output.as_posix()}"},
        "planted": len(faults),
        "caught": sum(caught),
        "survivors": [fault for fault, found in zip(faults, caught, strict=True) if not found],
    }
    write_text(options.output, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()

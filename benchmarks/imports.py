"""Times what `asl` adds to `import torch`, and a whole command beside it; all in turn.

    python benchmarks/imports.py --output results/imports.json

Each import, and each command, has a process of its own. Their files are in the system's memory.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from statistics import median
from timeit import default_timer as timer

import torch

from asl.files import write_text

ROOT = Path(__file__).parent.parent
CASES = {
    "import asl": "import asl",
    "every public name": "import asl; [getattr(asl, name) for name in asl.__all__]",
    "from asl import Recognizer": "from asl import Recognizer",
    "and Recognizer.load()": "from asl import Recognizer; Recognizer.load()",
}
WHOLE = {  # processes from start to end
    "import torch": ["-c", "import torch"],
    "asl predict docs/hand.png": ["-m", "asl", "predict", "docs/hand.png"],
}
TIMED = """
import time, torch
start = time.perf_counter()
{}
print(time.perf_counter() - start)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7, help="(default: %(default)s)")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    seconds: dict[str, list[float]] = {case: [] for case in CASES}
    whole: dict[str, list[float]] = {case: [] for case in WHOLE}
    for _ in range(options.runs):
        for case, code in CASES.items():
            command = [sys.executable, "-c", TIMED.format(code)]
            seconds[case].append(float(subprocess.check_output(command, text=True)))
        for case, arguments in WHOLE.items():
            start = timer()
            subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True)
            whole[case].append(timer() - start)
    result = {
        "setting": {
            "command": f"python benchmarks/imports.py --output {options.output.as_posix()}",
            "runs": options.runs,
            "hardware": f"{os.cpu_count()} CPU cores, {platform.machine()}",
            "torch": torch.__version__,
        },
        "seconds after import torch, median": {
            case: round(median(values), 3) for case, values in seconds.items()
        },
        "seconds of a process": {
            case: [round(of(values), 2) for of in (median, min, max)]
            for case, values in whole.items()
        },
    }
    write_text(options.output, json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()

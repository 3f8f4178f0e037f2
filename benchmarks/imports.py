"""Times what `asl` adds to `import torch`, each import in a process of its own.

python benchmarks/imports.py --output results/imports.json
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from statistics import median

import torch

from asl.files import write_text

CASES = {
    "import asl": "import asl",
    "every public name": "import asl; [getattr(asl, name) for name in asl.__all__]",
    "from asl import Recognizer": "from asl import Recognizer",
    "and Recognizer.load()": "from asl import Recognizer; Recognizer.load()",
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
    for _ in range(options.runs):
        for case, code in CASES.items():
            command = [sys.executable, "-c", TIMED.format(code)]
            seconds[case].append(float(subprocess.check_output(command, text=True)))
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
    }
    write_text(options.output, json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["seconds after import torch, median"], indent=1))


if __name__ == "__main__":
    main()

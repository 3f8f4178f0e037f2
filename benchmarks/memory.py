"""Measures the peak memory of the notebook's kernel above `import torch`, and the time it takes.

    python benchmarks/memory.py --output results/memory.json

Linux only: it reads the kernel's high-water mark from /proc. The images are found as always.
"""

import argparse
import json
import os
import platform
import tempfile
from pathlib import Path
from statistics import median
from timeit import default_timer as timer

import nbformat
import torch
from nbclient import NotebookClient

from asl.files import write_text

NOTEBOOK = Path(__file__).parent.parent / "asl_recognition.ipynb"
PEAK_KIB = "print(*(line.split()[1] for line in open('/proc/self/status') if 'VmHWM' in line))"


def run() -> tuple[float, float]:
    """Executes the notebook in a kernel of its own.

    Returns:
        seconds: kernel start included
        memory: the peak above `import torch`, in MiB
    """
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    first = nbformat.v4.new_code_cell(f"import torch\n{PEAK_KIB}")
    last = nbformat.v4.new_code_cell(PEAK_KIB)
    notebook.cells = [first, *notebook.cells, last]
    client = NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(NOTEBOOK.parent)}}
    )
    start = timer()
    with tempfile.TemporaryDirectory() as folder:  # every run decodes the images, as the first one
        os.environ["ASL_CACHE_DIR"] = folder
        client.execute()
    torch_only, peak = (int(cell.outputs[0].text) / 1024 for cell in (first, last))
    return timer() - start, peak - torch_only


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="(default: %(default)s)")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    os.environ["TQDM_DISABLE"] = "1"  # the kernel inherits it
    runs = []
    for _ in range(options.runs):
        runs.append(run())
        print(f"{runs[-1][0]:6.1f} s   {runs[-1][1]:6.0f} MiB above `import torch`", flush=True)
    seconds, memory = (sorted(values) for values in zip(*runs, strict=True))
    result = {
        "setting": {
            "command": f"python benchmarks/memory.py --output {options.output.as_posix()}",
            "runs": options.runs,
            "hardware": f"{os.cpu_count()} CPU cores, {platform.machine()}",
            "torch": torch.__version__,
        },
        "seconds": {"median": round(median(seconds), 1), "runs": [round(s, 1) for s in seconds]},
        "MiB above import torch": {
            "median": round(median(memory)),
            "runs": list(map(round, memory)),
        },
    }
    write_text(options.output, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()

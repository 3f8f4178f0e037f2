"""Measures the peak memory of the notebook's kernel above `import torch`, and the time it takes.

    python benchmarks/memory.py

Linux only: it reads the kernel's high-water mark from /proc. The images are found as always.
"""

import os
from pathlib import Path
from timeit import default_timer as timer

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parent.parent / "asl_recognition.ipynb"
PEAK_KIB = "print(*(line.split()[1] for line in open('/proc/self/status') if 'VmHWM' in line))"


def main() -> None:
    os.environ["TQDM_DISABLE"] = "1"  # the kernel inherits it
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    first = nbformat.v4.new_code_cell(f"import torch\n{PEAK_KIB}")
    last = nbformat.v4.new_code_cell(PEAK_KIB)
    notebook.cells = [first, *notebook.cells, last]
    client = NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(NOTEBOOK.parent)}}
    )
    start = timer()
    client.execute()
    seconds = timer() - start
    torch_only, peak = (int(cell.outputs[0].text) / 1024 for cell in (first, last))
    print(f"after `import torch`  {torch_only:6.0f} MiB")
    print(f"peak                  {peak:6.0f} MiB, {peak - torch_only:.0f} MiB more")
    print(f"executed in           {seconds:6.1f} s, kernel start included")


if __name__ == "__main__":
    main()

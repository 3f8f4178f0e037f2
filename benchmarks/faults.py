"""Plants single-line faults in the core and in `asl.evaluation`, and counts those the tests notice.

    python benchmarks/faults.py --output results/faults.json

Nobody chooses the faults. Wherever a comparison, an operator, a number, a flag, a keyword argument
or a call could be wrong is a place for one, and `--count` of all these are drawn from a seed. Each
is planted in a copy of the project. Then the tests of its module run and, if they pass, all others
but the renderer's. The results list what survives: a fault that no test notices, or no fault.
"""

import argparse
import ast
import copy
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from asl.files import write_text

ROOT = Path(__file__).parent.parent
COPIED = ("asl", "tests", "docs", "results", "asl_dataset", "conftest.py", "pyproject.toml")
OPPOSITE: dict[type, type] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}


def faulty_nodes(node: ast.AST) -> Iterator[tuple[ast.AST, list[ast.AST]]]:
    """Yields nodes of a syntax tree that could be wrong, each with its faulty forms."""
    for child in ast.iter_child_nodes(node):
        # Messages, types and what only a type checker reads are not behaviour.
        if isinstance(child, ast.Raise | ast.Assert | ast.JoinedStr | ast.Import | ast.ImportFrom):
            continue
        if isinstance(child, ast.AnnAssign) and child.value is None:
            continue
        if forms := list(faulty_forms(child)):
            yield child, forms
        if isinstance(child, ast.arguments):
            for default in (*child.defaults, *filter(None, child.kw_defaults)):
                if forms := list(faulty_forms(default)):
                    yield default, forms
        elif isinstance(child, ast.AnnAssign):
            yield from faulty_nodes(ast.Expr(child.value))
        elif not isinstance(child, ast.expr | ast.arg) or not isinstance(node, ast.FunctionDef):
            yield from faulty_nodes(child)


def faulty_forms(node: ast.AST) -> Iterator[ast.AST]:
    """Yields what could stand in place of one node if its author had been mistaken."""
    wrong = copy.deepcopy(node)
    if isinstance(node, ast.Compare) and type(node.ops[0]) in OPPOSITE:
        wrong.ops[0] = OPPOSITE[type(node.ops[0])]()
        yield wrong
    elif isinstance(node, ast.BoolOp | ast.BinOp) and type(node.op) in OPPOSITE:
        wrong.op = OPPOSITE[type(node.op)]()
        yield wrong
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield wrong.operand
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.Constant) and isinstance(node.value, float):
        yield ast.Constant(2 * node.value)
    elif isinstance(node, ast.Call) and node.keywords:
        for i in range(len(node.keywords)):
            fewer = copy.deepcopy(node)
            del fewer.keywords[i]
            yield fewer
    elif isinstance(node, ast.AugAssign) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ):
        yield ast.Pass()


def draw(paths: list[Path], count: int, seed: int) -> list[dict]:
    """Draws faults: file, line, the line as it was and as it is, and the whole faulty file."""
    found = []
    for path in paths:
        text = path.read_text()
        for number, (_, forms) in enumerate(faulty_nodes(ast.parse(text))):
            found += [(path, text, number, form) for form in range(len(forms))]
    chosen = random.Random(seed).sample(found, count)
    faults = []
    for path, text, number, form in sorted(chosen, key=lambda fault: (fault[0], fault[2])):
        tree = ast.parse(text)
        node, forms = list(faulty_nodes(tree))[number]
        right = ast.unparse(node)
        replace(tree, node, forms[form])
        faults.append(
            {
                "file": path.relative_to(ROOT).as_posix(),
                "line": node.lineno,
                "right": right[:120],
                "wrong": ast.unparse(forms[form])[:120],
                "text": ast.unparse(ast.fix_missing_locations(tree)),
            }
        )
    return faults


def replace(tree: ast.AST, old: ast.AST, new: ast.AST) -> None:
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list):
                value[:] = [new if item is old else item for item in value]


def noticed(fault: dict, *, own: bool = False) -> bool:
    """Tells whether a test fails once the fault is in place: any test, or the module's `own`."""
    module = Path(fault["file"]).relative_to("asl")
    file = Path("tests") / module.parent / f"test_{module.name}"
    others = (
        []
        if own
        else [
            [
                "tests",
                "--ignore=tests/rendering",
                "--ignore=tests/test_results.py",
                f"--ignore={file}",
            ]
        ]
    )
    with tempfile.TemporaryDirectory() as folder:
        for name in (*COPIED, "README.md", "asl_recognition.ipynb"):
            place = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            place(ROOT / name, Path(folder) / name)
        for name in ("requirements.txt", "LICENSE", "LICENSE-MediaPipe"):
            shutil.copy(ROOT / name, Path(folder) / name)
        for path in ROOT.glob("requirements-*.txt"):
            shutil.copy(path, Path(folder) / path.name)
        (Path(folder) / fault["file"]).write_text(fault["text"])
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        command += ["-o", "addopts=--import-mode=importlib"]
        for tests in ([str(file)], *others):
            try:
                run = subprocess.run(
                    [*command, *tests],
                    cwd=folder,
                    env=os.environ | {"PYTHONPATH": folder},
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
    parser.add_argument("--count", type=int, default=60, help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="(default: %(default)s)")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    paths = [path for path in sorted((ROOT / "asl").glob("*.py")) if path.name[0] != "_"]
    paths += sorted((ROOT / "asl" / "evaluation").glob("[a-z]*.py"))
    faults = draw(paths, options.count, options.seed)
    for file in {fault["file"] for fault in faults}:
        if noticed(
            {"file": file, "text": ast.unparse(ast.parse((ROOT / file).read_text()))}, own=True
        ):
            raise SystemExit(
                f"expected the tests of {file} to pass without a fault, found one fails"
            )
    survivors = []
    with ThreadPoolExecutor(options.workers) as threads:
        for fault, caught in zip(faults, threads.map(noticed, faults), strict=True):
            fault = {name: fault[name] for name in ("file", "line", "right", "wrong")}
            print("noticed " if caught else "SURVIVED", *fault.values(), sep="  ", flush=True)
            if not caught:
                survivors.append(fault)
    result = {
        "setting": {
            "command": f"python benchmarks/faults.py --output {options.output.as_posix()}",
            "seed": options.seed,
        },
        "planted": options.count,
        "caught": options.count - len(survivors),
        "survivors": survivors,
    }
    write_text(options.output, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()

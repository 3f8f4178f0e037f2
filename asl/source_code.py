"""Identifies code: an installed package by its version, all other code by its source.

Nothing is imported or run here.
"""

import ast
import dis
import functools
import hashlib
import importlib.util
import os
import sys
import types
from collections.abc import Iterable, Iterator
from importlib import metadata
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import torch

_PACKAGE = Path(__file__).parent
_INSTALLED = tuple(
    str(Path(module.__file__ or "").parent.parent) + os.sep for module in (ast, np, torch)
)  # folders of the standard library and of installed packages
_SITES = {"site-packages", "dist-packages"}  # folders of that name, the user's own among them
_IMPORT = dis.opmap["IMPORT_NAME"]


@functools.cache
def source_of_package() -> str:
    """Returns a key of the source of every module of `asl`."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        digest.update(path.relative_to(_PACKAGE).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def is_own(name: str) -> bool:
    """Returns whether a module is the user's own: neither of this package nor installed.

    Args:
        name: of the module, such as ``"torch.nn"``. It need not have been imported.
    """
    return not _is_ours(name) and installed_version(name) is None


def installed_version(name: str) -> str | None:
    """Returns the version of the installed package that has a module; None if none has it.

    The standard library has the version of Python.
    """
    top = name.partition(".")[0]
    if top == "__main__" or _is_ours(name):
        return None
    spec = _spec(name) or _spec(top)
    file = None if spec is None else _place(spec)
    if file is None:
        return sys.version if top in sys.stdlib_module_names else None
    if not _is_installed(file):
        return None
    version = getattr(sys.modules.get(top), "__version__", None)
    return str(version or _recorded_version(top) or sys.version)


def source_of_module(module: types.ModuleType | str) -> str | None:
    """Returns a key of the source of a module, and of all that it imports but what is installed.

    Imports count wherever they stand, also in functions. What a module imports by a name that is
    put together when it runs is not found.

    Args:
        module: the module, or its name if it may not have been imported yet.

    Returns:
        16 hexadecimal digits, or None if there is no source, as in a notebook.
    """
    sources: dict[str, bytes] = {}
    todo: list[types.ModuleType | str] = [module]
    seen: set[str] = set()
    while todo:
        module = todo.pop()
        name = module if isinstance(module, str) else module.__name__
        if name in seen or not is_own(name.partition(".")[0]):
            continue
        seen.add(name)
        if "." in name:  # importing it runs the packages around it
            todo.append(name.rpartition(".")[0])
        spec = _spec(module)
        if spec is None or spec.origin is None or not Path(spec.origin).is_file():
            continue
        sources[name] = Path(spec.origin).read_bytes()
        package = name if spec.submodule_search_locations is not None else spec.parent
        todo += _imports_in_source(sources[name], package or "")
    if not sources:
        return None
    digest = hashlib.sha256()
    for name in sorted(sources):
        digest.update(f"{name}\0{len(sources[name])}\0".encode() + sources[name])
    return digest.hexdigest()[:16]


def imports_in(code: types.CodeType, package: str) -> Iterator[str]:
    """Yields the names of all that a function imports when it runs, some of which may be modules.

    Args:
        code: of the function.
        package: that of the function's module, for imports that begin with a dot.
    """
    if _IMPORT in code.co_code[::2]:  # finding out more takes longer
        steps = [step for step in dis.get_instructions(code) if step.opname != "EXTENDED_ARG"]
        for level, names, step in zip(steps, steps[1:], steps[2:], strict=False):
            if step.opcode == _IMPORT:
                yield from _named(level.argval, step.argval, names.argval or (), package)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from imports_in(constant, package)


def names_in(code: types.CodeType) -> list[str]:
    """Returns the names that a function, or one inside it, looks up in its module or in objects."""
    inner = (c for c in code.co_consts if isinstance(c, types.CodeType))
    return sorted({*code.co_names, *(name for c in inner for name in names_in(c))})


def is_written_in_python(of: type) -> bool:
    """Returns whether a class and its bases are written in Python: others may hide their state."""
    return all(map(may_be_changed, of.__mro__[:-1]))


def may_be_changed(of: type) -> bool:
    """Returns whether a class is on the heap and not immutable; one that is written in C is not."""
    return bool(of.__flags__ & 1 << 9 and not of.__flags__ & 1 << 8)


@functools.lru_cache(maxsize=1000)
def _imports_in_source(source: bytes, package: str) -> tuple[str, ...]:
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError):  # compiled code
        return ()
    found: list[str] = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names]
            found += _named(node.level, node.module or "", names, package)
    return tuple(found)


def _named(level: int, module: str, names: Iterable[str], package: str) -> list[str]:
    """Returns what `from ...module import names` may import as modules."""
    try:
        base = importlib.util.resolve_name("." * level + module, package)
    except ImportError:  # a dot too many
        return []
    return [base, *(f"{base}.{name}" for name in names)]


def _spec(module: types.ModuleType | str) -> ModuleSpec | None:
    """Returns where a module lies, without importing it or the packages around it."""
    name = module if isinstance(module, str) else module.__name__
    found = sys.modules.get(name) if isinstance(module, str) else module
    if found is not None:
        return getattr(found, "__spec__", None)
    above = name.rpartition(".")[0]
    path = None
    if above:
        package = _spec(above)
        path = None if package is None else package.submodule_search_locations
        if path is None:
            return None
    specs = (finder.find_spec(name, path) for finder in sys.meta_path)
    return next((spec for spec in specs if spec is not None), None)


def _is_ours(name: str) -> bool:
    return name == "asl" or name.startswith("asl.")


def _place(spec: ModuleSpec) -> str | None:
    if spec.has_location:
        return spec.origin
    return next(iter(spec.submodule_search_locations or ()), None)


def _is_installed(file: str) -> bool:
    return file.startswith(_INSTALLED) or not _SITES.isdisjoint(Path(file).parts)


@functools.cache
def _recorded_version(top: str) -> str | None:
    """Returns the version of an installed package that does not tell it itself."""
    if top in sys.stdlib_module_names:
        return None
    try:
        return metadata.version(top)
    except metadata.PackageNotFoundError:  # packages may be recorded under another name
        names = metadata.packages_distributions().get(top, [])
        return " ".join(metadata.version(name) for name in names) or None

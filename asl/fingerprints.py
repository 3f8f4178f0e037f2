"""What a result depends on, as a key: a result may be used again only if everything is the same.

`fingerprint` turns a value into a key by its content: the bytes of tensors, the code of functions
and classes with what they close over, the attributes of objects. A name or an address alone is
never enough.
"""

import functools
import hashlib
import importlib
import inspect
import sys
import types
import weakref
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn, optim

from asl.source_code import (
    imports_in,
    installed_version,
    is_own,
    is_written_in_python,
    may_be_changed,
    names_in,
    source_of_module,
    source_of_package,
)

_PLAIN = (
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    type(Path()),
    torch.dtype,
    torch.device,
)
_CONTAINERS = (dict, set, frozenset, list, tuple, range)
_DESCRIPTORS = (
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
    types.GetSetDescriptorType,
)  # methods that are written in C
_ARRAYS = (Tensor, nn.Parameter, np.ndarray, np.memmap)


class CannotKeyError(ValueError):
    """Something has no content that can be compared, so results of it cannot be used again."""


def fingerprint(value: Any, *, restored: Iterable[Any] = ()) -> str:
    """Returns a key, 16 hexadecimal digits, that differs whenever the content of a value does.

    Code that is installed, such as torch's, counts by its name and version; this package by the
    source of all its modules; a module of anybody else by its source, with that of all it imports;
    anything else by its own code. What a function imports when it runs is imported now.

    Args:
        value: data, functions, classes, models, or objects of these.
        restored: tensors whose numbers come from elsewhere later, such as the initial weights of a
            model that a checkpoint will fill. Only their types and shapes count.

    Raises:
        CannotKeyError: if a part of the value is neither data nor code, such as an open file.
    """
    digest = hashlib.sha256()
    tensors = [tensor for tensor in restored if isinstance(tensor, Tensor)]
    _Walk(digest.update, {_place(tensor) for tensor in tensors if tensor.numel()}).add(value)
    return digest.hexdigest()[:16]


def environment() -> dict[str, str]:
    """Returns what every result depends on, beside its own arguments."""
    return {
        "code of asl": source_of_package(),
        "torch": torch.__version__,
        "threads": str(torch.get_num_threads()),
        "processor": torch.backends.cpu.get_cpu_capability(),
        "float32 precision": torch.get_float32_matmul_precision(),
    }


class _Walk:
    """Feeds a value's content to a digest, part by part."""

    def __init__(self, update: Callable[[Any], Any], restored: set[int]):
        self.update, self.restored = update, restored
        # Where a value was met first. Kept, so that no address is used twice. Containers are
        # forgotten when they end: two equal lists are the same content as one list twice.
        self.met: dict[int, tuple[int, Any]] = {}
        self.count = 0

    def add(self, value: Any) -> None:
        if type(value) in _PLAIN:
            self.say(type(value).__name__, repr(value))
            return
        if id(value) in self.met:
            self.say("again", self.met[id(value)][0])
            return
        self.count += 1
        self.met[id(value)] = self.count, value
        self.content(value)
        if isinstance(value, list | tuple | Mapping | set | frozenset):
            del self.met[id(value)]

    def content(self, value: Any) -> None:
        if isinstance(value, Tensor | np.ndarray | np.generic):
            self.array(value)
        elif isinstance(value, _PLAIN):  # of a class derived from it
            kind: Any = next(kind for kind in _PLAIN if isinstance(value, kind))
            self.say(kind.__name__, kind.__repr__(value))
            self.derived(value)
        elif isinstance(value, torch.Generator):
            self.add(value.get_state())
        elif isinstance(value, Mapping | set | frozenset | list | tuple | range):
            self.container(value)
        elif isinstance(value, functools.partial):
            self.say("partial")
            self.add([value.func, value.args, value.keywords])
            self.derived(value)
        elif isinstance(value, types.ModuleType):
            self.module(value)
        elif isinstance(value, types.MethodType):
            self.say("method")
            self.add([value.__func__, value.__self__])
        elif isinstance(value, types.BuiltinFunctionType):
            self.builtin(value)
        elif isinstance(value, _DESCRIPTORS):
            self.add(["descriptor", value.__objclass__, value.__name__])
        elif isinstance(value, property):
            self.add(["property", value.fget, value.fset, value.fdel])
        elif isinstance(value, staticmethod | classmethod):
            self.say(type(value).__name__)
            self.add(value.__func__)
        elif isinstance(value, types.FunctionType):
            self.function(value)
        elif isinstance(value, type):
            self.class_(value)
        elif isinstance(value, weakref.ref):
            self.add(["weak", value()])
        elif hasattr(value, "__wrapped__"):  # of a cache
            self.add([value.__wrapped__, getattr(value, "__dict__", None)])
        elif type(value) is not object and is_written_in_python(type(value)):
            self.say("object")
            self.derived(value)
        else:
            raise CannotKeyError(
                f"expected data, functions or objects of these, found a {type(value).__name__}, "
                "whose content cannot be compared"
            )

    def say(self, *words: Any) -> None:
        self.update("\0".join(map(str, words)).encode(errors="surrogatepass") + b"\1")

    def array(self, value: Any) -> None:
        if isinstance(value, Tensor):
            self.say("tensor", value.dtype, tuple(value.shape), value.requires_grad)
            if value.numel() == 0 or _place(value) not in self.restored:
                try:
                    flat = value.detach().cpu().contiguous().view(-1).view(torch.uint8)
                    self.update(flat.numpy().data)
                except (RuntimeError, ValueError) as error:
                    raise _unreadable(value) from error
        else:
            self.say("array", value.dtype, value.shape)
            if value.dtype.hasobject:
                raise CannotKeyError("expected arrays of numbers, found one of Python objects")
            # A view of the bytes, not a copy: they may be a gigabyte of images.
            self.update(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data)
        if type(value) not in _ARRAYS and not isinstance(value, np.generic):
            self.derived(value)
        elif isinstance(value, Tensor) and vars(value):
            self.add(vars(value))

    def container(self, value: Any) -> None:
        if isinstance(value, Mapping):
            self.say("mapping", len(value))
            for key, item in value.items():
                self.add(key)
                self.add(item)
        elif isinstance(value, set | frozenset):
            self.say("set", len(value))
            for key in sorted(self.apart(item) for item in value):
                self.say(key)
        else:
            self.say("sequence", len(value))
            for item in value:
                self.add(item)
        if type(value) in _CONTAINERS:
            self.say(type(value).__name__)
        else:
            self.add(getattr(value, "default_factory", None))  # of a defaultdict
            self.derived(value)

    def apart(self, value: Any) -> str:
        """Returns a key of a value that does not depend on what was met before it."""
        digest = hashlib.sha256()
        _Walk(digest.update, self.restored).add(value)
        return digest.hexdigest()

    def derived(self, value: Any) -> None:
        """Adds what an object is beside its content as data: its class and its attributes."""
        self.add(type(value))
        # Attributes, and those in slots, whatever the class itself gives to pickle.
        state: Any = object.__getstate__(value)
        if isinstance(value, nn.Module | optim.Optimizer):
            # What a training leaves behind is no part of what a model is, and hooks are numbered
            # through the whole process.
            slots = state[1:] if isinstance(state, tuple) else ()
            kept = {
                name: list(item.values()) if "_hooks" in name else item
                for name, item in vars(value).items()
                if name not in ("asl_metrics", "asl_input")
            }
            state = [kept, slots]
        self.add(state)

    # --- code ---

    def known(self, module: str, *words: Any) -> bool:
        """Says code of this package or of an installed one, and whether it was one."""
        if is_own(module):
            return False
        version = installed_version(module)
        self.say("known", source_of_package() if version is None else version, module, *words)
        return True

    def origin(self, module: str, *words: Any) -> None:
        """Says code by its name and where it is from."""
        if not self.known(module, *words):
            self.say("own", source_of_module(module), module, *words)

    def module(self, module: types.ModuleType) -> None:
        name = module.__name__
        if not self.known(name):
            source = source_of_module(module)
            if source is None and not hasattr(module, "__path__"):
                found = f"found '{name}', whose content cannot be compared"
                raise CannotKeyError(f"expected modules with a file, {found}")
            self.say("module", name, source)

    def builtin(self, function: Any) -> None:
        self.origin(function.__module__ or "builtins", function.__qualname__)
        owner = getattr(function, "__self__", None)
        if not isinstance(owner, type | types.ModuleType):
            self.add(owner)  # what a method is bound to

    def installed(self, code: Any) -> bool:
        """Says an installed function or class by name and version, and whether it was one."""
        found: Any = sys.modules.get(code.__module__ or "")
        for part in code.__qualname__.split("."):
            found = getattr(found, part, None)
        # What does not lie where its name says was made by somebody else, or in a function.
        return found is code and self.known(code.__module__, code.__qualname__)

    def function(self, function: types.FunctionType) -> None:
        # When an optimiser of a user's own is first made, torch wraps its class's `step`.
        if getattr(function, "hooked", False):
            function = inspect.unwrap(function)
        if self.installed(function):
            return
        self.code(function.__code__)
        self.names(function)
        self.add([function.__defaults__, function.__kwdefaults__, vars(function)])
        self.add([_content(cell) for cell in function.__closure__ or ()])

    def names(self, function: types.FunctionType) -> None:
        """Adds what the names in a function stand for, there and in modules of the user's own."""
        names = names_in(function.__code__)
        used = {n: function.__globals__[n] for n in names if n in function.__globals__}
        self.add(used)
        package = function.__globals__.get("__package__") or ""
        imported = {name: _imported(name) for name in imports_in(function.__code__, package)}
        for name, module in imported.items():
            if module is None:
                self.origin(name)
        todo: list[Any] = [*used.values(), *imported.values()]
        seen: set[types.ModuleType] = set()
        while todo:
            module = todo.pop()
            if not isinstance(module, types.ModuleType) or module in seen:
                continue
            if not is_own(module.__name__):
                continue
            seen.add(module)
            self.add(module)
            attributes = [n for n in names if not n.startswith("__") and hasattr(module, n)]
            self.add({n: getattr(module, n) for n in attributes})
            todo += [getattr(module, n) for n in attributes]

    def code(self, code: types.CodeType) -> None:
        self.say("code", code.co_code.hex(), code.co_exceptiontable.hex(), code.co_flags)
        self.say(code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
        self.say(code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                self.code(constant)
            else:
                self.add(constant)

    def class_(self, of: type) -> None:
        if self.installed(of):
            return
        if not may_be_changed(of):  # written in C
            self.origin(of.__module__, of.__qualname__)
            return
        self.say("class", of.__module__, of.__qualname__)
        for base in (type(of), *of.__bases__):
            self.add(base)
        fields = getattr(of, "_fields", ()) if issubclass(of, tuple) else ()
        for name, item in list(vars(of).items()):  # which looking for slots adds to
            special = name.startswith(("__", "_abc_"))
            if not special or callable(item) or isinstance(item, staticmethod | classmethod):
                self.say(name)
                # What reads a slot, or a field of a named tuple, is written in C and says no more.
                if not isinstance(item, types.MemberDescriptorType) and name not in fields:
                    self.add(item)


def _imported(name: str) -> types.ModuleType | None:
    """Imports a module of the user's own, as the function will whose key is asked for."""
    if not is_own(name) or source_of_module(name) is None:
        return None
    try:
        return importlib.import_module(name)
    except Exception:  # no module, or one that fails: the function has to cope with it, too
        return None


def _place(tensor: Tensor) -> int:
    try:
        return tensor.untyped_storage().data_ptr()
    except RuntimeError as error:
        raise _unreadable(tensor) from error


def _unreadable(tensor: Tensor) -> CannotKeyError:
    return CannotKeyError(
        "expected tensors of numbers that lie in memory one after another, found one of layout "
        f"{tensor.layout} on {tensor.device.type}, whose content cannot be compared"
    )


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a name that is bound later
        return None

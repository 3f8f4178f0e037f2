"""What a result depends on, as a key: a result may be used again only if everything is the same.

`fingerprint` turns a value into a key by its content: the bytes of tensors, the code of functions
and classes with what they close over, the attributes of objects. Never by a name or an address
alone.
"""

import functools
import hashlib
import inspect
import os
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

_PACKAGE = Path(__file__).parent
_PLAIN = (type(None), bool, int, float, complex, str, bytes, Path, torch.dtype, torch.device)
_INSTALLED = tuple(
    str(Path(module.__file__ or "").parent.parent) for module in (os, np, torch)
)  # folders of the standard library and of installed packages, whose code a version names


class CannotKeyError(ValueError):
    """Something has no content that can be compared, so results of it cannot be used again."""


def fingerprint(value: Any, *, restored: Iterable[Any] = ()) -> str:
    """Returns a key, 16 hexadecimal digits, that differs whenever the content of a value does.

    Code that is installed, such as torch's, counts by its name and version; this package by the
    source of all its modules; anything else by its own code.

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


@functools.cache
def source_of_package() -> str:
    """Returns a key of the source of every module of `asl`."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        digest.update(path.relative_to(_PACKAGE).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def environment() -> dict[str, str]:
    """Returns what every result depends on, beside its own arguments."""
    return {
        "code of asl": source_of_package(),
        "torch": torch.__version__,
        "threads": str(torch.get_num_threads()),
        "processor": torch.backends.cpu.get_cpu_capability(),
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
        if isinstance(value, _PLAIN):
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
        elif isinstance(value, torch.Generator):
            self.add(value.get_state())
        elif isinstance(value, Mapping):
            self.say(type(value).__name__, len(value))
            for key, item in value.items():
                self.add(key)
                self.add(item)
        elif isinstance(value, set | frozenset):
            self.say(type(value).__name__, sorted(fingerprint(item) for item in value))
        elif isinstance(value, list | tuple | range):
            self.say(type(value).__name__, len(value))
            for item in value:
                self.add(item)
        elif isinstance(value, functools.partial):
            self.say("partial")
            self.add([value.func, value.args, value.keywords])
        elif isinstance(value, types.ModuleType):
            self.say("module", value.__name__)
        elif isinstance(value, types.MethodType):
            self.say("method")
            self.add([value.__func__, value.__self__])
        elif isinstance(value, types.BuiltinFunctionType | types.MethodDescriptorType):
            self.say("builtin", value.__module__, value.__qualname__)
        elif isinstance(value, property | staticmethod | classmethod):
            self.say(type(value).__name__)
            self.add(getattr(value, "fget", None) or getattr(value, "__func__", None))
        elif isinstance(value, types.FunctionType):
            self.function(value)
        elif isinstance(value, type):
            self.class_(value)
        elif hasattr(value, "__wrapped__"):  # of a cache
            self.add(value.__wrapped__)
        elif type(value) is not object and _is_written_in_python(type(value)):
            self.object_(value)
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
            if value.numel() and _place(value) in self.restored:
                return
            value = value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy()
        else:
            self.say("array", value.dtype, value.shape)
            if value.dtype.hasobject:
                raise CannotKeyError("expected arrays of numbers, found one of Python objects")
        # A view of the bytes, not a copy: they may be a gigabyte of images.
        self.update(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data)

    def installed(self, code: Any) -> bool:
        """Says an installed function or class by name and version, and whether it was one."""
        name = code.__module__ or ""
        found: Any = sys.modules.get(name)
        file = getattr(found, "__file__", None)
        for part in code.__qualname__.split("."):
            found = getattr(found, part, None)
        # What does not lie where its name says was made by somebody else, or in a function.
        if found is not code or name == "__main__":
            return False
        if name == "asl" or name.startswith("asl."):
            self.say("asl", source_of_package(), name, code.__qualname__)
            return True
        if file is not None and not file.startswith(_INSTALLED):
            return False
        top = sys.modules.get(name.partition(".")[0])
        self.say("installed", name, code.__qualname__, getattr(top, "__version__", sys.version))
        return True

    def function(self, function: types.FunctionType) -> None:
        # When an optimiser of a user's own is first made, torch wraps its class's `step`.
        if getattr(function, "hooked", False):
            function = inspect.unwrap(function)
        if self.installed(function):
            return
        self.code(function.__code__)
        names = _names_in(function.__code__)
        self.add({n: function.__globals__[n] for n in names if n in function.__globals__})
        self.add([function.__defaults__, function.__kwdefaults__])
        self.add([_content(cell) for cell in function.__closure__ or ()])

    def code(self, code: types.CodeType) -> None:
        self.say("code", code.co_code.hex(), code.co_names, code.co_varnames)
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                self.code(constant)
            else:
                self.add(constant)

    def class_(self, of: type) -> None:
        if self.installed(of):
            return
        self.say("class", of.__module__, of.__qualname__)
        for base in of.__bases__:
            self.add(base)
        for name, item in vars(of).items():
            special = name.startswith(("__", "_abc_"))
            if not special or isinstance(item, types.FunctionType):
                self.say(name)
                if not isinstance(item, types.MemberDescriptorType):  # of __slots__
                    self.add(item)

    def object_(self, value: Any) -> None:
        self.say("object")
        self.add(type(value))
        # Attributes, and those in slots, whatever the class itself gives to pickle.
        state: Any = object.__getstate__(value)
        if isinstance(value, nn.Module):
            # What a training leaves behind is no part of what a model is, and hooks are numbered
            # through the whole process.
            state = {
                name: list(item.values()) if "_hooks" in name else item
                for name, item in state.items()
                if name not in ("asl_metrics", "asl_input")
            }
        self.add(state)


def _is_written_in_python(of: type) -> bool:
    # Types written in C may hide their state. They are not on the heap, or cannot be changed.
    return all(c.__flags__ & 1 << 9 and not c.__flags__ & 1 << 8 for c in of.__mro__[:-1])


def _names_in(code: types.CodeType) -> list[str]:
    """Returns the global names that a function, or one inside it, may use."""
    inner = (c for c in code.co_consts if isinstance(c, types.CodeType))
    return sorted({*code.co_names, *(name for c in inner for name in _names_in(c))})


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a name that is bound later
        return None

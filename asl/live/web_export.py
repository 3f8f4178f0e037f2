"""Writes the camera page as files for any web server: it then needs no Python.

The page is the one that `asl camera` serves. In place of Python, onnxruntime-web runs the graph
that `asl.recognizer.export` writes, in the browser.
"""

import base64
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from asl.files import written_whole
from asl.live.page_files import page_facts, page_files
from asl.recognizer.export import export_recognizer
from asl.recognizer.recognizer import Recognizer
from asl.recognizer.stored_weights import from_eight_bits, in_eight_bits

if TYPE_CHECKING:
    import onnx

RUNTIME = {
    "ort.wasm.bundle.min.mjs": "sha384-"
    "PLWz+nHEVHpjwBsO0YVdvQj6n5814Iv8E3b8FG0Rp/uIAtjFMCKOpP66iPzedrIG",
    "ort-wasm-simd-threaded.wasm": "sha384-"
    "vjBJ1z7qrhkTyYsNqKeF6c7N+nOJSU94czEo+tvZcu8G75JparGq9kB+kTnEUNVM",
}
"""The files of onnxruntime-web that the page loads, with their SHA-384."""

RUNTIME_VERSION = "1.30.0"
_CDN = f"https://cdn.jsdelivr.net/npm/onnxruntime-web@{RUNTIME_VERSION}/dist"
_SMALL = 1000  # numbers: what has fewer is left as it is


def export_web(
    recognizer: Recognizer,
    folder: str | os.PathLike,
    *,
    runtime: str | os.PathLike | None = None,
) -> Path:
    """Writes the page, the graph and what the page must know of it.

    Browsers give a page the camera only at an https address or on localhost.

    Args:
        recognizer: on the CPU.
        folder: appears whole or not at all. An earlier export in it is replaced.
        runtime: folder ``dist`` of the npm package onnxruntime-web 1.30.0, of which two files are
            copied. None lets the page fetch them from jsdelivr.net. Either way the browser refuses
            other files than these.

    Returns:
        The folder.

    Raises:
        FileExistsError: if there is something else in the folder.
        FileNotFoundError: if the runtime's folder lacks a file.
        ImportError: if the extra "onnx" is not installed.
        ValueError: if a file of the runtime is not of that version.
    """
    target = Path(folder)
    if target.exists() and not (target.is_dir() and (_is_export(target) or _is_empty(target))):
        raise FileExistsError(
            f"expected a new folder, or one with an earlier export, found something else in "
            f"'{target}'"
        )
    files = {} if runtime is None else _runtime_files(Path(runtime))
    with written_whole(target) as draft:
        for name, source in page_files().items():
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, draft / name)
        (draft / "engine_server.js").unlink()
        _in_fewer_bits(export_recognizer(recognizer, draft, format="onnx"))
        where = _CDN
        if files:
            where = "runtime"
            (draft / where).mkdir()
            for name, content in files.items():
                (draft / where / name).write_bytes(content)
        _write_page(draft, recognizer, where)
    return target


def _is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


def _is_export(folder: Path) -> bool:
    try:
        facts = json.loads((folder / "recognizer.json").read_text(encoding="utf-8"))
        return facts["engine"] == "web"
    except (OSError, ValueError, TypeError, KeyError):
        return False


def _runtime_files(folder: Path) -> dict[str, bytes]:
    found = {}
    for name, integrity in RUNTIME.items():
        try:
            found[name] = (folder / name).read_bytes()
        except FileNotFoundError:
            raise FileNotFoundError(
                f"expected '{name}' in '{folder}', found no such file: give the folder 'dist' of "
                f"the npm package onnxruntime-web {RUNTIME_VERSION}"
            ) from None
        digest = base64.b64encode(hashlib.sha384(found[name]).digest()).decode()
        if f"sha384-{digest}" != integrity:
            raise ValueError(
                f"expected '{name}' of onnxruntime-web {RUNTIME_VERSION}, found another version in "
                f"'{folder}'"
            )
    return found


def _write_page(folder: Path, recognizer: Recognizer, where: str) -> None:
    """Says in the page which runtime it loads, and allows it nothing else."""
    code, wasm = ({"url": f"{where}/{name}", "integrity": RUNTIME[name]} for name in RUNTIME)
    facts = page_facts(recognizer, "web") | {"runtime": {"code": code, "wasm": wasm}}
    (folder / "recognizer.json").write_text(json.dumps(facts), encoding="utf-8")
    other = f" {_CDN}/" if where == _CDN else ""
    policy = "; ".join(
        [
            "default-src 'none'",
            "script-src 'self' blob: 'wasm-unsafe-eval'",  # blobs: what the page has checked
            "style-src 'self'",
            "img-src 'self' data:",
            f"connect-src 'self'{other}",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    page = (folder / "index.html").read_text(encoding="utf-8")
    mark = "<!-- policy -->"
    assert page.count(mark) == 1
    page = page.replace(mark, f'<meta http-equiv="Content-Security-Policy" content="{policy}">')
    (folder / "index.html").write_text(page, encoding="utf-8")


def _in_fewer_bits(path: Path) -> None:
    """Writes a graph's weights in fewer bits where that loses nothing, as in our own files.

    The runtime turns them back when it loads the graph.
    """
    import onnx  # which wrote the file

    model = onnx.load(path)
    weights: list[onnx.TensorProto] = []
    turned_back: list[onnx.NodeProto] = []
    for tensor in model.graph.initializer:
        name, values = tensor.name, onnx.numpy_helper.to_array(tensor)
        stored = _fewer_bits(values) if values.size >= _SMALL else [values]
        names = [f"{name}_{i}" for i in range(len(stored))] if stored[0] is not values else [name]
        weights += map(onnx.numpy_helper.from_array, stored, names)
        if names != [name]:
            number, *scales = names
            turned = f"{number}_turned" if scales else name
            to = onnx.TensorProto.FLOAT
            turned_back.append(onnx.helper.make_node("Cast", [number], [turned], to=to))
            # Not DequantizeLinear, which the runtime would repeat for each picture.
            if scales:
                turned_back.append(onnx.helper.make_node("Mul", [turned, *scales], [name]))
    del model.graph.initializer[:]
    model.graph.initializer.extend(weights)
    nodes = [*turned_back, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    _forget_origins(model.graph)
    path.write_bytes(model.SerializeToString())


def _forget_origins(graph: "onnx.GraphProto") -> None:
    """Removes where in our code each step comes from, which no browser needs."""
    del graph.value_info[:]
    for node in graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
        for attribute in node.attribute:  # a step that holds two graphs chooses one of them
            if attribute.HasField("g"):
                _forget_origins(attribute.g)


def _fewer_bits(values: np.ndarray) -> list[np.ndarray]:
    """Returns values in half precision, or in eight bits with their scales, or as they are."""
    if values.dtype == np.float32:
        half = values.astype(np.float16)
        if (half.astype(np.float32) == values).all():
            return [half]
        if values.ndim > 1:
            eight, scale = in_eight_bits(torch.from_numpy(values.copy()))
            if (from_eight_bits(eight, scale).numpy() == values).all():
                return [eight.numpy(), scale.view(-1, *[1] * (values.ndim - 1)).numpy()]
    return [values]

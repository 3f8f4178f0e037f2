"""Writes a recogniser as one file that runs without this project: torch.export or ONNX."""

import io
import json
import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from operator import itemgetter
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asl.files import install_hint, written_whole
from asl.recognizer.graph import Answer
from asl.recognizer.recognizer import Recognizer
from asl.signs import ANSWERS, SIGNS

FORMATS = ("pt2", "onnx")
_OPSET = 18  # torch's own: to a later one it changes only what lies outside of `torch.cond`
VERSION = 1  # of the file's inputs, outputs and metadata
_EXAMPLE = (480, 640)  # pixels
_SIDES = (1, 1 << 15)  # pixels
_TRIED = ((480, 640), (400, 400), (37, 211), (1, 1))  # pixels
_TOLERANCE = {"confidence": 1e-3, "log_probs": 1e-3, "box": 0.1, "hand": 1e-3, "hands": 0.5}


def export_recognizer(
    recognizer: Recognizer, folder: str | os.PathLike, *, format: str = "pt2"
) -> Path:
    """Writes all steps from pixels to answers to one file, and checks that it answers as before.

    The file reads one upright RGB picture, ``pixels`` uint8 (H, W, 3) of any size, and gives the
    five outputs of `asl.recognizer.graph.Answer`. Its metadata say what is needed to tell people:

    - ``answers``: a JSON list of the names of ``confidence``'s entries; ``signs``: of
      ``log_probs``'
    - ``threshold``: below this confidence the answer is that no sign is recognised
    - ``temperature``: which the confidence is already calibrated with
    - ``version``: of all this, a whole number

    Args:
        recognizer: on the CPU.
        folder: made if it is missing. The file in it is ``recognizer.pt2`` or ``recognizer.onnx``.
        format: ``"pt2"``, read by `torch.export.load`, whose program gives a dict of the outputs,
            and the metadata as the extra file ``metadata.json``; or ``"onnx"``, which needs the
            extra "onnx".

    Returns:
        The file.

    Raises:
        ValueError: if the format is unknown.
        ImportError: if the extra is not installed. The message says how to install it.
        RuntimeError: if the file answers otherwise than the recogniser. What was there before
            stays.
    """
    if format not in FORMATS:
        raise ValueError(f"expected the format {' or '.join(FORMATS)}, found {format!r}")
    if format == "onnx" and any(find_spec(m) is None for m in ("onnxscript", "onnxruntime")):
        raise ImportError(f"writing ONNX needs more packages: {install_hint('onnx')}")
    metadata = {
        "answers": json.dumps(ANSWERS),
        "signs": json.dumps(SIGNS),
        "threshold": str(recognizer.threshold),
        "temperature": str(recognizer.temperature),
        "version": str(VERSION),
    }
    graph = recognizer.graph().eval()
    pixels = torch.zeros(*_EXAMPLE, 3, dtype=torch.uint8)
    height, width = (torch.export.Dim(name, min=_SIDES[0], max=_SIDES[1]) for name in "HW")
    sides = ({0: height, 1: width},)
    path = Path(folder) / f"recognizer.{format}"
    write = _write_pt2 if format == "pt2" else _write_onnx
    with written_whole(path) as draft:
        with torch.no_grad():  # tracing `torch.cond` would ask for gradients, and warn of them
            write(graph, pixels, sides, metadata, draft)
        _check_same(graph, read_exported(draft, format=format))
    return path


def read_exported(path: Path, *, format: str | None = None) -> Callable[[Tensor], Sequence[Tensor]]:
    """Reads a file that `export_recognizer` wrote, as a function: uint8 (H, W, 3) → `Answer`.

    Args:
        path: the file.
        format: of `FORMATS`. None goes by the file's name.
    """
    if (format or path.suffix[1:]) == "pt2":
        program = torch.export.load(path).module()
        return lambda pixels: itemgetter(*Answer._fields)(program(pixels))
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda pixels: [
        torch.from_numpy(answer) for answer in session.run(None, {"pixels": pixels.numpy()})
    ]


def _check_same(graph: nn.Module, exported: Callable[[Tensor], Sequence[Tensor]]) -> None:
    generator = torch.Generator().manual_seed(0)
    for sides in _TRIED:
        # Not a value of its own for each pixel: what a network makes of that hangs on the last bit.
        coarse = torch.rand(1, 3, *(-(-side // 8) for side in sides), generator=generator)
        pixels = (255 * F.interpolate(coarse, sides, mode="bilinear"))[0].permute(1, 2, 0).byte()
        with torch.inference_mode():
            expected, found = graph(pixels), exported(pixels)
        # As probabilities: what noise makes of the least probable signs means nothing.
        expected, found = (Answer(*a)._replace(log_probs=a[1].exp()) for a in (expected, found))
        for name, a, b in zip(Answer._fields, expected, found, strict=True):
            if a.shape != b.shape or not (a - b).abs().max() <= _TOLERANCE[name]:  # nor nan
                raise RuntimeError(
                    f"expected the exported file to answer a picture of {sides} pixels as the "
                    f"recogniser does, found {name} of {tuple(b.shape)} instead of "
                    f"{tuple(a.shape)}, or a difference of more than {_TOLERANCE[name]}"
                )


class _Named(nn.Module):
    """Gives a graph's answer as a dict: a file cannot hold our own kind of tuple."""

    def __init__(self, graph: nn.Module):
        super().__init__()
        self.recognizer = graph

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        return self.recognizer(pixels)._asdict()


# Both are made in memory first. On a full disk torch's own writers end the whole process.


def _write_pt2(
    graph: nn.Module, pixels: Tensor, sides: tuple, metadata: dict[str, str], path: Path
) -> None:
    program = torch.export.export(_Named(graph), (pixels,), dynamic_shapes=sides)
    content = io.BytesIO()
    torch.export.save(program, content, extra_files={"metadata.json": json.dumps(metadata)})
    path.write_bytes(content.getvalue())


def _write_onnx(
    graph: nn.Module, pixels: Tensor, sides: tuple, metadata: dict[str, str], path: Path
) -> None:
    program = torch.onnx.export(
        graph,
        (pixels,),
        dynamo=True,
        verbose=False,
        input_names=["pixels"],
        output_names=list(Answer._fields),
        dynamic_shapes=sides,
        opset_version=_OPSET,
    )
    assert program is not None  # as it is with dynamo=True
    program.model.metadata_props.update(metadata)
    path.write_bytes(program.model_proto.SerializeToString())

"""Writes a recogniser's networks as files that run without this project: torch.export or ONNX."""

import io
import os
from collections.abc import Callable
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from asl.decoding import normalize
from asl.files import install_hint, written_whole
from asl.recognizer.either_hand import find_either_hand, read_as_either_hand
from asl.recognizer.recognizer import Recognizer

FORMATS = ("pt2", "onnx")
_LARGEST_BATCH = 4096
_TOLERANCE = 1e-4  # of log-probabilities and boxes


def export_recognizer(
    recognizer: Recognizer, folder: str | os.PathLike, *, format: str = "pt2"
) -> list[Path]:
    """Writes the finder and the classifier to files, and checks that they answer as before.

    Both read any number N of RGB pictures, float (N, 3, S, S) from 0 to 1, and normalise them. The
    finder returns boxes (N, 3) and evidence (N,), the classifier log-probabilities (N, 36) over
    `asl.SIGNS`. Each answer is already the mean over a picture and its mirror image.
    `asl.recognizer.crops.crop` shows what to cut out in between, and `asl.Recognizer.confidence`
    how to turn the answers into probabilities.

    Args:
        recognizer: on the CPU.
        folder: made if it is missing.
        format: ``"pt2"``, read by `torch.export.load`, or ``"onnx"``, which needs the extra "onnx".

    Returns:
        The two files.

    Raises:
        ValueError: if the format is unknown.
        ImportError: if the extra is not installed. The message says how to install it.
        OSError: if a file cannot be written.
        RuntimeError: if a file's answers differ from the network's. After any error, both files are
            as they were before.
    """
    if format not in FORMATS:
        raise ValueError(f"expected the format {' or '.join(FORMATS)}, found {format!r}")
    if format == "onnx" and any(find_spec(m) is None for m in ("onnxscript", "onnxruntime")):
        raise ImportError(f"writing ONNX needs more packages: {install_hint('onnx')}")
    folder = Path(folder)
    paths = []
    sizes = (recognizer.finder.image_size, recognizer.image_size)
    readings = (("finder", find_either_hand), ("classifier", read_as_either_hand))
    write, read = (_write_pt2, _read_pt2) if format == "pt2" else (_write_onnx, _read_onnx)
    with ExitStack() as both:  # neither takes its name before both are written and checked
        for (name, answer), size in zip(readings, sizes, strict=True):
            network = _FromPixels(getattr(recognizer, name), answer).eval()
            paths.append(folder / f"{name}.{format}")
            draft = both.enter_context(written_whole(paths[-1]))
            write(network, torch.rand(2, 3, size, size), draft)
            _check_same(network, read(draft), size)
    return paths


class _FromPixels(nn.Module):
    """A network that reads pixels from 0 to 1 and answers as the recogniser uses it."""

    def __init__(self, network: nn.Module, answer: Callable):
        super().__init__()
        self.network, self.answer = network, answer

    def forward(self, pixels: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        return self.answer(self.network, normalize(255 * pixels))


def _check_same(network: nn.Module, exported, size: int) -> None:
    generator = torch.Generator().manual_seed(0)
    for count in (1, 3):
        pixels = torch.rand(count, 3, size, size, generator=generator)
        with torch.inference_mode():
            expected, found = _as_tuple(network(pixels)), _as_tuple(exported(pixels))
        for a, b in zip(expected, found, strict=True):
            if a.shape != b.shape or (a - b).abs().max() > _TOLERANCE:
                raise RuntimeError(
                    f"expected the exported network to answer {count} images as the network "
                    f"does, found {tuple(b.shape)} instead of {tuple(a.shape)}, or a difference "
                    f"of more than {_TOLERANCE}"
                )


def _as_tuple(answers) -> tuple[Tensor, ...]:
    return tuple(answers) if isinstance(answers, list | tuple) else (answers,)


# Both are made in memory first. On a full disk torch's own writers end the whole process.


def _write_pt2(network: nn.Module, example: Tensor, path: Path) -> None:
    batch = torch.export.Dim("batch", min=1, max=_LARGEST_BATCH)
    program = torch.export.export(network, (example,), dynamic_shapes=({0: batch},))
    content = io.BytesIO()
    torch.export.save(program, content)
    path.write_bytes(content.getvalue())


def _read_pt2(path: Path):
    return torch.export.load(path).module()


def _write_onnx(network: nn.Module, example: Tensor, path: Path) -> None:
    program = torch.onnx.export(
        network,
        (example,),
        dynamo=True,
        verbose=False,
        input_names=["pixels"],
        dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=_LARGEST_BATCH)},),
    )
    assert program is not None  # as it is with dynamo=True
    path.write_bytes(program.model_proto.SerializeToString())


def _read_onnx(path: Path):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda pixels: [
        torch.from_numpy(answer) for answer in session.run(None, {"pixels": pixels.numpy()})
    ]

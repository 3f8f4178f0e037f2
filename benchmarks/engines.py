"""Whether another engine runs the recogniser's graph faster than torch does, step by step.

    python benchmarks/engines.py --data asl_dataset --output results/engines.json

Each reads the same pictures on one thread, in turn: torch as the recogniser uses it; its networks
traced and frozen by TorchScript; its weights in channels-last order, as its maps already are; its
linear layers and convolutions of single pixels quantised to 8 bits, dynamically; the program that
`torch.export` makes; ONNX Runtime. The answers are compared, too. ONNX Runtime needs the extra
"onnx".
"""

import argparse
import copy
import json
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from timeit import default_timer as timer

import torch
from recognizer import hardware
from torch import Tensor, nn
from torch.ao.quantization import quantize_dynamic
from torch.nn import functional as F

import asl
from asl.files import write_text
from asl.recognizer.crops import to_pixels
from asl.recognizer.export import export_recognizer, read_exported
from asl.recognizer.graph import RecognizerGraph

TORCH, FROZEN, PROGRAM, ONNX = "torch", "networks frozen", "torch.export", "ONNX Runtime"
ORDERED, QUANTISED = "weights channels-last", "quantised layers"


def engines(recognizer: asl.Recognizer, folder: Path) -> dict[str, Callable[[Tensor], Sequence]]:
    """Returns each engine as a function: pixels uint8 (H, W, 3) → `asl.recognizer.graph.Answer`."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = export_recognizer(recognizer, folder, format="onnx")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return {
        TORCH: recognizer.graph().eval(),
        FROZEN: with_frozen_networks(recognizer.graph().eval()),
        ORDERED: copy.deepcopy(recognizer.graph()).eval().to(memory_format=torch.channels_last),
        QUANTISED: with_quantised_layers(recognizer.graph().eval()),
        PROGRAM: read_exported(export_recognizer(recognizer, folder)),
        ONNX: lambda pixels: [
            torch.from_numpy(answer) for answer in session.run(None, {"pixels": pixels.numpy()})
        ],
    }


def with_frozen_networks(graph: RecognizerGraph) -> RecognizerGraph:
    """Returns a copy whose networks' layers are traced, frozen and optimised."""
    graph = copy.deepcopy(graph)
    for part in graph.parameters():
        part.requires_grad_(False)

    def frozen(network: nn.Module | Callable, count: int, size: int) -> torch.jit.ScriptModule:
        example = torch.rand(count, 3, size, size)
        traced = torch.jit.trace(network, example, check_trace=False)
        return torch.jit.optimize_for_inference(torch.jit.freeze(traced.eval()))

    class Layers(nn.Module):
        """The part of a network that maps images to features, as a module to trace."""

        def __init__(self, network):
            super().__init__()
            self.network = network

        def forward(self, x: Tensor) -> Tensor:
            return self.network.features(x)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing takes sizes for fixed, which they are
        finder = frozen(graph.finder, 1, graph.finder.image_size)
        graph.finder.forward = finder.forward
        networks = [(graph.classifier, 2, graph.image_size)]
        if graph.joint_reader is not None:
            joints = graph.joint_reader.joints
            networks.append((joints, 1, joints.image_size))
        for network, count, size in networks:
            object.__setattr__(network, "features", frozen(Layers(network).eval(), count, size))
    return graph


class Pointwise(nn.Module):
    """A convolution of single pixels, and its ReLU6, as a linear layer on channels-last maps."""

    def __init__(self, of: nn.Conv2d):
        super().__init__()
        self.linear = nn.Linear(of.in_channels, of.out_channels, bias=of.bias is not None)
        self.linear.weight.data = of.weight.data.flatten(1)
        if of.bias is not None:
            self.linear.bias.data = of.bias.data
        self.relu = getattr(of, "relu", False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.linear(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return F.relu6(y) if self.relu else y


def with_quantised_layers(graph: RecognizerGraph) -> RecognizerGraph:
    """Returns a copy whose linear layers and convolutions of single pixels have 8-bit weights.

    What comes in is quantised as it comes. torch can do so with linear layers only.
    """
    graph = copy.deepcopy(graph)
    for module in list(graph.modules()):
        for name, layer in list(module.named_children()):
            if isinstance(layer, nn.Conv2d) and layer.kernel_size == layer.stride == (1, 1):
                setattr(module, name, Pointwise(layer))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it moves to a package of its own, torchao
        return quantize_dynamic(graph, {nn.Linear})


@torch.inference_mode()
def compared(recognizer: asl.Recognizer, files: Sequence[str], rounds: int) -> dict[str, dict]:
    """Returns of each engine the milliseconds a picture, and how far its answers are from torch's.

    Times are [median, least, most] of the rounds, and do not hold the decoding of files.
    """
    pictures = [to_pixels(file) for file in files]
    with tempfile.TemporaryDirectory() as folder:
        found = engines(recognizer, Path(folder))
        answers = {name: [run(p)[0] for p in pictures] for name, run in found.items()}
        times: dict[str, list[float]] = {name: [] for name in found}
        for turn in range(rounds):
            for name in list(found)[:: 1 if turn % 2 == 0 else -1]:  # none always comes first
                start = timer()
                for picture in pictures:
                    found[name](picture)
                times[name].append(1000 * (timer() - start) / len(pictures))
    return {
        name: {
            "ms": [round(of(times[name]), 1) for of in (median, min, max)],
            "time / torch's": round(median(times[name]) / median(times[TORCH]), 2),
            "largest difference of a confidence": float(
                max((a - b).abs().max() for a, b in zip(answers[TORCH], answers[name], strict=True))
            ),
        }
        for name in found
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="real images (default: as asl.find_dataset)")
    parser.add_argument("--pictures", type=int, default=20, help="(default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=15, help="(default: %(default)s)")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    torch.set_num_threads(1)
    files = asl.ASLDataset(asl.find_dataset(options.data), image_size=8).image_files
    result = {
        "setting": {
            "command": f"python benchmarks/engines.py --output {options.output.as_posix()}",
            "pictures": options.pictures,
            "torch": torch.__version__,
            "hardware": hardware(),
        },
        "engines": compared(
            asl.Recognizer.load(), files[:: len(files) // options.pictures], options.rounds
        ),
    }
    write_text(options.output, json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["engines"], indent=1))


if __name__ == "__main__":
    main()

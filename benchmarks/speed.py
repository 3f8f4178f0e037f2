"""Times this project against the same work done as in the notebook we were given.

The work: load the images, train both models for ten epochs, then predict the test part as often as
the notebook does (two confusion matrices, two models for the accuracy on each sign). "As asked"
decodes every image again whenever it is needed, calls the extractor once for each colour channel,
and feeds a DataLoader of PIL images.

    python benchmarks/speed.py --output results/speed.json

The sides take turns, each in a process of its own. So a machine whose speed drifts slows both, and
neither side finds the libraries warmed up by the other. Importing them is not timed.
"""

import argparse
import contextlib
import io
import json
import platform
import subprocess
import sys
from pathlib import Path
from statistics import median
from timeit import default_timer as timer

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

import asl
from asl.decoding import IMAGENET_MEAN, IMAGENET_STD
from asl.files import write_text


class ThreeCalls(asl.ASLNet):
    """The CNN with one extractor call per colour channel."""

    def forward(self, x):
        features = self.shared(
            torch.cat([self.feature_extract(x[:, c : c + 1]).flatten(1) for c in range(3)], dim=1)
        )
        gate = self.attention(features).mean(dim=1, keepdim=True)
        return F.log_softmax(self.classifier(features * gate), dim=1)


def train_as_asked(model: nn.Module, train: Dataset, test: Dataset, epochs: int) -> float:
    train_loader = DataLoader(train, batch_size=64, shuffle=True)
    test_loader = DataLoader(test, batch_size=64)
    optimizer = optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    scheduler = optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=1e-3, total_steps=epochs * len(train_loader)
    )
    for _ in range(epochs):
        model.train()
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.nll_loss(model(images), labels).backward()
            optimizer.step()
            scheduler.step()
        correct = count_correct(model, test_loader)
    return 100 * correct / len(test)


@torch.no_grad()
def count_correct(model: nn.Module, loader: DataLoader) -> int:
    model.eval()
    return sum(int((model(images).argmax(1) == labels).sum()) for images, labels in loader)


def as_asked(data: str, epochs: int) -> dict[str, float]:
    transform = transforms.Compose(
        [
            transforms.Resize((28, 28)),
            transforms.ToTensor(),
            transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD),
        ]
    )
    # The project's own class lists the files; only reading an item, as asked, is timed below.
    dataset = asl.ASLDataset(data, transform, progress=False)
    start = timer()
    generator = torch.Generator().manual_seed(0)
    train_size = int(0.8 * len(dataset))
    sizes = [train_size, len(dataset) - train_size]
    train, test = torch.utils.data.random_split(dataset, sizes, generator=generator)
    accuracies = {}
    for name, model in (("MLP", asl.create_sequential_model()), ("CNN", ThreeCalls())):
        accuracies[name] = train_as_asked(model, train, test, epochs)
        for _ in range(2):
            count_correct(model, DataLoader(test, batch_size=64))
    return {"seconds": timer() - start, **accuracies}


def ours(data: str, epochs: int) -> dict[str, float]:
    start = timer()
    with contextlib.redirect_stdout(io.StringIO()):
        # Decoding is part of the work; later runs must not find what an earlier one has kept.
        train, test = asl.load_asl_data(data, cache=False, progress=False)
    accuracies = {}
    for name, model in (("MLP", asl.create_sequential_model()), ("CNN", asl.ASLNet())):
        metrics = asl.train_model(model, train, test, epochs, progress=False, device="cpu")
        accuracies[name] = metrics["test_accuracies"][-1]
        for _ in range(2):
            asl.predict_log_probs(model, DataLoader(test, batch_size=64))
    return {"seconds": timer() - start, **accuracies}


SIDES = {"as asked": as_asked, "ours": ours}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="dataset folder (default: as asl.find_dataset)")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", choices=SIDES, help="time one side once, print JSON")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the figures here")
    arguments = parser.parse_args()
    if arguments.side:
        torch.manual_seed(0)
        print(json.dumps(SIDES[arguments.side](arguments.data, arguments.epochs)))
        return

    data = str(asl.find_dataset(arguments.data))
    print(
        f"CPU, {torch.get_num_threads()} threads, {platform.machine()}, torch {torch.__version__}"
    )
    command = [sys.executable, __file__, "--data", data, "--epochs", str(arguments.epochs)]
    seconds: dict[str, list[float]] = {name: [] for name in SIDES}
    for repeat in range(1, arguments.repeats + 1):
        for name in SIDES:
            run = subprocess.run([*command, "--side", name], stdout=subprocess.PIPE, check=True)
            result = json.loads(run.stdout)
            seconds[name].append(result["seconds"])
            print(
                f"run {repeat}  {name:<8}  {result['seconds']:7.1f} s   "
                f"test accuracy: MLP {result['MLP']:.1f} %, CNN {result['CNN']:.1f} %",
                flush=True,
            )
    ratios = [a / b for a, b in zip(seconds["as asked"], seconds["ours"], strict=True)]
    for name, values in seconds.items():
        print(f"{name:<8}  median {median(values):7.1f} s")
    print(f"ratio     median {median(ratios):.1f}, {min(ratios):.1f} to {max(ratios):.1f}")
    if arguments.output is not None:
        result = {
            "setting": {
                "command": f"python benchmarks/speed.py --output {arguments.output.as_posix()}",
                "epochs": arguments.epochs,
                "repeats": arguments.repeats,
                "hardware": f"{torch.get_num_threads()} CPU threads, {platform.machine()}",
                "torch": torch.__version__,
            },
            "seconds": {
                side: [round(value, 1) for value in values] for side, values in seconds.items()
            },
            "ratio": {"median": round(median(ratios), 1), "runs": [round(r, 1) for r in ratios]},
        }
        write_text(arguments.output, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()

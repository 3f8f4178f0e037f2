"""No step of a training waits for the GPU: told on a machine that has none."""

import pytest
import torch
from pretended_gpu import GPU, pretended_gpu
from torch.utils.data import Subset

import asl
from asl.processes.group import ALONE, Processes
from asl.recognizer.found_joints import FoundJoints
from asl.recognizer.joint_reader import JointReader
from asl.recognizer.recipe import Recipe
from asl.recognizer.train_finder import train_finder
from asl.recognizer.train_joints import train_joint_reader
from asl.recognizer.train_reader import HandPhotographs, train_reader

pytestmark = pytest.mark.skipif(
    torch.cuda.is_available(), reason="pretends a GPU, and here is a real one"
)
QUIET = {"device": GPU, "progress": False}


@pytest.fixture
def hands(write_images):
    return Subset(asl.ASLDataset(write_images(), image_size=32), range(20))


@pytest.fixture
def backgrounds():
    return torch.randint(0, 256, (3, 3, 40, 40), generator=torch.Generator().manual_seed(0)).byte()


@pytest.mark.parametrize(
    ("wait", "what"),
    [
        (lambda x: x.sum().item(), "_local_scalar_dense"),
        (lambda x: bool(x.all()), "_local_scalar_dense"),
        (lambda x: x.nonzero(), "nonzero"),
        (lambda x: x[x > 0], "index"),
        (lambda x: x.cpu(), "copied to the host"),
        (lambda x: torch.zeros(5).copy_(x), "copied to the host"),
        (lambda x: torch.zeros(5).to(GPU), "copied from the host"),
        (lambda x: torch.zeros(5000).to(GPU, non_blocking=True), "copied from the host"),
        (lambda x: torch.tensor([1.0], device=GPU), "copied from the host"),
        (lambda x: x.copy_(torch.zeros(5)), "copied from the host"),
        (lambda x: x[torch.tensor([1])], "copied from the host for index"),
        (lambda x: x[torch.tensor([1]).to(GPU, non_blocking=True)] * 2 + x.mean(), None),
    ],
)
def test_what_waits_is_noted(wait, what):
    with pretended_gpu() as noted:
        x = torch.ones(5, device=GPU)
        wait(x)
        assert x.device == GPU
    assert noted == ([] if what is None else [what])


def steps_of(train):
    """Trains on the GPU; returns what was noted from the first step of an epoch to its last."""
    with pretended_gpu() as noted:
        train()
    first, last = noted.index("step"), len(noted) - noted[::-1].index("step")
    assert "_local_scalar_dense" in noted[last:]  # the epoch's losses are told
    return noted[first:last]


in_processes = pytest.mark.parametrize("processes", [ALONE, Processes()], ids=["alone", "exact"])


@in_processes
@pytest.mark.parametrize("changed", [None, asl.augment], ids=["plain", "changed"])
@pytest.mark.parametrize("make", [asl.create_sequential_model, asl.ASLNet])
def test_of_a_model(make, changed, processes, hands):
    model = make(image_size=32)
    options = {"batch_size": 4, "seed": 0, "augment": changed, "processes": processes} | QUIET
    assert steps_of(lambda: asl.train_model(model, hands, None, 1, **options)) == ["step"] * 5


@in_processes
def test_of_a_finder(processes, hands, backgrounds):
    finder, recipe = asl.HandFinder(image_size=32), Recipe(image_size=32, finder_epochs=1)
    options = {"backgrounds": backgrounds, "batch_size": 4, "processes": processes} | QUIET
    assert steps_of(lambda: train_finder(finder, hands, recipe, **options)) == ["step"] * 5


@in_processes
def test_of_a_reader_of_crops(processes, hands, backgrounds):
    images = torch.randint(0, 256, (10, 3, 168, 168)).byte()
    photographs = HandPhotographs(images, torch.arange(10))
    recipe = Recipe(image_size=32, epochs=1, photograph_repeats=2)
    reader = asl.ASLMobileNet(image_size=32)
    options = {"batch_size": 8, "processes": processes} | QUIET

    def train():
        train_reader(reader, hands, [photographs], backgrounds, recipe, **options)

    assert steps_of(train) == ["step"] * 5


def test_of_a_reader_of_joints():
    labels = torch.arange(300) % 3
    features = torch.rand(20, 672)
    found = FoundJoints(torch.randn(300, 2, 21, 3), labels, labels, features, torch.randn(20, 5))
    reader = JointReader(672)

    def train():
        recipe = Recipe(image_size=32, joint_epochs=1)
        train_joint_reader(reader.to(GPU), [found], recipe, **QUIET)

    assert steps_of(train) == ["step"] * 3

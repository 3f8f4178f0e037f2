"""Nothing but `find_dataset` opens a connection, and that only where no images are found."""

import os
import subprocess
import sys

import pytest

# Tells every connection and every name that is looked up, and lets none through.
WATCHED = """
import socket
tried = []
def refuse(name):
    def refused(*arguments, **options):
        tried.append((name, str(arguments[1] if name.startswith("connect") else arguments[0])))
        raise OSError("no network here")
    return refused
for name in ("connect", "connect_ex"):
    setattr(socket.socket, name, refuse(name))
for name in ("getaddrinfo", "gethostbyname", "create_connection"):
    setattr(socket, name, refuse(name))
"""
WALK = """
import contextlib, io, sys, warnings
import matplotlib
matplotlib.use("Agg")
import torch
import asl
from asl.__main__ import main
warnings.simplefilter("ignore")
torch.set_num_threads(1)
whole = asl.ASLDataset(asl.unpack_stand_in(), progress=False)
some = torch.utils.data.Subset(whole, range(0, len(whole), 30))
model = asl.create_sequential_model()
metrics = asl.train_model(model, some, some, 1, checkpoint="checkpoint", progress=False)
asl.save_model(model, "model")
asl.predict(asl.load_model("model"), whole.image_files[0])
recognizer = asl.Recognizer.load()
recognizer(whole.image_files[0])
recognizer.save("recognizer")
asl.cross_validate(asl.NearestNeighbour, whole, resume_dir="folds", progress=False).scores()
asl.visualize_data_samples(torch.utils.data.DataLoader(some, batch_size=12), some)
asl.plot_training_metrics({"MLP": metrics})
for command in (["--help"], ["predict", whole.image_files[0]], ["--version"]):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        main(command)
print("tried", tried)
"""
SEARCH = """
from pathlib import Path
import asl, asl.sources
asl.sources.CHECKOUT = Path.cwd()  # where nobody has put images
asl.find_dataset()
print("tried", tried)
"""


@pytest.fixture
def tried(tmp_path):
    """Runs code in a process that cannot reach anything; returns what it tried and printed."""

    def run(code, **environment):
        ours = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        ours |= {"XDG_CACHE_HOME": str(tmp_path / "cache")} | environment
        done = subprocess.run(
            [sys.executable, "-c", WATCHED + code],
            cwd=tmp_path,
            env=ours,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        printed, found = done.stdout.rsplit("tried ", 1)
        return eval(found), printed

    return run


def test_training_reading_recognising_and_drawing_open_no_connection(tried):
    assert tried(WALK)[0] == []


def test_the_watch_notices_a_connection(tried):
    found, _ = tried(
        "import contextlib, urllib.request\n"
        "with contextlib.suppress(OSError):\n"
        "    urllib.request.urlopen('http://example.org')\n"
        "print('tried', tried)"
    )
    assert found and "example.org" in str(found)


def test_the_search_for_images_asks_kaggle_only_and_then_takes_the_stand_in(tried, tmp_path):
    found, printed = tried(SEARCH, ASL_DATA_DIR="", KAGGLEHUB_CACHE=str(tmp_path / "kaggle"))
    assert found and all(host.endswith(".kaggle.com") for _, host in found)
    assert "a stand-in" in printed

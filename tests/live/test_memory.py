"""A page that reads frames for hours does not fill the memory: `benchmarks/live.py` takes one."""

import gc
import os
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

FRAMES = 150  # of 0.4 MB each: 60 MB, were they kept
STATUS = Path("/proc/self/statm")


@pytest.fixture
def picture():
    """A frame that compresses badly."""
    pixels = np.random.default_rng(0).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    content = BytesIO()
    Image.fromarray(pixels).save(content, "JPEG", quality=95)
    assert len(content.getvalue()) > 300_000
    return content.getvalue()


def held():
    """Returns what this process holds: objects that may hold others, tensors, and MB."""
    gc.collect()
    objects = gc.get_objects()
    tensors = sum(issubclass(type(found), torch.Tensor) for found in objects)
    pages = int(STATUS.read_text().split()[1]) if STATUS.exists() else 0
    return len(objects), tensors, pages * os.sysconf("SC_PAGE_SIZE") / 1e6 if pages else 0


@pytest.mark.skipif(sys.gettrace() is not None, reason="coverage keeps some of every thread")
@pytest.mark.parametrize("path", ["frame", "teach/a"])
def test_frames_leave_nothing_behind(path, server, ask, picture):
    graph = server.session._graph
    server.session._graph = lambda pixels: graph(pixels)._replace(hand=torch.tensor(0.9))

    def read(times):
        for _ in range(times):
            assert ask("POST", path, picture, Content_Type="image/jpeg")[0] == 200

    read(30)  # what is kept between frames, such as the last shots of a sign, is there then
    before = held()
    read(FRAMES)
    objects, tensors, memory = (after - of for after, of in zip(held(), before, strict=True))
    assert objects < FRAMES / 2 and tensors == 0  # not one each
    assert memory < 20  # MB, of which some is only kept to be used again

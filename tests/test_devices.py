"""Where networks compute."""

import pytest
import torch

from asl import default_device
from asl.devices import fast_in_bfloat16


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_device_choice(cuda, mps, expected, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert default_device().type == expected


@pytest.mark.parametrize("tiles", [True, False])
def test_a_cpu_is_fast_in_bfloat16_if_it_has_tiles_for_it(tiles, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: tiles)
    assert fast_in_bfloat16(torch.device("cpu")) == tiles
    assert not fast_in_bfloat16(torch.device("mps"))

"""What is written in fewer bits, and what comes back."""

import torch

from asl.recognizer.stored_weights import as_stored, as_used, has_eight_bits


def weights():
    generator = torch.Generator().manual_seed(0)
    sizes = torch.logspace(-6, 3, 40).view(40, 1, 1, 1)  # each slice as large as it likes
    drawn = torch.randn(40, 30, 1, 1, generator=generator) * sizes
    drawn[7] = 0
    return {"a": drawn, "b": torch.randn(5, generator=generator), "c": torch.arange(3)}


def test_eight_bits_are_off_by_half_a_step_at_most():
    given = weights()
    stored = as_stored(given, halves=["b"], bytes_=["a"])
    assert {name: tensor.dtype for name, tensor in stored.items()} == {
        "a": torch.int8,
        "a.scale": torch.float32,
        "b": torch.float16,
        "c": torch.int64,
    }
    used = as_used(stored)
    assert used.keys() == given.keys()
    step = given["a"].abs().amax(dim=1, keepdim=True) / 127
    assert ((used["a"] - given["a"]).abs() <= 0.503 * step).all()
    assert (used["a"][7] == 0).all()


def test_what_was_read_is_stored_in_the_same_bits():
    stored = as_stored(weights(), bytes_=["a"])
    again = as_stored(as_used(stored), bytes_=["a"])
    assert all(torch.equal(stored[name], again[name]) for name in stored)


def test_files_of_before_have_no_scales():
    assert has_eight_bits(as_stored(weights(), bytes_=["a"]))
    assert not has_eight_bits(as_stored(weights(), halves=["a"]))

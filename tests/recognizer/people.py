"""People whose answers are made up."""

import torch

from asl import SIGNS
from asl.recognizer.teaching_prior import Person


def person(name, seed, *, kind="source", signs=SIGNS[10:20], habit=3.0, count=10):
    """Answers to somebody whose signs are misread in a way of their own; stretches of five."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.tensor([SIGNS.index(s) for s in signs]).repeat_interleave(count)
    own = habit * torch.rand(36, 36, generator=generator)
    logits = 4 * torch.eye(36)[labels] + own[labels]
    logits += 0.3 * torch.randn(len(labels), 36, generator=generator)
    stretches = [i // 5 for i in range(len(labels))]
    return Person(name, logits.log_softmax(dim=1), labels, stretches, kind)

import pytest
import torch

from asl import ASLDataset, HandFinder, Recognizer


@pytest.fixture
def real(people):
    """Sixty images of three signers and two signs."""
    return ASLDataset(people, image_size=32, progress=False)


@pytest.fixture
def photographs():
    return torch.randint(0, 256, (3, 3, 40, 40), generator=torch.Generator().manual_seed(0)).byte()


@pytest.fixture(scope="session")
def make_recognizer():
    """Makes untrained recognisers, whose finders look at small pictures and are fast."""

    def make(seed=0, architecture="mobile", *, view=32, joint_reader=False):
        torch.manual_seed(seed)
        recognizer = Recognizer.create(architecture, image_size=32, joint_reader=joint_reader)
        recognizer.finder = HandFinder(image_size=view).eval()
        if recognizer.joint_reader is not None:
            # Joints of a hand: those of random weights lie nearly in one point, and a place that is
            # found from such a hand tells rounding errors apart.
            last = recognizer.joint_reader.joints.last
            hand = torch.tensor([[96.0 + 8 * (i % 5), 150.0 - 4 * i, 0.0] for i in range(21)])
            last["points"].bias.data.copy_(hand.flatten())
            for name in ("points", "world"):
                last[name].weight.data.mul_(0.1)
        return recognizer

    return make


@pytest.fixture
def unseen(make_recognizer):
    """Untrained recognisers that claim not to have seen one signer each."""
    made = []
    for signer in (1, 2, 3):
        recognizer = make_recognizer(signer)
        recognizer.facts = {"left_out": [signer]}
        made.append(recognizer)
    return made

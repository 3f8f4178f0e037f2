"""The skin of rendered people."""

import numpy as np
import pytest

from asl.rendering.signers import make_signer
from asl.rendering.skin import skin_of


@pytest.fixture(autouse=True)
def render():
    pytest.importorskip("anny", reason="needs the extra: pip install -e .[render]")


def test_backs_of_hands_cover_the_range_of_tones_and_palms_differ_less():
    def brightness(tone):
        skin = skin_of(make_signer(1, tone=tone))
        back, palm = skin.palmar < 0.1, skin.palmar > 0.9
        return skin.albedo[back].mean(), skin.albedo[palm].mean()

    backs, palms = np.array([brightness(tone) for tone in range(1, 11)]).T
    assert backs[0] > 8 * backs[-1] and palms[0] < 5 * palms[-1]
    assert backs[-1] < palms[-1]  # palms of dark hands are light
    assert (np.diff(backs[3:]) < 0).all()


def test_nails_are_few_and_on_the_backs_of_fingers():
    skin = skin_of(make_signer(1))
    nails = skin.nail > 0
    assert 10 < nails.sum() < 0.1 * len(nails)
    assert skin.palmar[nails].max() < 0.5 and skin.along[nails].min() > 2


def test_a_signers_skin_is_always_the_same():
    first, again, other = (skin_of(make_signer(seed, tone=5)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.albedo, again.albedo)
    assert not np.array_equal(first.albedo, other.albedo)

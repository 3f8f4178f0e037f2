import pytest
import torch

from asl import apply_temperature, fit_temperature, reliability, selective_accuracy
from asl.evaluation.calibration import fit_evidence


def two_way(confidence, right):
    """Log-probabilities over two classes whose answers have these confidences, and labels."""
    confidence = torch.tensor(confidence)
    return torch.stack([confidence, 1 - confidence], dim=1).log(), 1 - torch.tensor(right).long()


def test_bins_hold_confidence_and_accuracy_and_empty_ones_are_nan():
    found = reliability(*two_way([0.6, 0.7, 0.9, 1.0], [1, 0, 1, 1]), bins=4)
    assert found.counts.tolist() == [0, 0, 2, 2]
    torch.testing.assert_close(found.confidence[2:], torch.tensor([0.65, 0.95]).double())
    torch.testing.assert_close(found.accuracy[2:], torch.tensor([0.5, 1.0]).double())
    assert found.accuracy[:2].isnan().all()
    assert found.error == pytest.approx(0.5 * 0.15 + 0.5 * 0.05)


def test_the_temperature_undoes_overconfidence():
    generator = torch.Generator().manual_seed(0)
    honest = torch.log_softmax(2 * torch.randn(20_000, 5, generator=generator), dim=1)
    labels = torch.multinomial(honest.exp(), 1, generator=generator).flatten()
    boasting = apply_temperature(honest, 0.4)
    assert fit_temperature(boasting, labels) == pytest.approx(1 / 0.4, rel=0.03)
    assert fit_temperature(honest, labels) == pytest.approx(1, rel=0.03)
    calibrated = apply_temperature(boasting, fit_temperature(boasting, labels))
    assert reliability(calibrated, labels).error < 0.015 < 0.1 < reliability(boasting, labels).error
    assert calibrated.argmax(dim=1).equal(honest.argmax(dim=1))


def test_an_impossible_label_does_not_decide_the_temperature():
    log_probs, labels = two_way([1.0] + [0.9] * 10_000, [0] + ([1] * 9 + [0]) * 1000)
    assert log_probs.isinf().any()
    assert fit_temperature(log_probs, labels) == pytest.approx(1, abs=0.2)


def test_temperature_out_of_range():
    with pytest.raises(ValueError, match="above 0, found 0"):
        apply_temperature(torch.zeros(1, 2), 0)


def test_selective_accuracy_answers_the_most_confident_first():
    share, accuracy = selective_accuracy(*two_way([0.6, 0.9, 0.8, 0.7], [0, 1, 1, 0]))
    assert share.tolist() == [0.25, 0.5, 0.75, 1]
    assert accuracy.tolist() == pytest.approx([1, 1, 2 / 3, 0.5])


@pytest.mark.parametrize("function", [reliability, fit_temperature, selective_accuracy])
def test_probabilities_that_do_not_sum_to_one(function):
    with pytest.raises(ValueError, match="found a sum of 2 for image 0"):
        function(torch.zeros(1, 2), torch.tensor([0]))


def test_no_bins_are_refused():
    with pytest.raises(ValueError, match="at least 1 bin, found 0"):
        reliability(torch.zeros(1, 36).log_softmax(1), torch.tensor([0]), bins=0)


def test_evidence_becomes_the_log_odds_of_a_hand():
    generator = torch.Generator().manual_seed(0)
    odds = 3 * torch.randn(20_000, generator=generator)
    shown = torch.rand(20_000, generator=generator) < odds.sigmoid()
    evidence = (odds - 0.5) / 2  # what a network says that is not calibrated
    scale, shift = fit_evidence(evidence[shown], evidence[~shown])
    assert scale == pytest.approx(2, rel=0.05) and shift == pytest.approx(0.5, abs=0.1)
    scale, shift = fit_evidence(torch.ones(5), -torch.ones(5))  # wholly apart
    assert 1 < scale < 100 and abs(shift) < 1


def test_evidence_that_tells_no_hands_is_refused():
    more, less = torch.linspace(0, 3, 50), torch.linspace(-1, 2, 50)
    assert fit_evidence(more, less)[0] > 0
    for hands, nothing in ((less, more), (more.new_full((5,), torch.nan), less)):
        with pytest.raises(ValueError, match="expected more evidence of a hand in pictures of ha"):
            fit_evidence(hands, nothing)

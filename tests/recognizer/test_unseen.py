import pytest
import torch

from asl.recognizer.unseen import (
    answer_unseen,
    answer_unseen_source,
    pictures_without_hands,
    trained_with,
    trained_without,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")


def test_each_signer_is_answered_by_who_has_not_seen_them(real, unseen, photographs):
    answers = answer_unseen(unseen, real)
    assert sorted(answers.indices) == list(range(60))
    assert answers.log_probs.shape == (60, 36) and answers.evidence.shape == (60,)
    for i in (0, 25, 59):
        index = answers.indices[i]
        (own,) = (r for r in unseen if r.facts["left_out"] == [real.signers[index]])
        expected = own.raw_answers([real.image_files[index]])[0][0]
        torch.testing.assert_close(answers.log_probs[i], expected)
    scores = answers.scores(real)
    assert scores["images"] == 60 and set(scores["shapes_33"]["per_signer"]) == {"1", "2", "3"}
    assert sorted(answer_unseen(unseen[1:], real).indices) == [
        i for i, s in enumerate(real.signers) if s != 1
    ]
    elsewhere = answer_unseen(unseen, real, photographs)
    assert elsewhere.indices == answers.indices
    assert not torch.allclose(elsewhere.log_probs, answers.log_probs)
    torch.testing.assert_close(
        elsewhere.log_probs, answer_unseen(unseen, real, photographs).log_probs
    )


def test_who_has_seen_everybody_cannot_answer(real, unseen, make_recognizer):
    nobody, stranger = make_recognizer(), make_recognizer()
    stranger.facts = {"left_out": [7]}
    for wrong in ([], [nobody], [unseen[0], unseen[0]], [stranger]):
        with pytest.raises(ValueError, match="without different signers of the images, found sign"):
            answer_unseen(wrong, real)
    # Beside others it is passed over. It may be the one that has not seen some photographs.
    answers = answer_unseen([nobody, *unseen, stranger], real)
    assert answers.indices == answer_unseen(unseen, real).indices


def test_photographs_are_answered_by_who_was_not_trained_with_their_source(real, unseen):
    trained_with = (["one", "two"], ["two"], ["one", "three"])
    for recognizer, sources in zip(unseen, trained_with, strict=True):
        recognizer.facts["photographs"] = dict.fromkeys(sources, 60)
    log_probs, evidence = answer_unseen_source(unseen, "one", real)
    expected = unseen[1].raw_answers(real.image_files)
    torch.testing.assert_close((log_probs, evidence), expected)
    # Of two, the one that was trained with more sources: it is more like the one that ships.
    log_probs, _ = answer_unseen_source(unseen[1:], "three", real)
    torch.testing.assert_close(log_probs, expected[0])
    log_probs, _ = answer_unseen_source(unseen, "three", real)
    torch.testing.assert_close(log_probs, unseen[0].raw_answers(real.image_files)[0])
    with pytest.raises(ValueError, match="without the photographs 'two', found that all of 2"):
        answer_unseen_source(unseen[:2], "two", real)


def test_who_was_trained_with_no_photographs_has_seen_none(real, unseen):
    log_probs, evidence = answer_unseen_source(unseen[:1], "any", real)
    assert log_probs.shape == (60, 36) and evidence.shape == (60,)


def test_pictures_without_hands_are_the_same_every_time(photographs):
    pictures = pictures_without_hands(photographs, count=4)
    assert [tuple(p.shape) for p in pictures] == [(3, 128, 128)] * 4
    assert all(p.dtype == torch.uint8 for p in pictures)
    again = pictures_without_hands(photographs, count=4)
    assert all(a.equal(b) for a, b in zip(pictures, again, strict=True))


def test_what_recognisers_say_of_their_training_is_checked(make_recognizer):
    recognizer = make_recognizer()
    assert trained_without(recognizer) == [] and trained_with(recognizer) == []
    recognizer.facts = {"left_out": [1, "Ada"], "photographs": {"one": 60}}
    assert trained_without(recognizer) == [1, "Ada"] and trained_with(recognizer) == ["one"]
    for wrong in (5, "15", None, [[1]], [True], [None], {"1": 2}):
        recognizer.facts["left_out"] = wrong
        with pytest.raises(ValueError, match="left_out as a list of signers, found "):
            trained_without(recognizer)
    for wrong in (5, "one", None, ["one"]):
        recognizer.facts["photographs"] = wrong
        with pytest.raises(ValueError, match="photographs as a dict of sources, found "):
            trained_with(recognizer)

import threading

import pytest
import torch

from asl import SIGNS, Recognizer
from asl.live.session import Busy, Session


@pytest.fixture
def session(recognizer):
    made = Session(recognizer)
    made._graph = sure_of_a_hand(made._graph)
    yield made
    made.close()


def sure_of_a_hand(graph, hand=0.9):
    return lambda pixels: graph(pixels)._replace(hand=torch.tensor(hand))


def test_it_answers_as_the_recogniser(recognizer, jpeg, tmp_path):
    session = Session(recognizer)
    path = tmp_path / "frame.jpeg"
    path.write_bytes(jpeg(320, 190, (90, 60, 40)))
    answer = session.read(path.read_bytes())
    session.close()
    (sight,) = recognizer.look([path])
    torch.testing.assert_close(torch.tensor(answer["log_probs"]), sight.log_probs)
    assert answer["hand"] == pytest.approx(sight.hand, abs=1e-5)
    expected = recognizer.confidence(sight.log_probs[None], torch.tensor([sight.hand]).logit())[0]
    assert answer["confidence"] == pytest.approx(expected.tolist(), abs=1e-5)


def test_the_page_is_told_what_it_must_know(session):
    facts = session.facts()
    assert facts["engine"] == "server" and facts["threshold"] == 0.25
    assert facts["signs"] == list(SIGNS) and len(facts["answers"]) == 32
    assert facts["taught"] == {} and "lesson" not in facts


def test_what_it_is_taught_counts_at_once_and_can_be_forgotten(session, jpeg):
    picture = jpeg()
    before = session.read(picture)["confidence"]
    for sign, shots in (("t", 1), ("t", 2), ("a", 1)):
        answer = session.teach(sign, picture)
        assert answer["taught"][sign] == shots and answer["width"] == 64
    taught = session.read(picture)["confidence"]
    assert taught != before and session.taught() == {"taught": {"a": 1, "t": 2}}
    assert session.forget("a") == {"taught": {"t": 2}}
    assert session.forget() == {"taught": {}}
    assert session.read(picture)["confidence"] == before


def test_of_many_shots_the_last_dozen_counts(session, jpeg):
    for _ in range(15):
        session.teach("a", jpeg())
    assert session.taught() == {"taught": {"a": 12}}


def test_where_no_hand_is_seen_nothing_is_taught(session, jpeg):
    session._graph = sure_of_a_hand(session._graph, hand=0.4)
    assert session.teach("a", jpeg())["taught"] == {}
    with pytest.raises(ValueError, match="a sign that was taught, found none yet"):
        session.hand_file()


@pytest.mark.parametrize("sign", ["", "A", "ab", "x" * 1000])
def test_what_is_no_sign_is_neither_taught_nor_forgotten(sign, session, jpeg):
    for refuse in (lambda: session.teach(sign, jpeg()), lambda: session.forget(sign)):
        with pytest.raises(ValueError, match="expected a sign of 0-9, a-z, found '"):
            refuse()


def test_the_file_of_a_hand_is_used_again(session, recognizer, jpeg, tmp_path):
    session.teach("a", jpeg())
    path = tmp_path / "my_hand.safetensors"
    path.write_bytes(session.hand_file())
    recognizer.save(tmp_path / "weights")
    saved = Recognizer.load(tmp_path / "weights")
    path.write_bytes(_file_of(Session(saved), jpeg))
    again = Session(Recognizer.load(tmp_path / "weights", hand=path))
    assert again.taught() == {"taught": {"a": 1}}
    assert again.forget("a") == {"taught": {}}
    again.close()


def _file_of(session, jpeg):
    session._graph = sure_of_a_hand(session._graph)
    session.teach("a", jpeg())
    session.close()
    return session.hand_file()


def test_numbers_that_are_none_do_not_become_a_letter(session, jpeg):
    graph = session._graph
    session._graph = lambda pixels: [field * torch.nan for field in graph(pixels)]
    answer = session.read(jpeg())
    assert answer["confidence"] == [0.0] * 32 and answer["box"] == [0.0] * 4


def test_more_than_a_few_waiting_frames_are_refused(session, jpeg):
    begun, go_on = threading.Event(), threading.Event()

    def wait(_):
        begun.set()
        go_on.wait(20)

    session._read = wait
    threads = [threading.Thread(target=session.read, args=(b"",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    begun.wait(20)
    while session._places._value:
        pass
    with pytest.raises(Busy):
        session.read(jpeg())
    go_on.set()
    for thread in threads:
        thread.join()
    assert session.read(jpeg()) is None


def test_after_it_is_closed_it_reads_nothing(recognizer, jpeg):
    session = Session(recognizer)
    session.close()
    with pytest.raises(Busy, match="closed"):
        session.read(jpeg())

import threading

import pytest
import torch

from asl import SIGNS
from asl.live.session import Busy, Session


@pytest.fixture
def session(recognizer):
    made = Session(recognizer)
    yield made
    made.close()


def test_it_answers_as_the_recogniser(session, recognizer, jpeg, tmp_path):
    path = tmp_path / "frame.jpeg"
    path.write_bytes(jpeg(320, 200, (90, 60, 40)))
    answer = session.read(path.read_bytes())
    (sight,) = recognizer.look([path])
    torch.testing.assert_close(torch.tensor(answer["log_probs"]), sight.log_probs)
    assert max(answer["confidence"]) == pytest.approx(
        dict(sight.answers[-2:])[sight.answers[-2][0]], abs=1e-5
    )
    assert answer["hand"] == pytest.approx(sight.hand, abs=1e-5)


def test_the_page_is_told_what_it_must_know(session):
    facts = session.facts()
    assert facts["engine"] == "server" and facts["threshold"] == 0.25
    assert facts["signs"] == SIGNS and len(facts["answers"]) == 32


def test_numbers_that_are_none_do_not_become_a_letter(recognizer, jpeg):
    session = Session(recognizer)
    graph = session._graph
    session._graph = lambda pixels: [field * torch.nan for field in graph(pixels)]
    answer = session.read(jpeg())
    session.close()
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

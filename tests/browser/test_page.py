"""The page that `asl camera` serves, in Chromium, before a fake camera."""

import re

import pytest

from asl import Recognizer
from asl.live.session import Session
from benchmarks.spelled_words import doubled
from tests.browser.spelled_film import read_spelled_film, write_spelled_film


def wait_for(page, selector, words):
    """Waits until an element's text matches a pattern."""
    page.wait_for_function(
        "([selector, words]) => new RegExp(words).test(document.querySelector(selector).innerText)",
        arg=[selector, words],
    )


def test_a_hand_is_read_and_a_wall_is_no_sign(server, open_page, sure, keep):
    signer, (letter,) = sure(1)
    page = open_page(server.address, [(letter, 4), (None, 4)], signer=signer)
    wait_for(page, "#best", f"^{letter}$")
    assert page.locator("#bars li").count() == 3
    assert re.match(rf"{letter}\s+\d+ %", page.inner_text("#bars li:first-child"))
    assert page.get_attribute("#box", "hidden") is None
    assert re.match(r"\d+ frames a second, \d+ ms", page.inner_text("#speed"))
    keep(page, "read")
    wait_for(page, "#best", "^no confident sign$")
    wait_for(page, "#hands", "No hand is seen")
    keep(page, "read-none")
    assert "No frame is kept or sent elsewhere" in page.inner_text("#where")


def test_the_picture_is_mirrored_and_the_frame_is_not(server, open_page, sure):
    signer, (letter,) = sure(1)
    page = open_page(server.address, [(letter, 1)], signer=signer)
    wait_for(page, "#best", f"^{letter}$")
    assert page.evaluate(
        "getComputedStyle(document.getElementById('picture')).transform"
    ).startswith("matrix(-1,")
    # The hand is left of the film's middle. So is the box, in the picture before it is mirrored.
    x = float(page.get_attribute("#box", "x")) + float(page.get_attribute("#box", "width")) / 2
    assert x < 320


def test_letters_that_are_held_are_spelled_and_keys_edit(server, open_page, sure, keep):
    signer, (one, two) = sure(2)
    page = open_page(server.address, [(one, 4), (None, 4), (two, 4), (None, 4)], signer=signer)
    wait_for(page, "#where", "No frame is kept")  # it has started, and listens to keys
    page.keyboard.press("2")
    assert page.get_attribute("[data-view=spell]", "aria-pressed") == "true"
    wait_for(page, "#text", f"({one}{two}|{two}{one})")
    keep(page, "spell")
    page.keyboard.press("Escape")
    assert len(page.inner_text("#text")) < 2
    wait_for(page, "#text", f"[{one}{two}]$")
    page.keyboard.press("Space")
    assert page.evaluate("document.getElementById('text').textContent").endswith(" ")
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    page.click("[data-press=clear]")
    page.keyboard.press("Space")  # not "clear" once more
    assert " " in page.evaluate("document.getElementById('text').textContent")


def test_a_filmed_word_is_written_as_it_is_spelled(server, open_page, sure, tmp_path):
    signer, letters = sure(3)
    word = "".join([letters[0], *letters, letters[-1]])  # two of its letters are doubled
    film = write_spelled_film(tmp_path / "word.mjpeg", [(word, signer)], times=2.5)
    page = open_page(server.address, film=film)
    wait_for(page, "#speed", "frames a second")
    texts = []
    while word not in texts and len(texts) < 3:  # a busy machine misses letters, but doubles none
        texts.append(read_spelled_film(page, limit=180))
    assert word in texts and not any(doubled(word, text) for text in texts)


def test_it_is_taught_a_sign_and_forgets_it(server, open_page, teachable, keep):
    signer, letter, before = teachable()
    page = open_page(server.address, [(letter, 3)], signer=signer)
    wait_for(page, "#best", f"^{before}$")
    page.keyboard.press("4")
    assert "Make a and hold it" in page.inner_text("#ask")
    for passed in range(ord(letter) - ord("a")):
        assert f"Make {chr(ord('a') + passed)} and hold it" in page.inner_text("#ask")
        page.keyboard.press("s")
    assert f"Make {letter} and hold it" in page.inner_text("#ask")
    page.wait_for_function("() => document.getElementById('hand-sign').naturalWidth === 400")
    keep(page, "my-hand")
    page.keyboard.press("Enter")
    wait_for(page, "#ask", f"{letter} is taught. Next, make {chr(ord(letter) + 1)}")
    keep(page, "my-hand-taught")
    assert server.session.taught() == {"taught": {letter: 3}}
    page.keyboard.press("1")
    wait_for(page, "#best", f"^{letter}$")
    page.keyboard.press("4")
    with page.expect_download() as download:
        page.keyboard.press("f")
    assert download.value.suggested_filename == "my_hand.safetensors"
    again = Session(Recognizer.load(hand=download.value.path()))
    assert again.taught() == {"taught": {letter: 3}}
    again.close()
    asked = page.inner_text("#ask")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#ask") != asked
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#ask") == asked
    page.keyboard.press("Backspace")
    wait_for(page, "#ask", "again if you mean it")
    keep(page, "my-hand-forget")
    assert server.session.taught() == {"taught": {letter: 3}}
    page.keyboard.press("Backspace")
    wait_for(page, "#kept", "Nothing is taught yet")
    page.keyboard.press("1")
    wait_for(page, "#best", f"^{before}$")


def test_a_word_is_practised(server, open_page, sure, keep):
    signer, letters = sure(3)
    page = open_page(
        server.address, [*((letter, 4) for letter in letters), (None, 1)], signer=signer
    )
    wait_for(page, "#speed", "frames a second")
    page.keyboard.press("3")
    page.fill("#word", f"{letters[0]}0")
    page.press("#word", "Enter")
    assert "letters a to z" in page.inner_text("#task")
    page.fill("#word", "".join(letters).capitalize())
    page.press("#word", "Enter")
    wait_for(page, "#task", f"Show me {letters[0]}.")
    keep(page, "practise")
    wait_for(page, "#task", r"^Done: 3 of 3 letters in \d+\.\d seconds\. Enter begins")
    keep(page, "practise-done")
    page.keyboard.press("Enter")
    page.keyboard.press("s")
    assert page.inner_text("#letters .passed") == page.input_value("#word")[0]


@pytest.mark.parametrize(
    ("camera", "words"), [("none", "No camera was found"), ("denied", "The camera was not allowed")]
)
def test_a_camera_that_fails_is_told(camera, words, server, open_page, keep):
    page = open_page(server.address, camera=camera)
    wait_for(page, "#trouble-text", words)
    keep(page, f"camera-{camera}")
    page.keyboard.press("t")
    wait_for(page, "#trouble-text", words)


def test_a_camera_that_goes_away_is_told_and_comes_back(server, open_page, sure, keep):
    signer, (letter,) = sure(1)
    page = open_page(server.address, [(letter, 1)], signer=signer)
    wait_for(page, "#best", f"^{letter}$")
    page.evaluate(
        """() => {
            const [track] = document.getElementById("video").srcObject.getTracks();
            track.stop();
            track.dispatchEvent(new Event("ended"));
        }"""
    )
    wait_for(page, "#trouble-text", "The camera has gone")
    keep(page, "camera-gone")
    page.click("#retry")
    wait_for(page, "#speed", "frames a second")
    page.wait_for_selector("#trouble", state="hidden")


@pytest.mark.parametrize(
    ("error", "words"),
    [("NotReadableError", "another program uses it"), ("OddError", "OddError: why")],
)
def test_each_way_to_fail_has_its_words(error, words, server, open_page):
    page = open_page(server.address)
    wait_for(page, "#speed", "frames a second")
    page.evaluate(
        """(name) => {
            const failing = async () => { throw Object.assign(new Error("why"), { name }); };
            navigator.mediaDevices.getUserMedia = failing;
            const [track] = document.getElementById("video").srcObject.getTracks();
            track.dispatchEvent(new Event("ended"));
            document.getElementById("retry").click();
        }""",
        error,
    )
    wait_for(page, "#trouble-text", words)


def test_two_pages_are_answered_and_a_reload_goes_on(server, open_page, sure):
    signer, (letter,) = sure(1)
    first = open_page(server.address, [(letter, 1)], signer=signer)
    second = first.context.new_page()
    second.goto(server.address)
    wait_for(second, "#best", f"^{letter}$")
    first.bring_to_front()
    wait_for(first, "#best", f"^{letter}$")
    first.reload()
    wait_for(first, "#best", f"^{letter}$")


def test_a_server_that_is_gone_is_told(server, open_page, sure, keep):
    signer, (letter,) = sure(1)
    page = open_page(server.address, [(letter, 1)], signer=signer)
    wait_for(page, "#best", f"^{letter}$")
    server.close()
    wait_for(page, "#trouble-text", "does not answer. Start it again")
    keep(page, "server-gone")

from pathlib import Path

from asl.recognizer.stretches import pose_of, stretches_in


def test_photographs_are_ordered_by_number_and_cut_into_stretches():
    files = [f"set/{sign}/{i}.jpg" for sign in "ba" for i in (10, 9, 100, 1, 2)]
    order, stretches = stretches_in(files, 2)
    named = [files[i].removeprefix("set/").removesuffix(".jpg") for i in order]
    assert named == [f"{sign}/{i}" for sign in "ab" for i in (1, 2, 9, 10, 100)]
    assert stretches == [(sign, i) for sign in "ab" for i in (0, 0, 1, 1, 2)]


def test_of_near_copies_one_is_kept():
    files = ["s/a/A7_0f.jpg", "s/a/A7_1e.jpg", "s/b/A7_0f.jpg", "s/a/A11_99.jpg"]
    assert stretches_in(files) == ([0, 3, 2], [("a", 0), ("a", 0), ("b", 0)])
    assert pose_of(Path("s/a/A7_0f.jpg")) == ("a", "A7") and pose_of(Path("s/a/7.jpg"))[1] == ""


def test_a_name_without_a_number_will_do():
    order, stretches = stretches_in(["s/a/second.png", "s/a/first.png", "s/a/shot-3.png"])
    assert order == [1, 0, 2] and len(set(stretches)) == 1

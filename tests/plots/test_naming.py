import pytest

from asl.plots.naming import named


def of_numbers(given, names=None):
    return named(
        given, names, fits=lambda x: isinstance(x, int), expected="numbers", own_name="n{}".format
    )


def test_one_many_or_a_mapping():
    assert of_numbers(3) == [("n3", 3)]
    assert of_numbers((3, 4), ["three", "four"]) == [("three", 3), ("four", 4)]
    assert of_numbers({"a": 3, 1: 4}) == [("a", 3), ("1", 4)]


def test_equal_names_are_numbered_in_order_and_nothing_gets_lost():
    assert of_numbers([3, 4, 3]) == [("n3 1", 3), ("n4", 4), ("n3 2", 3)]
    assert [value for _, value in of_numbers([1, 2, 3], ["a", "a", "a 1"])] == [1, 2, 3]


def test_errors_say_what_was_found():
    with pytest.raises(ValueError, match="expected numbers: one, a list.*found str, float"):
        of_numbers([1, "2", 3.0])
    with pytest.raises(ValueError, match="found generator"):
        of_numbers(i for i in range(3))
    with pytest.raises(ValueError, match="no names with a mapping"):
        of_numbers({"a": 1}, ["b"])

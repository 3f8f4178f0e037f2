"""What figures of several models or trainings share: how they are passed, and their names."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def named(
    given: Any,
    names: Sequence[str] | None,
    *,
    fits: Callable[[Any], bool],
    expected: str,
    own_name: Callable[[Any], str],
) -> list[tuple[str, Any]]:
    """Returns one or more things as pairs (name in the figure, thing). Equal names are numbered.

    Args:
        given: one thing, a list or tuple of them, or a mapping from names.
        names: one for each thing outside a mapping. None takes each thing's own.
        fits: tells whether something is such a thing.
        expected: says what such a thing is.
        own_name: thing → its name if none is given.

    Raises:
        ValueError: if there is no thing, one does not fit, or the names do not.
    """
    if fits(given) or not isinstance(given, Mapping | list | tuple):
        given = [given]
    keyed = isinstance(given, Mapping)
    things = list(given.values()) if keyed else list(given)
    wrong = [type(thing).__name__ for thing in things if not fits(thing)]
    if wrong or not things:
        raise ValueError(
            f"expected {expected}: one, a list of them, or a mapping from names, found "
            f"{', '.join(wrong) or 'none'}"
        )
    if names is None:
        names = [str(key) for key in given] if keyed else [own_name(thing) for thing in things]
    elif keyed:
        raise ValueError(
            f"expected no names with a mapping, whose keys are the names, found {names!r}"
        )
    elif isinstance(names, str) or len(names) != len(things):
        raise ValueError(f"expected a list of {len(things)} name(s), found {names!r}")
    times, so_far = Counter(names), Counter[str]()
    pairs = []
    for name, thing in zip(names, things, strict=True):
        so_far[name] += 1
        pairs.append((f"{name} {so_far[name]}" if times[name] > 1 else name, thing))
    return pairs

from dataclasses import fields

from asl.__main__ import _parser
from asl.commands import rendering_arguments
from asl.rendering.dataset import DatasetOptions
from asl.rendering.pose_variants import TAUGHT
from asl.rendering.render import LIGHTS


def test_what_is_copied_from_heavier_modules_is_the_same():
    assert rendering_arguments.LIGHTS == LIGHTS
    assert tuple(TAUGHT) == rendering_arguments.TAUGHT


def test_defaults_of_synthesize_are_the_packages():
    given, usual = vars(_parser().parse_args(["synthesize", "new"])), DatasetOptions()
    names = {field.name for field in fields(usual)} & {*given} - {"taught"}
    assert len(names) == 8
    assert {name: given[name] for name in names} == {name: getattr(usual, name) for name in names}
    assert given["taught"] is None and usual.taught == ()

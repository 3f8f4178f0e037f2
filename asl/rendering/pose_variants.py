"""Ways of making some signs that differ from those in `asl.rendering.poses`. Only data."""

from dataclasses import replace

from asl.rendering.poses import NUMBERS, POSES, Pose

VARIANTS: dict[str, Pose] = {
    "1": replace(
        POSES["1"],
        thumb=(18.4, -20.1, 41.7, 30.6, 13.9),
        index=(9, 8, 4, 1.1),
        middle=(66.6, 96, 45.3, -0.4),
        ring=(74.5, 88.6, 35.4, 7.6),
        little=(81.3, 81, 21.9, 2.4),
        note="thumb upright along the index finger",
        touches=(),
    ),
    "i": replace(
        POSES["i"],
        thumb=(18.6, -8.4, 19.5, 33.3, -0.4),
        index=(65.8, 81.5, 42.7, 4.6),
        middle=(64.9, 95.6, 45.1, 0.4),
        ring=(71.6, 88.3, 35.7, -5.2),
        little=(8.6, 3, 3, 12.2),
        note="thumb upright beside the fist",
        touches=(),
    ),
    "g": replace(
        POSES["g"],
        thumb=(5, -15, 15, 20, 0),
        index=(3.1, 3, 3, 2.4),
        middle=(71.2, 96.4, 45.3, -0.4),
        ring=(74.6, 88.9, 34.9, 7),
        little=(78.1, 81.9, 21.8, 0.7),
        note="thumb upright",
        touches=(),
    ),
    "m": replace(
        POSES["m"],
        thumb=(55.5, 21.9, 51.8, 56.3, 48.9),
        index=(64, 67, 23.5, 9.4),
        middle=(68.5, 57.5, 28.3, -6.1),
        ring=(65.9, 64, 32.3, -11.7),
        little=(82.7, 78.1, 20, 15.5),
        note="fingers laid in front of the thumb",
        touches=(("thumb 3 0.7 dorsal", "ring 2 0.4 palmar", 14.5),),
    ),
    "n": replace(
        POSES["n"],
        thumb=(48, 6.6, 38.8, 48.4, 20.4),
        index=(69, 47, 27.5, 2.9),
        middle=(63.1, 46.6, 30.4, 9.8),
        ring=(74.7, 90.3, 32.7, 6.1),
        little=(79.2, 83.4, 23.3, 0.4),
        note="fingers laid in front of the thumb",
        touches=(("thumb 3 0.6 dorsal", "middle 2 0.3 palmar", 11.5),),
    ),
    "t": replace(
        POSES["t"],
        thumb=(13.9, 2.4, 29, 56.1, 45.2),
        index=(50.1, 52, 48.4, 15.1),
        middle=(72.5, 99.5, 43.7, 2.5),
        ring=(75.6, 88.9, 35.5, 6.1),
        little=(79.3, 83, 22.6, 0.7),
        note="thumb under the index finger",
        touches=(("thumb 3 0.4 dorsal", "index 2 0.6 palmar", 9),),
    ),
    "e": replace(
        POSES["e"],
        thumb=(31.7, 26.4, 33.2, 69.7, 80.9),
        index=(50, 95, 50, 0),
        middle=(51.8, 95.9, 49.2, 0.4),
        ring=(45, 91.4, 47.8, 0.8),
        little=(49.5, 93.3, 42.4, -0.5),
        note="fingertips closed on the thumb",
        touches=(("thumb 3 0.4 ulnar", "middle 3 0.9 tip", 3),),
    ),
}
"""Other ways in which some signers of the dataset make a sign; angles as in `POSES`."""

for _sign, _same in (("j", "i"), ("z", "1")):
    VARIANTS[_sign] = replace(
        VARIANTS[_same],
        wrist=POSES[_sign].wrist,
        view=POSES[_sign].view,
        source=POSES[_sign].source,
    )

_LIFEPRINT = "ASL University, Fingerspelling, lifeprint.com"
_TO_ONESELF = '"Fingerspell the Alphabet in American Sign Language", wikiHow'

TAUGHT: dict[str, Pose] = {
    "d": replace(
        POSES["d"],
        middle=(48, 60, 26, 3),
        ring=(45, 60, 25, -4),
        little=(46, 58, 25, 0),
        view=(68, -6, -2),
        source=_TO_ONESELF,
        note="all fingertips but one on the thumb; seen from the side, so that the ring shows",
    ),
    "f": replace(POSES["9"], source=NUMBERS, note='the hand of "9", as the source says'),
    "g": replace(VARIANTS["g"], view=(180, 15, -85), source=_TO_ONESELF, note="palm to oneself"),
    "h": replace(POSES["h"], view=(180, 15, -85), source=_TO_ONESELF, note="palm to oneself"),
    "k": replace(
        POSES["k"],
        thumb=(42.1, -0.8, 27.6, 31.2, 6.5),
        index=(4, 3, 3, 9),
        middle=(24, 8, 5, -9),
        view=(4, 5, 0),
        note="middle finger out, the thumb's tip lower",
    ),
    "m": replace(
        POSES["m"],
        thumb=(45.4, 11.8, 39.4, 42.8, 42.3),
        index=(73.2, 29.7, 10, 1),
        middle=(70.8, 28.9, 10, 0.2),
        ring=(76.3, 32.4, 12, -4.1),
        little=(80, 80, 25, 4),
        wrist=(50, 0),
        view=(5, 55, 0),
        note="three fingers hang over the thumb, the wrist is bent",
        touches=(),
    ),
    "n": replace(
        POSES["n"],
        thumb=(30.3, 9.2, 38.2, 44.3, 60.6),
        index=(64.8, 26.7, 10, 2.5),
        middle=(64.1, 32.6, 10, -0.1),
        ring=(74.5, 90.8, 36.4, 4.9),
        little=(80.6, 82.4, 23.1, -0.7),
        wrist=(50, 0),
        view=(5, 55, 0),
        note="two fingers hang over the thumb, the wrist is bent",
        touches=(),
    ),
    "p": replace(
        POSES["p"],
        thumb=(42.1, -0.8, 27.6, 31.2, 6.5),
        index=(10, 4, 3, 6),
        middle=(50, 10, 6, -6),
        view=(-100, 0, 100),
        note='"k" as taught, pointing down, seen from the back of the hand',
        touches=(),
    ),
    "q": replace(
        POSES["q"],
        thumb=(7, -4.7, -10, 30, 4.5),
        index=(40, 5, 3, 0),
        middle=VARIANTS["g"].middle,
        ring=VARIANTS["g"].ring,
        little=VARIANTS["g"].little,
        view=(-120, 0, 120),
        note='"g" as taught, pointing down, seen from the back of the hand',
    ),
    "s": replace(
        POSES["s"],
        thumb=(46.3, 27, 59.6, 41.6, 25.5),
        index=(60.2, 90.9, 55.5, -7.2),
        middle=(74, 96.2, 47.1, 0.2),
        ring=(74.7, 89.5, 36, 6.6),
        little=(78.7, 82.4, 21.7, 0.4),
        view=(6, 4, 0),
        note="thumb across index and middle finger",
        touches=(("thumb 3 0.8 palmar", "middle 2 0.4 dorsal", 9.9),),
    ),
    "t": VARIANTS["t"],
    "x": replace(
        VARIANTS["1"],
        index=POSES["x"].index,
        view=POSES["x"].view,
        source=_LIFEPRINT,
        note="thumb not tucked in",
    ),
    "z": replace(
        POSES["z"],
        view=(0, 10, -35),
        note="a motion; the image is another moment of it, the index finger tilted right",
    ),
}
"""Signs as they are taught, where the signers of the dataset make them in another way."""

TAUGHT_YAW = 45.0
"""How far a palm may face inwards, in degrees. In the dataset, palms face the camera.

ASL University says the palm faces "mostly forward", in a comfortable position towards ten o'clock.
"""

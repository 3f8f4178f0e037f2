"""The hand shapes of the 36 signs as joint angles: data, and nothing else.

Drawn by hand, then settled on the mesh of an average hand by `asl.contact`, so that what should
touch touches and nothing passes through anything, and stored as the plain angles that came out; on
other hands they are settled anew. What fingers and thumb do was compared, sign by sign, with two
published descriptions in words (their sources; "0" is described by neither and taken from "o");
the angles are ours. Some shapes differ only in where the hand points or what the picture shows of a
motion.

Angles and views were corrected by eye against pictures of all five signers of the dataset, and
after looking at which of them networks trained on renders got wrong: what is trained on renders
alone has seen no real picture, but these poses were not made blind to them.
"""

from typing import NamedTuple

_LETTERS = '"The Manual Alphabet", a handout in words, docslib.org/doc/1066164'
_NUMBERS = "Helen Keller National Center, ASL handshapes described, helenkeller.org"
_VIEW = "; the view is that of the images of Barczak et al. 2011"


class Pose(NamedTuple):
    """One hand shape of a right hand; angles in degrees, see `asl.joints.JOINT_LIMITS`.

    Attributes:
        thumb: CMC flexion, CMC abduction, CMC rotation, MCP flexion, IP flexion.
        index: MCP flexion, PIP flexion, DIP flexion, abduction; the other fingers alike.
        wrist: flexion, deviation towards the thumb.
        view: how the hand is turned before the camera, from fingers up and palm to the camera:
            yaw (positive: palm to the right of the picture), pitch (positive: fingertips towards
            the camera), roll (positive: fingertips to the left), applied in this order.
        source: where the hand shape and the view are from.
        note: what to know, variants above all.
        touches: two places, as `asl.contact.place` names them, and how many millimetres they are
            apart at most; on any hand the thumb goes where they are.
    """

    thumb: tuple[float, float, float, float, float]
    index: tuple[float, float, float, float]
    middle: tuple[float, float, float, float]
    ring: tuple[float, float, float, float]
    little: tuple[float, float, float, float]
    wrist: tuple[float, float]
    view: tuple[float, float, float]
    source: str
    note: str
    touches: tuple[tuple[str, str, float], ...] = ()

    def angles(self) -> dict[str, float]:
        """Returns joint → angle in degrees."""
        fingers = ("index", "middle", "ring", "little")
        named = [("thumb", _THUMB), *((finger, _FINGER) for finger in fingers), ("wrist", _WRIST)]
        return {
            f"{part} {joint}": float(angle)
            for part, joints in named
            for joint, angle in zip(joints, getattr(self, part), strict=True)
        }


_THUMB = ("CMC flexion", "CMC abduction", "CMC rotation", "MCP flexion", "IP flexion")
_FINGER = ("MCP flexion", "PIP flexion", "DIP flexion", "abduction")
_WRIST = ("flexion", "deviation")

POSES: dict[str, Pose] = {
    "0": Pose(
        thumb=(22.6, 17.6, 25.7, 26.7, 28.1),
        index=(46.9, 50.1, 19.1, -1.3),
        middle=(50.7, 55.5, 22, -1.7),
        ring=(51.2, 58, 24, -1.6),
        little=(53.8, 60, 26, 1.1),
        wrist=(0, 0),
        view=(70, 0, -3),
        source=_LETTERS + _VIEW,
        note='the hand of "o"; seen from the little finger\'s side',
        touches=(("thumb 3 0.85 palmar", "index 3 0.85 palmar", 2.5),),
    ),
    "1": Pose(
        thumb=(41, 7.1, 37.6, 31.8, 32.2),
        index=(17, 8, 4, -4),
        middle=(78, 95.3, 44.5, 0.7),
        ring=(77.6, 88, 36.3, 4.8),
        little=(80.8, 83.3, 22, 1.4),
        wrist=(0, 0),
        view=(8, 14, 5),
        source=_NUMBERS,
        note="thumb on the middle finger; some lay it along the index finger",
        touches=(("thumb 3 0.7 palmar", "middle 2 0.4 dorsal", 4),),
    ),
    "2": Pose(
        thumb=(59.8, 10.3, 47.2, 40.6, 15.9),
        index=(3, 3, 3, 11),
        middle=(3, 3, 3, -11),
        ring=(76.3, 86.7, 41, 5.3),
        little=(81.4, 81.8, 22, 1.2),
        wrist=(0, 0),
        view=(2, 5, 3),
        source=_NUMBERS,
        note='the hand of "v"',
        touches=(("thumb 3 0.7 palmar", "ring 2 0.4 dorsal", 5),),
    ),
    "3": Pose(
        thumb=(-3, -28, 0, 5, 5),
        index=(3, 3, 3, 6),
        middle=(3, 3, 3, -8),
        ring=(74.5, 86.9, 39.8, 4.4),
        little=(69.9, 81.8, 35.3, 0.8),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_NUMBERS,
        note="thumb, index and middle finger",
    ),
    "4": Pose(
        thumb=(55, 11.7, 58, 34.5, 56.1),
        index=(3.9, 3, 3, 12.1),
        middle=(1.5, 3, 3, 0.3),
        ring=(2.6, 3, 3, 12.1),
        little=(3, 3, 3, 26),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_NUMBERS,
        note="some point the thumb up before the palm",
        touches=(("thumb 3 0.9 palmar", "ring 1 0.1 palmar", 13.5),),
    ),
    "5": Pose(
        thumb=(-3, -28, 0, 5, 5),
        index=(3, 3, 3, 12),
        middle=(3, 3, 3, 0),
        ring=(3, 3, 3, 13),
        little=(3, 3, 3, 28),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_NUMBERS,
        note="",
    ),
    "6": Pose(
        thumb=(61.6, 6.9, 35.6, 42.3, 8.1),
        index=(3.2, 3, 3, 11.9),
        middle=(3, 3, 3, -0.5),
        ring=(3.3, 3, 3, 10.1),
        little=(81.5, 65.7, 30, 4.1),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_NUMBERS,
        note='the hand of "w": thumb on the little finger',
        touches=(("thumb 3 0.8 palmar", "little 2 0.7 dorsal", 12.5),),
    ),
    "7": Pose(
        thumb=(47.4, 24.3, 35.5, 54.5, 24.7),
        index=(3, 3, 3, 10),
        middle=(3.6, 3, 3, -0.2),
        ring=(74.9, 82.9, 31.4, -0.5),
        little=(3.7, 3, 3, 24.5),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_NUMBERS,
        note="thumb on the ring finger",
        touches=(("thumb 3 0.7 palmar", "ring 3 0.4 dorsal", 3.5),),
    ),
    "8": Pose(
        thumb=(25, 29.8, 29.8, 42.6, 51.4),
        index=(3.3, 3, 3, 11.9),
        middle=(72.6, 86.9, 36.4, 2.4),
        ring=(3.2, 3, 3, 7.9),
        little=(3, 3, 3, 22),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_NUMBERS,
        note="thumb on the middle finger",
        touches=(("thumb 3 0.8 palmar", "middle 3 0.5 dorsal", 5.5),),
    ),
    "9": Pose(
        thumb=(27.3, 4.4, 30.2, 32.5, 6.7),
        index=(17.9, 69, 25.5, 11.2),
        middle=(3, 3, 3, 0),
        ring=(3, 3, 3, 10),
        little=(3, 3, 3, 22),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_NUMBERS,
        note='other fingers spread; together they make an "f"',
        touches=(("thumb 3 0.8 palmar", "index 3 0.8 palmar", 5.5),),
    ),
    "a": Pose(
        thumb=(19.2, -12, 19.6, 34.4, -25),
        index=(69.7, 89, 43, 1.8),
        middle=(72.3, 95.2, 45.1, 0.6),
        ring=(76.7, 87.9, 36, 6.1),
        little=(79.7, 82.5, 22.4, 1.7),
        wrist=(0, 0),
        view=(8, 12, -6),
        source=_LETTERS,
        note="thumb upright beside the fist",
        touches=(("thumb 3 0.2 palmar", "index 2 0.3 radial", 4.5),),
    ),
    "b": Pose(
        thumb=(43, 5.9, 54.2, 36.9, 27.2),
        index=(3.2, 3.4, 2.9, -2.1),
        middle=(1.8, 2.5, 3.3, 1.1),
        ring=(2.3, 3.3, 3, -3.3),
        little=(4.1, 4.1, 3.5, -5.1),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LETTERS,
        note="some press the thumb flat into the palm",
        touches=(("thumb 3 0.8 palmar", "middle 1 0.05 palmar", 6.5),),
    ),
    "c": Pose(
        thumb=(-5, 5, 25, 5, 20),
        index=(38.7, 40.6, 18, -1.6),
        middle=(39.3, 41.6, 18, -0.5),
        ring=(42, 42, 18, -1),
        little=(45, 42, 18, 0),
        wrist=(0, 0),
        view=(70, 0, -5),
        source=_LETTERS + _VIEW,
        note="seen from the little finger's side; charts turn it more to the palm",
    ),
    "d": Pose(
        thumb=(34.3, 29.8, 43.5, 48.7, -10.5),
        index=(3, 3, 3, 0),
        middle=(50.1, 61, 24.6, 4.4),
        ring=(43.5, 69.7, 23.3, -8.3),
        little=(65.5, 76, 30, 0.1),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LETTERS,
        note="round, thumb on the middle fingertip; some let three fingertips touch",
        touches=(("thumb 3 0.8 palmar", "middle 3 0.8 palmar", 3.5),),
    ),
    "e": Pose(
        thumb=(23.8, 5.1, 21, 70, 56.4),
        index=(37.1, 97.6, 58.8, 0),
        middle=(40.8, 101.5, 58.7, -0.1),
        ring=(35.4, 98.3, 59.5, 1.4),
        little=(40.8, 95, 47.4, 0.1),
        wrist=(0, 0),
        view=(2, 2, -2),
        source=_LETTERS,
        note="fingertips on the thumb; the open variant keeps them off it",
        touches=(
            ("thumb 3 0.5 ulnar", "middle 3 0.9 tip", 2),
            ("thumb 3 0.0 ulnar", "index 3 0.9 tip", 11.5),
            ("thumb 3 0.9 ulnar", "ring 3 0.9 tip", 9.5),
        ),
    ),
    "f": Pose(
        thumb=(27.6, 15.1, 32.9, 35.3, 1.9),
        index=(38.1, 54.8, 16.3, 6.3),
        middle=(2.5, 2.7, 3.1, -0.1),
        ring=(2.9, 3.4, 3.3, -1.7),
        little=(4.4, 4.4, 3.7, -3.2),
        wrist=(0, 0),
        view=(10, 0, 0),
        source=_LETTERS,
        note="other fingers together in the real images, fanned on most charts",
        touches=(("thumb 3 0.8 palmar", "index 3 0.7 palmar", 7),),
    ),
    "g": Pose(
        thumb=(18.8, -8.6, 40, 38.3, 18.7),
        index=(3.4, 3, 3, 2.2),
        middle=(74.1, 95.2, 45.1, 0.4),
        ring=(77.5, 87.9, 36.2, 5),
        little=(80.6, 83.1, 21.9, 1.5),
        wrist=(0, 22),
        view=(0, 20, 88),
        source=_LETTERS + _VIEW,
        note="palm to the camera, pointing left; charts show the back or two parallel fingers",
        touches=(("thumb 3 0.7 palmar", "index 1 0.7 palmar", 8),),
    ),
    "h": Pose(
        thumb=(53.5, 10.7, 49.6, 52.8, -2.2),
        index=(1.8, 2.6, 3.1, -4.6),
        middle=(14.3, 3.1, 3, -0.3),
        ring=(76.4, 87.9, 37.2, 3.9),
        little=(80.1, 84.1, 21, -1.5),
        wrist=(0, 22),
        view=(0, 25, 83),
        source=_LETTERS + _VIEW,
        note="palm to the camera, pointing left",
        touches=(("thumb 3 0.7 palmar", "ring 2 0.3 dorsal", 9),),
    ),
    "i": Pose(
        thumb=(33.4, 29.9, 54.6, 53.8, 9.9),
        index=(65.1, 92.9, 49.1, -10.2),
        middle=(72.7, 99.7, 42.9, 3.5),
        ring=(74, 88.9, 36.6, 2.1),
        little=(6.4, 3, 3, 13.6),
        wrist=(0, 0),
        view=(5, 8, 0),
        source=_LETTERS,
        note="",
        touches=(("thumb 3 0.7 palmar", "middle 2 0.5 dorsal", 9.5),),
    ),
    "j": Pose(
        thumb=(33.4, 29.9, 54.6, 53.8, 9.9),
        index=(65.1, 92.9, 49.1, -10.2),
        middle=(72.7, 99.7, 42.9, 3.5),
        ring=(74, 88.9, 36.6, 2.1),
        little=(6.4, 3, 3, 13.6),
        wrist=(0, 15),
        view=(-2, 8, 36),
        source=_LETTERS + _VIEW,
        note="a motion; the image is its end, the little finger tilted left",
        touches=(("thumb 3 0.7 palmar", "middle 2 0.5 dorsal", 9.5),),
    ),
    "k": Pose(
        thumb=(50.1, 7.4, 48.6, 28.9, 20),
        index=(21, 5, 3, 5.5),
        middle=(29.3, 8, 4, -5.5),
        ring=(75, 89, 35.8, 6.8),
        little=(80, 83, 21.9, 1),
        wrist=(0, 0),
        view=(-14, 12, -1),
        source=_LETTERS,
        note="thumb tip between index and middle finger",
        touches=(("thumb 3 0.8 palmar", "middle 1 0.5 palmar", 16),),
    ),
    "l": Pose(
        thumb=(-3, -28, 0, 5, 5),
        index=(7.9, 5, 3, 2.1),
        middle=(72, 95.2, 45, 0.4),
        ring=(76.6, 88, 36.2, 6.2),
        little=(79.7, 82.4, 22.6, 1.7),
        wrist=(0, 0),
        view=(4, 8, 2),
        source=_LETTERS,
        note="",
    ),
    "m": Pose(
        thumb=(52.9, 18.1, 49.7, 57, 50.5),
        index=(64.2, 67.8, 24.5, 10.1),
        middle=(68.5, 57.8, 28.5, -6.2),
        ring=(66.6, 64.6, 32.5, -11.6),
        little=(82.7, 78.1, 20, 15.5),
        wrist=(0, 0),
        view=(30, 12, -9),
        source=_LETTERS,
        note="three fingers over the thumb; some only lay them in front of it",
        touches=(("thumb 3 0.7 dorsal", "ring 2 0.4 palmar", 13),),
    ),
    "n": Pose(
        thumb=(38.7, 5.7, 37.7, 58.4, 19.7),
        index=(71.2, 48.7, 28, 3),
        middle=(65.3, 47.3, 30.4, 9.6),
        ring=(77.8, 89, 32.8, 5),
        little=(79.8, 83.7, 23.3, 1),
        wrist=(0, 0),
        view=(24, 12, -9),
        source=_LETTERS,
        note="two fingers over the thumb",
        touches=(("thumb 3 0.6 dorsal", "middle 2 0.3 palmar", 9.5),),
    ),
    "o": Pose(
        thumb=(22.6, 17.6, 25.7, 26.7, 28.1),
        index=(46.9, 50.1, 19.1, -1.3),
        middle=(50.7, 55.5, 22, -1.7),
        ring=(51.2, 58, 24, -1.6),
        little=(53.8, 60, 26, 1.1),
        wrist=(0, 0),
        view=(70, 0, -3),
        source=_LETTERS + _VIEW,
        note='the hand of "0"; seen from the little finger\'s side',
        touches=(("thumb 3 0.85 palmar", "index 3 0.85 palmar", 2.5),),
    ),
    "p": Pose(
        thumb=(39.7, 8.5, 51.9, 40.2, -1.7),
        index=(26.7, 6, 3, 3.1),
        middle=(70.7, 22.2, 12, 2.4),
        ring=(74.4, 80.3, 46.2, 2),
        little=(85.6, 80.6, 18.1, -1.4),
        wrist=(0, 0),
        view=(-76, 22, 64),
        source=_LETTERS + _VIEW,
        note='"k" pointing left with the palm down, seen from the thumb\'s side',
        touches=(("thumb 3 0.8 palmar", "middle 2 0.1 radial", 4),),
    ),
    "q": Pose(
        thumb=(7, -4.7, -30, 44.2, 4.5),
        index=(59.8, 5, 3, 0.1),
        middle=(72.4, 95.2, 45, 0.4),
        ring=(76.6, 88, 35.9, 6.3),
        little=(79.9, 82.7, 22.4, 1.6),
        wrist=(0, 0),
        view=(-90, 0, 105),
        source=_LETTERS + _VIEW,
        note='"g" pointing down, seen from the thumb\'s side',
    ),
    "r": Pose(
        thumb=(59.1, 9, 45.1, 40.2, 16),
        index=(21.5, 6, 3, -2),
        middle=(-12, 12.1, 5, 9),
        ring=(76.1, 86.4, 41.6, 5),
        little=(81.4, 81.6, 21.8, 1.2),
        wrist=(0, 0),
        view=(-5, 5, 0),
        source=_LETTERS,
        note="middle finger crossed behind the index finger",
        touches=(("thumb 3 0.7 palmar", "ring 2 0.4 dorsal", 5),),
    ),
    "s": Pose(
        thumb=(43.4, 18.4, 47.5, 42.9, 1.7),
        index=(61.8, 93.2, 58.5, -9.6),
        middle=(75.9, 99.4, 37.3, 5.5),
        ring=(75.5, 88.5, 35.6, 2.1),
        little=(74.6, 85.3, 25.2, -1),
        wrist=(0, 0),
        view=(8, 12, -8),
        source=_LETTERS,
        note="thumb before the fist",
        touches=(("thumb 3 0.7 palmar", "middle 2 0.3 dorsal", 11.5),),
    ),
    "t": Pose(
        thumb=(15.4, -0.8, 30.2, 56.7, 43.2),
        index=(51.4, 53.4, 49, 14.9),
        middle=(72.8, 99.9, 44, 2.6),
        ring=(77.4, 88.2, 35.5, 5.6),
        little=(80, 83.4, 22.8, 1.1),
        wrist=(0, 0),
        view=(8, 12, -8),
        source=_LETTERS,
        note="thumb between index and middle finger",
        touches=(("thumb 3 0.4 dorsal", "index 2 0.6 palmar", 11.5),),
    ),
    "u": Pose(
        thumb=(59.8, 10.3, 47.3, 40.6, 15.9),
        index=(2.9, 3, 3, -3.1),
        middle=(2.7, 2.9, 3, -0.9),
        ring=(76.3, 86.7, 41, 5.3),
        little=(81.4, 81.8, 22, 1.2),
        wrist=(0, 0),
        view=(2, 5, 2),
        source=_LETTERS,
        note="",
        touches=(("thumb 3 0.7 palmar", "ring 2 0.4 dorsal", 5),),
    ),
    "v": Pose(
        thumb=(59.8, 10.3, 47.2, 40.6, 15.9),
        index=(3, 3, 3, 11),
        middle=(3, 3, 3, -11),
        ring=(76.3, 86.7, 41, 5.3),
        little=(81.4, 81.8, 22, 1.2),
        wrist=(0, 0),
        view=(2, 5, 3),
        source=_LETTERS,
        note='the hand of "2"',
        touches=(("thumb 3 0.7 palmar", "ring 2 0.4 dorsal", 5),),
    ),
    "w": Pose(
        thumb=(61.6, 6.9, 35.6, 42.3, 8.1),
        index=(3.2, 3, 3, 11.9),
        middle=(3, 3, 3, -0.5),
        ring=(3.3, 3, 3, 10.1),
        little=(81.5, 65.7, 30, 4.1),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LETTERS,
        note='the hand of "6"',
        touches=(("thumb 3 0.8 palmar", "little 2 0.7 dorsal", 12.5),),
    ),
    "x": Pose(
        thumb=(43.2, 17.9, 55.4, 40, 24.7),
        index=(8.3, 66, 45, -0.1),
        middle=(76.9, 97, 42.4, 1.9),
        ring=(77.2, 87.8, 36, 4.9),
        little=(80.1, 82.7, 22, 1.4),
        wrist=(0, 0),
        view=(-32, 8, -2),
        source=_LETTERS + _VIEW,
        note="hooked index finger, hand turned to the thumb's side so that the hook shows",
        touches=(("thumb 3 0.7 palmar", "middle 2 0.4 dorsal", 3),),
    ),
    "y": Pose(
        thumb=(5.5, -35.7, 5.2, 5.7, 5),
        index=(71.1, 88.6, 42.3, 0.5),
        middle=(73, 95.2, 45, 0.9),
        ring=(73.3, 88.1, 37.3, -1.8),
        little=(3.9, 3, 3, 27.4),
        wrist=(0, 0),
        view=(4, 8, 0),
        source=_LETTERS,
        note="",
    ),
    "z": Pose(
        thumb=(41, 7.1, 37.6, 31.8, 32.2),
        index=(17, 8, 4, -4),
        middle=(78, 95.3, 44.5, 0.7),
        ring=(77.6, 88, 36.3, 4.8),
        little=(80.8, 83.3, 22, 1.4),
        wrist=(0, 0),
        view=(0, 12, 23),
        source=_LETTERS + _VIEW,
        note='a motion; the image is the hand of "1" tilted left',
        touches=(("thumb 3 0.7 palmar", "middle 2 0.4 dorsal", 4),),
    ),
}

VARIANTS: dict[str, Pose] = {
    "1": POSES["1"]._replace(
        thumb=(20, -20.4, 40.3, 32.4, 13.9),
        index=(18.1, 8, 4, 1.1),
        middle=(66.6, 96, 45.3, -0.4),
        ring=(75.8, 88.5, 35.4, 7.2),
        little=(81.4, 81, 21.9, 2.7),
        note="thumb upright along the index finger",
        touches=(),
    ),
    "i": POSES["i"]._replace(
        thumb=(18.6, -8.4, 19.5, 33.3, -0.4),
        index=(65.8, 81.5, 42.7, 4.6),
        middle=(64.9, 95.6, 45.1, 0.4),
        ring=(72.1, 88.3, 35.7, -5.2),
        little=(8.6, 3, 3, 12.2),
        note="thumb upright beside the fist",
        touches=(),
    ),
    "g": POSES["g"]._replace(
        thumb=(5, -15, 15, 20, 0),
        index=(3.1, 3, 3, 2.4),
        middle=(71.2, 96.4, 45.3, -0.4),
        ring=(76, 88.7, 34.9, 6.8),
        little=(78.3, 81.9, 21.8, 0.8),
        note="thumb upright",
        touches=(),
    ),
    "m": POSES["m"]._replace(
        thumb=(40.9, 29.4, 54.1, 67.9, 45.6),
        index=(78.1, 52.1, 20.3, 5.4),
        middle=(81.9, 54.1, 24.5, 6),
        ring=(75.8, 54.1, 30.6, -22.9),
        little=(77.9, 69, 20.9, -2.1),
        note="fingers laid flat over the thumb",
        touches=(("thumb 3 0.7 dorsal", "ring 2 0.3 palmar", 14.5),),
    ),
    "n": POSES["n"]._replace(
        thumb=(42.4, 0.4, 34.7, 55, 6.5),
        index=(54.4, 69.1, 32, -0.8),
        middle=(46.1, 65.5, 38.8, 2.5),
        ring=(77.4, 87.9, 36, 6.5),
        little=(79.6, 82.8, 22, 1),
        note="fingertips drawn in",
    ),
    "e": POSES["e"]._replace(
        thumb=(26, 25.6, 30, 68.4, 82.3),
        index=(50, 95, 50, 0),
        middle=(51.7, 96.3, 49.9, 0.6),
        ring=(46.2, 92.5, 47.8, 1.3),
        little=(49.4, 93.6, 42.6, -1),
        note="fingertips closed on the thumb",
        touches=(("thumb 3 0.4 ulnar", "middle 3 0.9 tip", 2),),
    ),
}
"""Other ways in which some signers of the dataset close the same sign; angles as in `POSES`."""

for _sign, _same in (("j", "i"), ("z", "1")):
    VARIANTS[_sign] = VARIANTS[_same]._replace(
        wrist=POSES[_sign].wrist, view=POSES[_sign].view, source=POSES[_sign].source
    )

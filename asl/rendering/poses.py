"""The hand shapes of the 36 signs as joint angles. Only data.

`asl.rendering.pose_variants` has other ways of making some of them.

The poses were drawn by hand, then settled on the mesh of an average hand by `contact.settle`, so
that what should touch touches and no part passes through another. The table holds the angles that
came out; on other hands they are settled again. What fingers and thumb do was compared, sign by
sign, with two published descriptions in words, `LETTERS` and `NUMBERS`. Neither describes "0" and
"2", so these repeat "o" and "v". The handout lays the thumb of "i" on the index finger and that of
"m" on the little finger's knuckle; the photographs do not. The angles are ours. Some shapes differ
only in where the hand points or in which moment of a motion the picture shows.

Angles and views were corrected by eye against pictures of all five signers of the dataset. They
were corrected again after seeing which pictures networks read wrongly: networks trained on renders
and, for "k", "m", "n", "r", "t" and "z", networks trained on other signers. So a network trained on
renders alone has seen no real picture, but these poses were not made blind.
"""

from dataclasses import dataclass

LETTERS = '"The Manual Alphabet", a handout in words, docslib.org/doc/1066164'
NUMBERS = "Helen Keller National Center, ASL handshapes described, helenkeller.org"
_VIEW = "; the view is that of the images of Barczak et al. 2011"


@dataclass(frozen=True)
class Pose:
    """One hand shape of a right hand; angles in degrees, see `asl.rendering.joints.JOINT_LIMITS`.

    Attributes:
        thumb: CMC flexion, CMC abduction, CMC rotation, MCP flexion, IP flexion.
        index: MCP flexion, PIP flexion, DIP flexion, abduction; the same for the other fingers.
        wrist: flexion, deviation towards the thumb.
        view: how the hand is turned from fingers up and palm to the camera: yaw (positive: palm to
            the right of the picture), pitch (positive: fingertips towards the camera) and roll
            (positive: fingertips to the left), in this order.
        source: where the hand shape and the view come from.
        note: anything else, above all about variants.
        touches: pairs of places as `surface.place` names them, each with the greatest distance
            between them in millimetres. On any hand the finger named first goes to the other place.
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
        thumb=(22.9, 17.4, 26.4, 27.3, 28.5),
        index=(45, 48, 20, -1.3),
        middle=(45, 48, 20, -1.7),
        ring=(45, 47, 20, -1.6),
        little=(44, 46, 20, 1.1),
        wrist=(0, 0),
        view=(84, -8, -3),
        source=LETTERS + _VIEW,
        note='the hand of "o"; seen from the little finger\'s side',
        touches=(("thumb 3 0.85 palmar", "index 3 0.85 palmar", 3),),
    ),
    "1": Pose(
        thumb=(41, 8.1, 36.9, 32.1, 31.9),
        index=(9, 8, 4, -4),
        middle=(77.7, 95.4, 44.3, 0.6),
        ring=(75.2, 88.7, 36.2, 6.3),
        little=(79.5, 82.5, 21.7, 0.6),
        wrist=(0, 0),
        view=(6, 8, 4),
        source=NUMBERS,
        note="thumb on the middle finger; some lay it along the index finger",
        touches=(("thumb 3 0.7 palmar", "middle 2 0.4 dorsal", 5),),
    ),
    "2": Pose(
        thumb=(57.6, 7.1, 43.2, 42.4, 6.6),
        index=(3, 3, 3, 11),
        middle=(3.3, 3, 3, -11.1),
        ring=(73.7, 88.9, 40.8, 6),
        little=(81.4, 81.7, 21.6, 0.1),
        wrist=(0, 0),
        view=(2, 5, 3),
        source=NUMBERS,
        note='the hand of "v"',
        touches=(("thumb 3 0.7 palmar", "ring 2 0.4 dorsal", 7),),
    ),
    "3": Pose(
        thumb=(-3, -28, 0, 5, 5),
        index=(3, 3, 3, 6),
        middle=(3.5, 3, 3, -8.2),
        ring=(73.6, 87.2, 39.8, 4.6),
        little=(69.6, 81.7, 35.3, 0.7),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=NUMBERS,
        note="thumb, index and middle finger",
    ),
    "4": Pose(
        thumb=(58.4, 12.3, 58.3, 36.8, 54.1),
        index=(3.9, 3, 3, 12.1),
        middle=(1.5, 3, 3, 0.3),
        ring=(2.6, 3, 3, 12.1),
        little=(3, 3, 3, 26),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=NUMBERS,
        note="some point the thumb up in front of the palm",
        touches=(("thumb 3 0.9 palmar", "ring 1 0.1 palmar", 12.5),),
    ),
    "5": Pose(
        thumb=(-3, -28, 0, 5, 5),
        index=(3, 3, 3, 12),
        middle=(3, 3, 3, 0),
        ring=(3, 3, 3, 13),
        little=(3, 3, 3, 28),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=NUMBERS,
        note="",
    ),
    "6": Pose(
        thumb=(65, 12.9, 41.9, 43.5, 4.9),
        index=(3.2, 3, 3, 11.9),
        middle=(3, 3, 3, -0.5),
        ring=(3.3, 3, 3, 10.1),
        little=(81.5, 65.7, 30, 4.1),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=NUMBERS,
        note='the hand of "w": thumb on the little finger',
        touches=(("thumb 3 0.8 palmar", "little 2 0.7 dorsal", 13.5),),
    ),
    "7": Pose(
        thumb=(43.9, 25, 40.1, 62, 8.3),
        index=(3, 3, 3, 10),
        middle=(3.6, 3, 3, -0.2),
        ring=(56.7, 97.1, 36.2, 3.6),
        little=(3.7, 3, 3, 24.5),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=NUMBERS,
        note="thumb on the ring finger",
        touches=(("thumb 3 0.8 palmar", "ring 3 0.5 dorsal", 6.5),),
    ),
    "8": Pose(
        thumb=(26.3, 30, 28.7, 42.6, 52.5),
        index=(3.3, 3, 3, 11.9),
        middle=(72.7, 87.1, 36.4, 2.4),
        ring=(3.2, 3, 3, 7.9),
        little=(3, 3, 3, 22),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=NUMBERS,
        note="thumb on the middle finger",
        touches=(("thumb 3 0.8 palmar", "middle 3 0.5 dorsal", 6),),
    ),
    "9": Pose(
        thumb=(26.7, 4.5, 30.4, 31.8, 6.4),
        index=(17.9, 69, 25.5, 11.2),
        middle=(3, 3, 3, 0),
        ring=(3, 3, 3, 10),
        little=(3, 3, 3, 22),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=NUMBERS,
        note='other fingers spread; held together they make an "f"',
        touches=(("thumb 3 0.8 palmar", "index 3 0.8 palmar", 5),),
    ),
    "a": Pose(
        thumb=(24.4, -4.8, 28.8, 26.9, -8.1),
        index=(69.5, 88.6, 42.6, 2),
        middle=(72.2, 95.4, 45.2, -0.1),
        ring=(74.4, 89.2, 35.9, 7.3),
        little=(78.8, 82.2, 22.4, 0.9),
        wrist=(0, 0),
        view=(6, 12, 3),
        source=LETTERS,
        note="thumb upright beside the fist",
        touches=(("thumb 3 0.3 palmar", "index 2 0.3 radial", 4),),
    ),
    "b": Pose(
        thumb=(42, 10.4, 57.1, 36.8, 32.8),
        index=(3.2, 3.4, 2.9, -1.6),
        middle=(1.1, 2.3, 3.3, 1.3),
        ring=(2.1, 3.7, 3, -3.1),
        little=(4.9, 4.5, 3.6, -4.7),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=LETTERS,
        note="some press the thumb flat into the palm",
        touches=(("thumb 3 0.8 palmar", "middle 1 0.05 palmar", 10),),
    ),
    "c": Pose(
        thumb=(-5, 5, 25, 5, 20),
        index=(38.7, 40.6, 18, -1.6),
        middle=(39.3, 41.6, 18, -0.5),
        ring=(42, 42, 18, -1),
        little=(45, 42, 18, 0),
        wrist=(0, 0),
        view=(70, 0, -5),
        source=LETTERS + _VIEW,
        note="seen from the little finger's side; charts show more of the palm",
    ),
    "d": Pose(
        thumb=(34.7, 29.9, 42.6, 49.1, -10.2),
        index=(3, 3, 3, 0),
        middle=(49.8, 60.7, 24.5, 4.4),
        ring=(43.5, 69.7, 23.3, -8.3),
        little=(65.5, 76, 30, 0.1),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=LETTERS,
        note="round, thumb on the middle fingertip; some touch it with three fingertips",
        touches=(("thumb 3 0.8 palmar", "middle 3 0.8 palmar", 3.5),),
    ),
    "e": Pose(
        thumb=(18.6, 18.4, 24.2, 69.3, 61.4),
        index=(37.1, 97.4, 58.6, 0),
        middle=(41.1, 101.5, 58.5, -0.1),
        ring=(34.9, 97.5, 59.3, 2.3),
        little=(40.6, 94.5, 46.7, 0.1),
        wrist=(0, 0),
        view=(2, 2, -2),
        source=LETTERS,
        note="fingertips on the thumb; the open variant keeps them off it",
        touches=(
            ("thumb 3 0.5 ulnar", "middle 3 0.9 tip", 3),
            ("thumb 3 0.0 ulnar", "index 3 0.9 tip", 13.5),
            ("thumb 3 0.9 ulnar", "ring 3 0.9 tip", 10.5),
        ),
    ),
    "f": Pose(
        thumb=(27.4, 16.2, 32.1, 35, 1.7),
        index=(37.9, 54.6, 16.2, 6.3),
        middle=(2.3, 2.7, 3.1, 0.1),
        ring=(2.6, 3.4, 3.3, -1.8),
        little=(4.8, 4.7, 3.7, -2.9),
        wrist=(0, 0),
        view=(10, 0, 0),
        source=LETTERS,
        note="other fingers together in the real images, spread on most charts",
        touches=(("thumb 3 0.8 palmar", "index 3 0.7 palmar", 7.5),),
    ),
    "g": Pose(
        thumb=(18.7, -2.9, 47.4, 38.1, 25.1),
        index=(3.6, 3, 3, 2.4),
        middle=(74, 95.2, 45.1, 0.3),
        ring=(75.4, 88.6, 36.1, 6.4),
        little=(79.6, 82.6, 21.7, 0.8),
        wrist=(0, 22),
        view=(0, 20, 88),
        source=LETTERS + _VIEW,
        note="palm to the camera, pointing left; charts show the back, or two parallel fingers",
        touches=(("thumb 3 0.7 palmar", "index 1 0.7 palmar", 10.5),),
    ),
    "h": Pose(
        thumb=(61.6, 13.1, 56, 44.4, -2.3),
        index=(1.8, 2.6, 3.1, -4.6),
        middle=(14.3, 3.1, 3, -0.3),
        ring=(75, 89.2, 36.8, 4.5),
        little=(80.4, 84.4, 20.9, -2.5),
        wrist=(0, 22),
        view=(0, 25, 83),
        source=LETTERS + _VIEW,
        note="palm to the camera, pointing left",
        touches=(("thumb 3 0.7 palmar", "ring 2 0.3 dorsal", 11),),
    ),
    "i": Pose(
        thumb=(34, 30, 53.9, 53.2, 10.9),
        index=(64.2, 93.1, 49.4, -10.9),
        middle=(72.7, 99.7, 42.9, 3.5),
        ring=(73.3, 88.9, 36.6, 2.1),
        little=(6.4, 3, 3, 13.6),
        wrist=(0, 0),
        view=(5, 8, 0),
        source=LETTERS,
        note="",
        touches=(("thumb 3 0.7 palmar", "middle 2 0.5 dorsal", 9.5),),
    ),
    "j": Pose(
        thumb=(34, 30, 53.9, 53.2, 10.9),
        index=(64.2, 93.1, 49.4, -10.9),
        middle=(72.7, 99.7, 42.9, 3.5),
        ring=(73.3, 88.9, 36.6, 2.1),
        little=(6.4, 3, 3, 13.6),
        wrist=(0, 15),
        view=(-2, 8, 36),
        source=LETTERS + _VIEW,
        note="a motion; the image is its end, the little finger tilted left",
        touches=(("thumb 3 0.7 palmar", "middle 2 0.5 dorsal", 9.5),),
    ),
    "k": Pose(
        thumb=(44.5, -7.1, 21.4, 30.9, -8.6),
        index=(6.4, 4, 3, 6),
        middle=(16.1, 6, 4, -7),
        ring=(72.7, 89, 35.8, 7.1),
        little=(80, 82.9, 21.8, 0.6),
        wrist=(0, 0),
        view=(-18, 12, 0),
        source=LETTERS,
        note="thumb up between index and middle finger",
        touches=(("thumb 3 0.8 palmar", "middle 1 0.8 palmar", 21.9),),
    ),
    "l": Pose(
        thumb=(-3, -28, 0, 5, 5),
        index=(7.9, 5, 3, 2.1),
        middle=(72, 95.2, 45, 0.2),
        ring=(74.9, 88.7, 36.2, 7),
        little=(79.2, 82.3, 22.6, 1.4),
        wrist=(0, 0),
        view=(4, 8, 2),
        source=LETTERS,
        note="",
    ),
    "m": Pose(
        thumb=(48.2, 5.8, 43.2, 44.1, 57.6),
        index=(42.6, 75.8, 25.1, 0.7),
        middle=(56.5, 67.3, 30.1, -1.2),
        ring=(47.7, 84.3, 54.5, -11),
        little=(75.6, 85.1, 25, 7),
        wrist=(0, 0),
        view=(26, 12, -4),
        source=LETTERS,
        note="three fingers curled over the thumb; some only lay them in front of it",
        touches=(("thumb 3 0.9 dorsal", "ring 2 0.2 palmar", 19),),
    ),
    "n": Pose(
        thumb=(58.6, 3.3, 51.2, 39.3, 22.7),
        index=(41.4, 82.8, 39, 0.3),
        middle=(44, 78.4, 37.6, 0.5),
        ring=(65, 96.7, 37.2, 3.2),
        little=(74.8, 84.5, 29.8, -0.6),
        wrist=(0, 0),
        view=(20, 12, -4),
        source=LETTERS,
        note="two fingers curled over the thumb, whose tip shows beside them",
        touches=(("thumb 3 0.7 ulnar", "ring 2 0.3 radial", 10.1),),
    ),
    "o": Pose(
        thumb=(22.9, 17.4, 26.4, 27.3, 28.5),
        index=(45, 48, 20, -1.3),
        middle=(45, 48, 20, -1.7),
        ring=(45, 47, 20, -1.6),
        little=(44, 46, 20, 1.1),
        wrist=(0, 0),
        view=(84, -8, -3),
        source=LETTERS + _VIEW,
        note='the hand of "0"; seen from the little finger\'s side',
        touches=(("thumb 3 0.85 palmar", "index 3 0.85 palmar", 3),),
    ),
    "p": Pose(
        thumb=(39.6, 9.6, 51.4, 39.9, 0.6),
        index=(26.7, 6, 3, 3.1),
        middle=(70.3, 22.1, 12, 2.3),
        ring=(75.1, 80.7, 46.2, 3),
        little=(85.1, 80.5, 18, -1.4),
        wrist=(0, 0),
        view=(-76, 22, 64),
        source=LETTERS + _VIEW,
        note='"k" pointing left with the palm down, seen from the thumb\'s side',
        touches=(("thumb 3 0.8 palmar", "middle 2 0.1 radial", 5),),
    ),
    "q": Pose(
        thumb=(7, -4.7, -30, 44.2, 4.5),
        index=(59.8, 5, 3, 0.1),
        middle=(72.4, 95.2, 45, 0.2),
        ring=(74.9, 88.7, 35.9, 7.1),
        little=(79.5, 82.6, 22.4, 1.2),
        wrist=(0, 0),
        view=(-90, 0, 105),
        source=LETTERS + _VIEW,
        note='"g" pointing down, seen from the thumb\'s side',
    ),
    "r": Pose(
        thumb=(57.3, 7.3, 44.5, 41.1, 13.1),
        index=(23.4, 8.5, 4, -9.2),
        middle=(-5.5, 28.8, 19.9, 11.2),
        ring=(73.7, 87.3, 41.5, 5.7),
        little=(81.7, 81.5, 21.2, 0),
        wrist=(0, 0),
        view=(-5, 5, 4),
        source=LETTERS,
        note="middle finger crossed behind the index finger, which it touches",
        touches=(
            ("thumb 3 0.7 palmar", "ring 2 0.4 dorsal", 7),
            ("middle 3 0.2 palmar", "index 3 0.1 dorsal", 9.6),
        ),
    ),
    "s": Pose(
        thumb=(43.2, 28.5, 53.3, 40.6, 39.6),
        index=(67.3, 87.9, 53.4, 5.4),
        middle=(78.3, 95.1, 43.7, 1.3),
        ring=(73, 91, 34.6, 5.4),
        little=(74.3, 84.6, 25, -1.5),
        wrist=(0, 0),
        view=(8, -16, -3),
        source=LETTERS,
        note="thumb in front of the fist",
        touches=(("thumb 3 0.9 palmar", "middle 2 0.2 ulnar", 19),),
    ),
    "t": Pose(
        thumb=(24.7, -0.6, 14.2, 49.4, 27.3),
        index=(32.6, 100.7, 65.3, 17.9),
        middle=(65.4, 105.7, 38.5, 6.4),
        ring=(74, 90.1, 40.2, 2.2),
        little=(73.3, 84.2, 29.2, -2.1),
        wrist=(0, 0),
        view=(8, 12, -3),
        source=LETTERS,
        note="the thumb's tip shows between index and middle finger",
        touches=(("thumb 3 0.7 ulnar", "middle 2 0.3 radial", 11),),
    ),
    "u": Pose(
        thumb=(57.3, 16, 51.9, 48.2, 8.7),
        index=(2.9, 3, 3, -3.1),
        middle=(3.8, 2.9, 3, -1.3),
        ring=(73.6, 89.4, 40.4, 6.1),
        little=(81.3, 81.6, 21.5, 0.1),
        wrist=(0, 0),
        view=(2, 5, 2),
        source=LETTERS,
        note="",
        touches=(("thumb 3 0.7 palmar", "ring 2 0.4 dorsal", 7),),
    ),
    "v": Pose(
        thumb=(57.6, 7.1, 43.2, 42.4, 6.6),
        index=(3, 3, 3, 11),
        middle=(3.3, 3, 3, -11.1),
        ring=(73.7, 88.9, 40.8, 6),
        little=(81.4, 81.7, 21.6, 0.1),
        wrist=(0, 0),
        view=(2, 5, 3),
        source=LETTERS,
        note='the hand of "2"',
        touches=(("thumb 3 0.7 palmar", "ring 2 0.4 dorsal", 7),),
    ),
    "w": Pose(
        thumb=(65, 12.9, 41.9, 43.5, 4.9),
        index=(3.2, 3, 3, 11.9),
        middle=(3, 3, 3, -0.5),
        ring=(3.3, 3, 3, 10.1),
        little=(81.5, 65.7, 30, 4.1),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=LETTERS,
        note='the hand of "6"',
        touches=(("thumb 3 0.8 palmar", "little 2 0.7 dorsal", 13.5),),
    ),
    "x": Pose(
        thumb=(43.6, 19.4, 54.5, 40.2, 24.5),
        index=(8.3, 66, 45, -0.1),
        middle=(77.1, 97.2, 41.5, 1.5),
        ring=(75.1, 88.5, 36, 6.1),
        little=(79.2, 82.4, 22, 0.6),
        wrist=(0, 0),
        view=(-32, 8, -2),
        source=LETTERS + _VIEW,
        note="hooked index finger, hand turned to the thumb's side so that the hook shows",
        touches=(("thumb 3 0.7 palmar", "middle 2 0.4 dorsal", 4),),
    ),
    "y": Pose(
        thumb=(5.5, -35.7, 5.2, 5.7, 5),
        index=(71, 88.5, 42.3, 0.5),
        middle=(73, 95.2, 45, 0.9),
        ring=(71.3, 88.1, 37.3, -1.8),
        little=(3.9, 3, 3, 27.4),
        wrist=(0, 0),
        view=(4, 8, 0),
        source=LETTERS,
        note="",
    ),
    "z": Pose(
        thumb=(41, 8.1, 36.9, 32.1, 31.9),
        index=(9, 8, 4, -4),
        middle=(77.7, 95.4, 44.3, 0.6),
        ring=(75.2, 88.7, 36.2, 6.3),
        little=(79.5, 82.5, 21.7, 0.6),
        wrist=(0, 0),
        view=(0, 8, 28),
        source=LETTERS + _VIEW,
        note='a motion; the image is the hand of "1" tilted left',
        touches=(("thumb 3 0.7 palmar", "middle 2 0.4 dorsal", 5),),
    ),
}

"""The hand shapes of the 36 signs as joint angles: data, and nothing else.

Drawn by hand, then relaxed on the mesh of `asl.hand_model` so that what should touch touches, and
stored as the plain angles that came out. Fingers still sink into each other by up to 5.1 mm and
into the palm by up to 7.0 mm. The sources are named from memory; nobody has compared the shapes
with the charts yet. Two shapes differ only in where the hand points or what the picture shows of a
motion.

Angles and views were corrected by eye against pictures of all five signers of the dataset, and
after looking at which of them networks trained on renders got wrong: what is trained on renders
alone has seen no real picture, but these poses were not made blind to them.
"""

from typing import NamedTuple

_LIFEPRINT = "W. Vicars, ASL University (lifeprint.com), fingerspelling and number charts"
_BARCZAK = "Barczak et al. 2011, the view of the Massey University images; shape as in Lifeprint"


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
        thumb=(29.6, 21.8, 30.3, 24.3, 34.1),
        index=(55.3, 53, 6.9, -0.7),
        middle=(54.2, 63.8, 23.8, -2.5),
        ring=(45, 68, 30, -1),
        little=(48, 68, 30, 0),
        wrist=(0, 0),
        view=(70, 0, -3),
        source=_BARCZAK,
        note='the hand of "o"; seen from the little finger\'s side',
    ),
    "1": Pose(
        thumb=(28.6, -10.3, 8.7, 43.4, 35.2),
        index=(17, 8, 4, -4),
        middle=(77.6, 91.8, 70, 0.1),
        ring=(80, 86, 44, 4),
        little=(90, 82, 20, 11),
        wrist=(0, 0),
        view=(8, 14, 5),
        source=_LIFEPRINT,
        note="thumb on the middle finger; some lay it along the index finger",
    ),
    "2": Pose(
        thumb=(52.5, -0.5, 12.4, 33.9, 22.4),
        index=(3, 3, 3, 11),
        middle=(3, 3, 3, -11),
        ring=(79.5, 87.5, 49.9, 4.4),
        little=(90, 82, 20, 11),
        wrist=(0, 0),
        view=(2, 5, 3),
        source=_LIFEPRINT,
        note='the hand of "v"',
    ),
    "3": Pose(
        thumb=(-3, -28, 0, 5, 5),
        index=(3, 3, 3, 6),
        middle=(3, 3, 3, -8),
        ring=(75.6, 84.4, 40, 5),
        little=(60.5, 69, 39.5, 5),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="thumb, index and middle finger",
    ),
    "4": Pose(
        thumb=(53.7, 13.8, 60, 65.5, 30.4),
        index=(3, 3, 3, 12),
        middle=(3, 3, 3, 0),
        ring=(3, 3, 3, 12),
        little=(3, 3, 3, 22),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="some point the thumb up before the palm",
    ),
    "5": Pose(
        thumb=(-3, -28, 0, 5, 5),
        index=(3, 3, 3, 12),
        middle=(3, 3, 3, 0),
        ring=(3, 3, 3, 10),
        little=(3, 3, 3, 22),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="",
    ),
    "6": Pose(
        thumb=(65, -7.1, 24.8, 52.8, -25),
        index=(3, 3, 3, 12),
        middle=(3, 3, 3, 0),
        ring=(3, 3, 3, 10),
        little=(86.3, 49.6, 29.9, 12),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note='the hand of "w": thumb on the little finger',
    ),
    "7": Pose(
        thumb=(46.7, 23.3, 36, 53.8, 19.5),
        index=(3, 3, 3, 10),
        middle=(3, 3, 3, 0),
        ring=(77.6, 79.9, 28, 8.2),
        little=(3, 3, 3, 25),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="thumb on the ring finger",
    ),
    "8": Pose(
        thumb=(31.8, 24.3, 33.4, 42.1, 28.2),
        index=(3, 3, 3, 12),
        middle=(69.3, 82.4, 39.5, -0.3),
        ring=(3, 3, 3, 8),
        little=(3, 3, 3, 22),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="thumb on the middle finger",
    ),
    "9": Pose(
        thumb=(18.4, 3.4, 23.3, 23.8, 52.7),
        index=(31.1, 79.3, 30.1, 16.8),
        middle=(3, 3, 3, 0),
        ring=(3, 3, 3, 10),
        little=(3, 3, 3, 22),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note='other fingers spread; together they make an "f"',
    ),
    "a": Pose(
        thumb=(17.1, -22.2, 17, 32.7, 12.7),
        index=(72, 88, 52, 4),
        middle=(78, 92, 70, 0),
        ring=(80, 86, 44, 4),
        little=(90, 82, 20, 11),
        wrist=(0, 0),
        view=(8, 12, -6),
        source=_LIFEPRINT,
        note="thumb upright beside the fist",
    ),
    "b": Pose(
        thumb=(56.2, 7.8, 60, 55.8, 18.1),
        index=(3, 3, 3, -4),
        middle=(3, 3, 3, 0.1),
        ring=(3, 3, 3, -2.9),
        little=(3, 3, 3, 0),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="some press the thumb flat into the palm",
    ),
    "c": Pose(
        thumb=(-5, 5, 25, 5, 20),
        index=(38, 45, 15, -2),
        middle=(40, 46, 15, 0),
        ring=(42, 46, 15, -1),
        little=(45, 46, 15, 0),
        wrist=(0, 0),
        view=(70, 0, -5),
        source=_BARCZAK,
        note="seen from the little finger's side; charts turn it more to the palm",
    ),
    "d": Pose(
        thumb=(32.8, 20.3, 28.4, 32.9, 27.2),
        index=(3, 3, 3, 0),
        middle=(53.4, 66.3, 21.7, -0.7),
        ring=(67, 77.1, 32, 0),
        little=(56.6, 71.8, 32, 4),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="round, thumb on the middle fingertip; some let three fingertips touch",
    ),
    "e": Pose(
        thumb=(10.8, -6.1, 18.4, 64.3, 74.8),
        index=(34, 98.4, 35.2, 1.5),
        middle=(41.4, 105.8, 40.1, 0.4),
        ring=(42, 105, 38, -1),
        little=(47.6, 101.3, 33.9, -1),
        wrist=(0, 0),
        view=(2, 2, -2),
        source=_LIFEPRINT,
        note="fingertips on the thumb; the open variant keeps them off it",
    ),
    "f": Pose(
        thumb=(19.8, 16.4, 30.4, 29.3, 26.5),
        index=(43.8, 60.7, 20.8, 4.5),
        middle=(3.2, 3, 3, -2.7),
        ring=(2.7, 3, 3, -0.6),
        little=(3, 3, 3, 3),
        wrist=(0, 0),
        view=(10, 0, 0),
        source=_LIFEPRINT,
        note="other fingers together in the real images, fanned on most charts",
    ),
    "g": Pose(
        thumb=(15.6, -13.1, 33.5, 38.5, 40.6),
        index=(3.8, 3, 3, 2.2),
        middle=(78, 92, 70, 0),
        ring=(80, 86, 44, 4),
        little=(90, 82, 20, 11),
        wrist=(0, 22),
        view=(0, 20, 88),
        source=_BARCZAK,
        note="palm to the camera, pointing left; charts show the back or two parallel fingers",
    ),
    "h": Pose(
        thumb=(19.5, -5.2, 27.4, 45.3, 47.5),
        index=(3, 3, 3, -4),
        middle=(13.3, 3, 3, 1),
        ring=(82.4, 85.5, 45.8, 4.5),
        little=(90, 82, 20, 11),
        wrist=(0, 22),
        view=(0, 25, 83),
        source=_BARCZAK,
        note="palm to the camera, pointing left",
    ),
    "i": Pose(
        thumb=(26.2, 2.6, 8, 39.2, 49.2),
        index=(74, 90, 56, 5),
        middle=(78, 92, 70, 0),
        ring=(80, 86, 44, 4),
        little=(3, 3, 3, 16),
        wrist=(0, 0),
        view=(5, 8, 0),
        source=_LIFEPRINT,
        note="",
    ),
    "j": Pose(
        thumb=(26.2, 2.6, 8, 39.2, 49.2),
        index=(74, 90, 56, 5),
        middle=(78, 92, 70, 0),
        ring=(80, 86, 44, 4),
        little=(3, 3, 3, 16),
        wrist=(0, 15),
        view=(-2, 8, 36),
        source=_BARCZAK,
        note="a motion; the image is its end, the little finger tilted left",
    ),
    "k": Pose(
        thumb=(33.2, -7, 34.4, 37.8, 21.9),
        index=(12, 5, 3, 6),
        middle=(24, 8, 4, -7),
        ring=(80, 86, 44, 4),
        little=(90, 82, 20, 11),
        wrist=(0, 0),
        view=(-14, 12, -1),
        source=_LIFEPRINT,
        note="thumb tip between index and middle finger",
    ),
    "l": Pose(
        thumb=(-3, -28, 0, 5, 5),
        index=(8, 5, 3, 2),
        middle=(78, 92, 70, 0),
        ring=(80, 86, 44, 4),
        little=(90, 82, 20, 11),
        wrist=(0, 0),
        view=(4, 8, 2),
        source=_LIFEPRINT,
        note="",
    ),
    "m": Pose(
        thumb=(38.6, -2.9, 36.1, 70, 22.8),
        index=(69.5, 74, 33, 5.8),
        middle=(71.1, 77.4, 35, 2.1),
        ring=(61.3, 74.2, 35, -0.2),
        little=(82.8, 78, 20, 15.4),
        wrist=(0, 0),
        view=(30, 12, -9),
        source=_LIFEPRINT,
        note="three fingers over the thumb; some only lay them in front of it",
    ),
    "n": Pose(
        thumb=(41.1, -5.5, 35.2, 56.1, 9.3),
        index=(60.3, 80, 41.2, 2.9),
        middle=(50.9, 74.7, 42, 0.8),
        ring=(83.7, 84.6, 47.5, 5.7),
        little=(90, 82, 20, 11),
        wrist=(0, 0),
        view=(24, 12, -9),
        source=_LIFEPRINT,
        note="two fingers over the thumb",
    ),
    "o": Pose(
        thumb=(29.6, 21.8, 30.3, 24.3, 34.1),
        index=(55.3, 53, 6.9, -0.7),
        middle=(54.2, 63.8, 23.8, -2.5),
        ring=(45, 68, 30, -1),
        little=(48, 68, 30, 0),
        wrist=(0, 0),
        view=(70, 0, -3),
        source=_BARCZAK,
        note='the hand of "0"; seen from the little finger\'s side',
    ),
    "p": Pose(
        thumb=(13.3, 3.2, 9.9, 42.4, 25.4),
        index=(26, 6, 3, 3),
        middle=(74, 22, 12, 0),
        ring=(80, 86, 46, 0),
        little=(86, 82, 20, 0),
        wrist=(0, 0),
        view=(-76, 22, 64),
        source=_BARCZAK,
        note='"k" pointing left with the palm down, seen from the thumb\'s side',
    ),
    "q": Pose(
        thumb=(7, -4.7, -30, 44.2, 4.5),
        index=(60, 5, 3, 0),
        middle=(78, 92, 70, 0),
        ring=(80, 86, 44, 4),
        little=(90, 82, 20, 11),
        wrist=(0, 0),
        view=(-90, 0, 105),
        source=_BARCZAK,
        note='"g" pointing down, seen from the thumb\'s side',
    ),
    "r": Pose(
        thumb=(52.5, -0.5, 12.4, 33.9, 22.4),
        index=(17.6, 6, 3, -5),
        middle=(-7.7, 12, 5, 11.9),
        ring=(79.5, 87.5, 49.9, 4.4),
        little=(90, 82, 20, 11),
        wrist=(0, 0),
        view=(-5, 5, 0),
        source=_LIFEPRINT,
        note="middle finger crossed behind the index finger",
    ),
    "s": Pose(
        thumb=(31.5, 4.4, 11.6, 35.5, 41.5),
        index=(72, 88, 62, 4),
        middle=(78, 92, 70, 0),
        ring=(80, 86, 44, 4),
        little=(90, 82, 20, 11),
        wrist=(0, 0),
        view=(8, 12, -8),
        source=_LIFEPRINT,
        note="thumb before the fist",
    ),
    "t": Pose(
        thumb=(28.7, -5.9, 39, 47.2, 20.5),
        index=(38.3, 75.4, 56.6, 19.6),
        middle=(79.6, 88.6, 70, -8.2),
        ring=(80, 86, 44, 4),
        little=(90, 82, 20, 11),
        wrist=(0, 0),
        view=(8, 12, -8),
        source=_LIFEPRINT,
        note="thumb between index and middle finger",
    ),
    "u": Pose(
        thumb=(52.5, -0.5, 12.4, 33.9, 22.4),
        index=(3, 3, 3, -3),
        middle=(3, 3, 3, 0),
        ring=(79.5, 87.5, 49.9, 4.4),
        little=(90, 82, 20, 11),
        wrist=(0, 0),
        view=(2, 5, 2),
        source=_LIFEPRINT,
        note="",
    ),
    "v": Pose(
        thumb=(52.5, -0.5, 12.4, 33.9, 22.4),
        index=(3, 3, 3, 11),
        middle=(3, 3, 3, -11),
        ring=(79.5, 87.5, 49.9, 4.4),
        little=(90, 82, 20, 11),
        wrist=(0, 0),
        view=(2, 5, 3),
        source=_LIFEPRINT,
        note='the hand of "2"',
    ),
    "w": Pose(
        thumb=(65, -7.1, 24.8, 52.8, -25),
        index=(3, 3, 3, 12),
        middle=(3, 3, 3, 0),
        ring=(3, 3, 3, 10),
        little=(86.3, 49.6, 29.9, 12),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note='the hand of "6"',
    ),
    "x": Pose(
        thumb=(20.7, -11, 8.9, 50.1, 36.1),
        index=(8, 66, 45, 0),
        middle=(77.6, 91.8, 70, 0.1),
        ring=(80, 86, 44, 4),
        little=(90, 82, 20, 11),
        wrist=(0, 0),
        view=(-32, 8, -2),
        source=_BARCZAK,
        note="hooked index finger, hand turned to the thumb's side so that the hook shows",
    ),
    "y": Pose(
        thumb=(0, -30, 0, 5, 5),
        index=(72, 88, 52, 4),
        middle=(78, 92, 70, 0),
        ring=(80, 86, 44, 4),
        little=(3, 3, 3, 25),
        wrist=(0, 0),
        view=(4, 8, 0),
        source=_LIFEPRINT,
        note="",
    ),
    "z": Pose(
        thumb=(28.6, -10.3, 8.7, 43.4, 35.2),
        index=(17, 8, 4, -4),
        middle=(77.6, 91.8, 70, 0.1),
        ring=(80, 86, 44, 4),
        little=(90, 82, 20, 11),
        wrist=(0, 0),
        view=(0, 12, 23),
        source=_BARCZAK,
        note='a motion; the image is the hand of "1" tilted left',
    ),
}

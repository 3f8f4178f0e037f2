"""The hand shapes of the 36 signs as joint angles: data, and nothing else.

Drawn by hand from the sources named, then relaxed on the mesh of `asl.hand_model` so that what
should touch touches and nothing passes through anything else, and stored as the plain angles that
came out. Two shapes differ only in where the hand points or what the picture shows of a motion.
"""

from typing import NamedTuple

_LIFEPRINT = "W. Vicars, ASL University (lifeprint.com), fingerspelling and number charts"
_BARCZAK = "Barczak et al. 2011, the view of the Massey University images; shape as in Lifeprint"


class Pose(NamedTuple):
    """One hand shape of a right hand; angles in degrees, see `asl.hand_model.JOINT_LIMITS`.

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
        thumb=(29.1, 23.8, 30.2, 24.6, 36.7),
        index=(57.9, 54.6, 0.9, -0.3),
        middle=(56.7, 62.5, 22.2, -2.8),
        ring=(45, 68, 30, -1),
        little=(48, 68, 30, 0),
        wrist=(0, 0),
        view=(70, 0, -3),
        source=_BARCZAK,
        note="the hand of \"o\"; seen from the little finger's side",
    ),
    "1": Pose(
        thumb=(42.4, 9.3, 48.6, 33.3, 41),
        index=(3, 3, 3, 0),
        middle=(95, 49, 50, 0.8),
        ring=(71.6, 86.1, 48.9, 4),
        little=(63.1, 72, 45, 9),
        wrist=(0, 0),
        view=(-8, 0, 3),
        source=_LIFEPRINT,
        note="thumb on the middle finger; some lay it along the index finger",
    ),
    "2": Pose(
        thumb=(60.6, 6.4, 51.7, 39.3, 18.2),
        index=(3, 3, 3, 11),
        middle=(3, 3, 3, -11),
        ring=(88.1, 80.6, 41.1, 4.5),
        little=(59.9, 75.8, 45, 8),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note='the hand of "v"',
    ),
    "3": Pose(
        thumb=(-3, -28, 0, 5, 5),
        index=(3, 3, 3, 6),
        middle=(3, 3, 3, -8),
        ring=(78.9, 87.9, 40, 5),
        little=(62.7, 71.7, 40, 5),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="thumb, index and middle finger",
    ),
    "4": Pose(
        thumb=(56.6, 13.3, 60, 65, 28.7),
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
        thumb=(65, -2.6, 29.4, 59.2, -24.6),
        index=(3, 3, 3, 12),
        middle=(3, 3, 3, 0),
        ring=(3, 3, 3, 10),
        little=(95, 51.8, 30, 12.3),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note='the hand of "w": thumb on the little finger',
    ),
    "7": Pose(
        thumb=(47.8, 24.3, 34.7, 55.2, 20.5),
        index=(3, 3, 3, 10),
        middle=(3, 3, 3, 0),
        ring=(82.1, 77.1, 25.1, 8.3),
        little=(3, 3, 3, 25),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="thumb on the ring finger",
    ),
    "8": Pose(
        thumb=(31.9, 25.5, 31.1, 42, 33.2),
        index=(3, 3, 3, 12),
        middle=(73.9, 79.7, 35.3, -0.2),
        ring=(3, 3, 3, 8),
        little=(3, 3, 3, 22),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="thumb on the middle finger",
    ),
    "9": Pose(
        thumb=(18.8, 4.2, 23.8, 24.1, 53),
        index=(31.5, 79.4, 29, 16.8),
        middle=(3, 3, 3, 0),
        ring=(3, 3, 3, 10),
        little=(3, 3, 3, 22),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note='other fingers spread; together they make an "f"',
    ),
    "a": Pose(
        thumb=(27.6, -9.1, 32.3, 14.8, 12.7),
        index=(55.9, 76.3, 43.5, 6.3),
        middle=(70.1, 90.4, 50, 0),
        ring=(71.9, 85.7, 49.7, 5),
        little=(64.3, 70.6, 45, 11),
        wrist=(0, 0),
        view=(0, 0, -6),
        source=_LIFEPRINT,
        note="thumb upright beside the fist",
    ),
    "b": Pose(
        thumb=(56.7, 8, 60, 55.6, 17.3),
        index=(3, 3, 3, -4),
        middle=(3, 3, 3, 0),
        ring=(3, 3, 3, -3),
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
        thumb=(33, 21.8, 25.7, 32.4, 28.4),
        index=(3, 3, 3, 0),
        middle=(60.6, 56.3, 26.6, -0.7),
        ring=(72, 68, 30, 0),
        little=(66.5, 64.4, 30, 4),
        wrist=(0, 0),
        view=(-5, 0, 0),
        source=_LIFEPRINT,
        note="round, thumb on the middle fingertip; some let three fingertips touch",
    ),
    "e": Pose(
        thumb=(37.4, 5.4, 30, 57.1, 39.4),
        index=(32.1, 100.3, 50.5, 6),
        middle=(27.8, 100.8, 52.8, 0),
        ring=(22.4, 98.6, 53.6, 5),
        little=(41.1, 99.6, 47.7, 10),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="fingertips on the thumb; the open variant keeps them off it",
    ),
    "f": Pose(
        thumb=(20, 16.4, 30.3, 29.5, 27.4),
        index=(43.7, 60.6, 20.5, 4.5),
        middle=(3, 3, 3, -3),
        ring=(3, 3, 3, -1),
        little=(3, 3, 3, 3),
        wrist=(0, 0),
        view=(10, 0, 0),
        source=_LIFEPRINT,
        note="other fingers together in the real images, fanned on most charts",
    ),
    "g": Pose(
        thumb=(24.5, -33.8, 10.4, 14, 18.1),
        index=(2.2, 3, 3, 1.6),
        middle=(71.9, 89.3, 50, 0),
        ring=(71.8, 85.5, 49.3, 4),
        little=(63.1, 72, 45, 9),
        wrist=(0, 22),
        view=(0, 20, 88),
        source=_BARCZAK,
        note="palm to the camera, pointing left; charts show the back or two parallel fingers",
    ),
    "h": Pose(
        thumb=(62, -2.6, 60, 16.3, 24.3),
        index=(3, 3, 3, -4),
        middle=(13.1, 3, 3, 1.1),
        ring=(71.4, 86.7, 48.5, 4),
        little=(62, 73.3, 45, 8),
        wrist=(0, 22),
        view=(0, 25, 83),
        source=_BARCZAK,
        note="palm to the camera, pointing left",
    ),
    "i": Pose(
        thumb=(33.7, 12.9, 47.1, 31.7, 35.9),
        index=(95, 70.7, 34, 19),
        middle=(95, 49.5, 50, -2.4),
        ring=(71.4, 86.8, 49.1, 5),
        little=(3, 3, 3, 18),
        wrist=(0, 0),
        view=(5, 0, 0),
        source=_LIFEPRINT,
        note="",
    ),
    "j": Pose(
        thumb=(33.7, 12.9, 47.1, 31.7, 35.9),
        index=(95, 70.7, 34, 19),
        middle=(95, 49.5, 50, -2.4),
        ring=(71.4, 86.8, 49.1, 5),
        little=(3, 3, 3, 18),
        wrist=(0, 15),
        view=(-5, 0, 38),
        source=_BARCZAK,
        note="a motion; the image is its end, the little finger tilted left",
    ),
    "k": Pose(
        thumb=(57.8, 0.3, 60, 27.2, 7.1),
        index=(3, 3, 3, 2),
        middle=(28.8, 5, 3, 0.3),
        ring=(71.4, 86.7, 48.5, 4),
        little=(63, 72.3, 45, 6),
        wrist=(0, 0),
        view=(-14, 0, 0),
        source=_LIFEPRINT,
        note="thumb tip between index and middle finger",
    ),
    "l": Pose(
        thumb=(-3, -28, 0, 5, 5),
        index=(3, 3, 3, 2),
        middle=(70.9, 89.9, 50, 0),
        ring=(71.6, 86.1, 48.9, 4),
        little=(63.1, 72, 45, 9),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="",
    ),
    "m": Pose(
        thumb=(56.3, 11.4, 44.2, 50.7, 58.6),
        index=(60.3, 79.2, 25, 6.3),
        middle=(60, 80, 25, -0),
        ring=(57.9, 79.8, 24.9, 4),
        little=(63.1, 72.5, 49.9, 13.9),
        wrist=(0, 0),
        view=(14, 0, -3),
        source=_LIFEPRINT,
        note="three fingers over the thumb; some only lay them in front of it",
    ),
    "n": Pose(
        thumb=(64, 18.6, 41, 46.2, 78.4),
        index=(58.6, 79.3, 25, 6.2),
        middle=(59.8, 79.8, 24.9, 0),
        ring=(72.7, 86.9, 50.3, 6),
        little=(65.6, 69.3, 50, 12),
        wrist=(0, 0),
        view=(8, 0, -3),
        source=_LIFEPRINT,
        note="two fingers over the thumb",
    ),
    "o": Pose(
        thumb=(29.1, 23.8, 30.2, 24.6, 36.7),
        index=(57.9, 54.6, 0.9, -0.3),
        middle=(56.7, 62.5, 22.2, -2.8),
        ring=(45, 68, 30, -1),
        little=(48, 68, 30, 0),
        wrist=(0, 0),
        view=(70, 0, -3),
        source=_BARCZAK,
        note="the hand of \"0\"; seen from the little finger's side",
    ),
    "p": Pose(
        thumb=(32.1, 2.9, 37.8, 37.8, 43.1),
        index=(26, 5, 3, 3),
        middle=(94.2, 29.7, 12, -0.4),
        ring=(74.2, 87.5, 48.3, 0),
        little=(57.5, 79.5, 50, -0),
        wrist=(0, 0),
        view=(-80, 30, 66),
        source=_BARCZAK,
        note="\"k\" pointing left with the palm down, seen from the thumb's side",
    ),
    "q": Pose(
        thumb=(0, 0, 10, 10, 5),
        index=(60, 5, 3, 0),
        middle=(72.5, 88.9, 50, 0),
        ring=(74.3, 84.4, 49.7, 4),
        little=(60.4, 75.1, 50, 8),
        wrist=(0, 0),
        view=(-90, 0, 105),
        source=_BARCZAK,
        note="\"g\" pointing down, seen from the thumb's side",
    ),
    "r": Pose(
        thumb=(60.6, 6.6, 51.9, 39.4, 18.6),
        index=(14, 6, 3, -3),
        middle=(-4, 10, 5, 9),
        ring=(88.6, 79.3, 42.7, 4.5),
        little=(60.9, 74.5, 45, 8),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="middle finger crossed behind the index finger",
    ),
    "s": Pose(
        thumb=(33.7, 13.1, 47.5, 32, 35.8),
        index=(95, 70.9, 34.2, 18.9),
        middle=(95, 49.7, 50, -2.4),
        ring=(71.9, 85.7, 49.7, 5),
        little=(64.3, 70.6, 45, 11),
        wrist=(0, 0),
        view=(0, 0, -5),
        source=_LIFEPRINT,
        note="thumb before the fist",
    ),
    "t": Pose(
        thumb=(57.2, 4.2, -1.7, 22.8, 6.4),
        index=(53.5, 87.4, 45.2, 12.2),
        middle=(68.9, 91.2, 49.1, -3.9),
        ring=(78.1, 88.2, 45, 5),
        little=(64.6, 69, 40, 11),
        wrist=(0, 0),
        view=(0, 0, -5),
        source=_LIFEPRINT,
        note="thumb between index and middle finger",
    ),
    "u": Pose(
        thumb=(60.6, 6.6, 51.9, 39.4, 18.6),
        index=(3, 3, 3, -3),
        middle=(3, 3, 3, 0),
        ring=(88.6, 79.3, 42.7, 4.5),
        little=(60.9, 74.5, 45, 8),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="",
    ),
    "v": Pose(
        thumb=(60.6, 6.4, 51.7, 39.3, 18.2),
        index=(3, 3, 3, 11),
        middle=(3, 3, 3, -11),
        ring=(88.1, 80.6, 41.1, 4.5),
        little=(59.9, 75.8, 45, 8),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note='the hand of "2"',
    ),
    "w": Pose(
        thumb=(65, -2.6, 29.4, 59.2, -24.6),
        index=(3, 3, 3, 12),
        middle=(3, 3, 3, 0),
        ring=(3, 3, 3, 10),
        little=(95, 51.8, 30, 12.3),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note='the hand of "6"',
    ),
    "x": Pose(
        thumb=(35.5, 1.6, 38, 33.5, 35.3),
        index=(5, 58, 45, 0),
        middle=(68.7, 84.6, 50, -0),
        ring=(71.6, 86.1, 48.9, 4),
        little=(63.1, 72, 45, 9),
        wrist=(0, 0),
        view=(-42, 0, 0),
        source=_BARCZAK,
        note="hooked index finger, hand turned to the thumb's side so that the hook shows",
    ),
    "y": Pose(
        thumb=(0, -30, 0, 5, 5),
        index=(47.5, 82.1, 43.6, 3),
        middle=(71.9, 89.3, 50, 0),
        ring=(74.2, 85.8, 43.9, 4),
        little=(3, 3, 3, 25),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="",
    ),
    "z": Pose(
        thumb=(42.4, 9.3, 48.6, 33.3, 41),
        index=(3, 3, 3, 0),
        middle=(95, 49, 50, 0.8),
        ring=(71.6, 86.1, 48.9, 4),
        little=(63.1, 72, 45, 9),
        wrist=(0, 0),
        view=(-18, 0, 20),
        source=_BARCZAK,
        note='a motion; the image is the hand of "1" tilted left',
    ),
}

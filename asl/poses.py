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
        thumb=(23.5, 30, 25.9, 21.6, 38.9),
        index=(75.6, 51.4, -5.3, 15.6),
        middle=(69.4, 55.9, 17.7, -25),
        ring=(47, 66, 30, 4),
        little=(50, 66, 30, 8),
        wrist=(0, 0),
        view=(58, 0, -3),
        source=_BARCZAK,
        note="the hand of \"o\"; seen from the little finger's side",
    ),
    "1": Pose(
        thumb=(43.8, 18.4, 50.1, 43.4, 21.9),
        index=(3, 3, 3, 0),
        middle=(95, 90, 46.5, -8.2),
        ring=(72.8, 90.6, 47.9, 4.4),
        little=(82.1, 91.3, 44.8, 8.5),
        wrist=(0, 0),
        view=(-8, 0, 3),
        source=_LIFEPRINT,
        note="thumb on the middle finger; some lay it along the index finger",
    ),
    "2": Pose(
        thumb=(65, 6, 45.1, 43.9, -7.2),
        index=(3, 3, 3, 9),
        middle=(3, 3, 3, -7),
        ring=(95, 100.2, 11.4, 18.7),
        little=(79.2, 94, 50, 4.9),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note='the hand of "v"',
    ),
    "3": Pose(
        thumb=(-3, -28, 0, 5, 5),
        index=(3, 3, 3, 6),
        middle=(3, 3, 3, -8),
        ring=(80, 90, 40, 5),
        little=(83.7, 89.5, 40, 5),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="thumb, index and middle finger",
    ),
    "4": Pose(
        thumb=(65, -0.1, 57.4, 56.6, 26),
        index=(3, 3, 3, 12),
        middle=(3, 3, 3, 0),
        ring=(1.7, 3, 3, 11.7),
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
        thumb=(65, -0.5, 35.3, 65.3, -24.9),
        index=(3, 3, 3, 12),
        middle=(3, 3, 3, 0),
        ring=(3, 3, 3, 10),
        little=(95, 89.3, 26.2, 35),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note='the hand of "w": thumb on the little finger',
    ),
    "7": Pose(
        thumb=(45.9, 26.8, 33.9, 54.7, 21.4),
        index=(3, 3, 3, 10),
        middle=(3, 3, 3, 0),
        ring=(83.5, 77.9, 26.1, 22),
        little=(3, 3, 3, 25),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="thumb on the ring finger",
    ),
    "8": Pose(
        thumb=(31.5, 28.8, 31.5, 41.8, 32.7),
        index=(3, 3, 3, 12),
        middle=(76.4, 80.1, 36.2, -8.8),
        ring=(3, 3, 3, 8),
        little=(3, 3, 3, 22),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="thumb on the middle finger",
    ),
    "9": Pose(
        thumb=(15, 10.8, 22.9, 25.1, 45.9),
        index=(39.1, 69.9, 27.8, -25),
        middle=(3, 3, 3, 0),
        ring=(3, 3, 3, 10),
        little=(3, 3, 3, 22),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note='other fingers spread; together they make an "f"',
    ),
    "a": Pose(
        thumb=(24.3, -18, 19.1, 17.3, 20.9),
        index=(72.4, 100, 48.9, 7.4),
        middle=(76, 100, 50, 0),
        ring=(73.2, 89.9, 47.5, 6),
        little=(81.9, 88.9, 43.9, 9.3),
        wrist=(0, 0),
        view=(0, 0, -6),
        source=_LIFEPRINT,
        note="thumb upright beside the fist",
    ),
    "b": Pose(
        thumb=(64.9, -0.3, 60, 54.7, -6.9),
        index=(3, 3, 3, 1),
        middle=(3, 3, 3, 0),
        ring=(0.7, 3, 3, 3.7),
        little=(3, 3, 3, 9),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="some press the thumb flat into the palm",
    ),
    "c": Pose(
        thumb=(-5, 5, 25, 5, 20),
        index=(42, 42, 15, 2),
        middle=(44, 42, 15, 0),
        ring=(46, 42, 15, 4),
        little=(48, 42, 15, 8),
        wrist=(0, 0),
        view=(60, 0, -5),
        source=_BARCZAK,
        note="seen from the little finger's side; charts turn it more to the palm",
    ),
    "d": Pose(
        thumb=(32.4, 20.8, 23.3, 29.8, 28.2),
        index=(3, 3, 3, 0),
        middle=(60.1, 57.6, 29.2, -25),
        ring=(72, 68, 30, 0),
        little=(75, 72, 30, 4),
        wrist=(0, 0),
        view=(-5, 0, 0),
        source=_LIFEPRINT,
        note="round, thumb on the middle fingertip; some let three fingertips touch",
    ),
    "e": Pose(
        thumb=(49.3, -5.7, 30.5, 57.4, 43.8),
        index=(35.8, 102.2, 48.1, 10.4),
        middle=(27.9, 103.5, 56.9, 1.3),
        ring=(20, 101, 56.9, 4.9),
        little=(44, 108, 50, 10),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="fingertips on the thumb; the open variant keeps them off it",
    ),
    "f": Pose(
        thumb=(19.4, 15.5, 26.4, 27.3, 28.8),
        index=(42.2, 59.9, 26.4, -23.9),
        middle=(3, 3, 3, -2),
        ring=(3, 3, 3, 3),
        little=(3, 3, 3, 9),
        wrist=(0, 0),
        view=(10, 0, 0),
        source=_LIFEPRINT,
        note="other fingers together in the real images, fanned on most charts",
    ),
    "g": Pose(
        thumb=(30.5, -22.9, 27.4, 10.1, 5.9),
        index=(4.7, 3, 3, 9.2),
        middle=(78, 98, 50, 0),
        ring=(73, 89.7, 47.4, 5),
        little=(82.1, 91.3, 44.8, 8.5),
        wrist=(0, 22),
        view=(0, 0, 88),
        source=_BARCZAK,
        note="palm to the camera, pointing left; charts show the back or two parallel fingers",
    ),
    "h": Pose(
        thumb=(53.4, -1.7, 52, 38.2, -11.7),
        index=(3, 3, 3, 1),
        middle=(15.4, 3, 3, -2),
        ring=(75.4, 88.6, 48.7, 4.3),
        little=(79.9, 93.3, 50, 7.9),
        wrist=(0, 22),
        view=(0, 0, 85),
        source=_BARCZAK,
        note="palm to the camera, pointing left",
    ),
    "i": Pose(
        thumb=(51.5, 18.3, 60, 41.3, 10.3),
        index=(49.9, 110.5, 51.2, 14.8),
        middle=(95, 98.5, 17.2, -7),
        ring=(73, 91.9, 48.7, 5.1),
        little=(3, 3, 3, 15),
        wrist=(0, 0),
        view=(5, 0, 0),
        source=_LIFEPRINT,
        note="",
    ),
    "j": Pose(
        thumb=(51.5, 18.3, 60, 41.3, 10.3),
        index=(49.9, 110.5, 51.2, 14.8),
        middle=(95, 98.5, 17.2, -7),
        ring=(73, 91.9, 48.7, 5.1),
        little=(3, 3, 3, 15),
        wrist=(0, 15),
        view=(5, 0, 45),
        source=_BARCZAK,
        note="a motion; the image is its end, the little finger tilted left",
    ),
    "k": Pose(
        thumb=(52.3, 0.2, 54.5, 39.1, -2.7),
        index=(3, 3, 3, 4),
        middle=(22, 5, 3, -5),
        ring=(76.7, 94.3, 50, 4),
        little=(80, 93.3, 50, 5.9),
        wrist=(0, 0),
        view=(-12, 0, 0),
        source=_LIFEPRINT,
        note="thumb tip between index and middle finger",
    ),
    "l": Pose(
        thumb=(-3, -28, 0, 5, 5),
        index=(3, 3, 3, 2),
        middle=(76, 98, 50, 0),
        ring=(72.8, 90.6, 47.9, 4.4),
        little=(82.1, 91.3, 44.8, 8.5),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="",
    ),
    "m": Pose(
        thumb=(56.7, 0.5, 32.9, 48.5, 43.2),
        index=(69.1, 74.8, 11.8, 23.1),
        middle=(55.8, 85.1, 26.3, 0.2),
        ring=(54.5, 70, 37.3, 29),
        little=(72.6, 90.6, 51.8, 12.2),
        wrist=(0, 0),
        view=(5, 0, -3),
        source=_LIFEPRINT,
        note="three fingers over the thumb; some only lay them in front of it",
    ),
    "n": Pose(
        thumb=(49.7, -0.3, 30.9, 41.6, 40.1),
        index=(57.3, 77.4, 19.4, 31.3),
        middle=(44.2, 82.7, 33.7, -7.2),
        ring=(70.2, 90.8, 51.9, 6.9),
        little=(79.6, 88.4, 48.6, 10.5),
        wrist=(0, 0),
        view=(0, 0, -3),
        source=_LIFEPRINT,
        note="two fingers over the thumb",
    ),
    "o": Pose(
        thumb=(23.5, 30, 25.9, 21.6, 38.9),
        index=(75.6, 51.4, -5.3, 15.6),
        middle=(69.4, 55.9, 17.7, -25),
        ring=(47, 66, 30, 4),
        little=(50, 66, 30, 8),
        wrist=(0, 0),
        view=(58, 0, -3),
        source=_BARCZAK,
        note="the hand of \"0\"; seen from the little finger's side",
    ),
    "p": Pose(
        thumb=(40.3, 8.3, 36.6, 45.6, -4.2),
        index=(15, 5, 3, 3),
        middle=(72, 2.5, 5, -16.1),
        ring=(74.8, 87.7, 48.1, 0.2),
        little=(80.6, 93.4, 50, -0.1),
        wrist=(25, 0),
        view=(-90, 0, 75),
        source=_BARCZAK,
        note="\"k\" pointing left with the palm down, seen from the thumb's side",
    ),
    "q": Pose(
        thumb=(0, 0, 10, 10, 5),
        index=(60, 5, 3, 0),
        middle=(85, 95, 50, 0),
        ring=(75.4, 88.6, 48.7, 4.3),
        little=(79.9, 93.3, 50, 7.9),
        wrist=(0, 0),
        view=(-90, 0, 105),
        source=_BARCZAK,
        note="\"g\" pointing down, seen from the thumb's side",
    ),
    "r": Pose(
        thumb=(65, 5.8, 44.8, 43.7, -7),
        index=(17.7, 3.6, 3, 5),
        middle=(-8.8, 8.6, 3, 33),
        ring=(95, 100.1, 11.6, 18.7),
        little=(79.2, 94, 50, 4.9),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="middle finger crossed behind the index finger",
    ),
    "s": Pose(
        thumb=(55.9, 15.6, 60, 34.9, 13.6),
        index=(51.5, 109.6, 51.4, 9.1),
        middle=(95, 94.4, 29.1, -1.9),
        ring=(73.2, 89.9, 47.5, 6),
        little=(81.9, 88.9, 43.9, 9.3),
        wrist=(0, 0),
        view=(0, 0, -5),
        source=_LIFEPRINT,
        note="thumb before the fist",
    ),
    "t": Pose(
        thumb=(39, -14.5, 8.5, 25.9, 30.7),
        index=(38.5, 47.7, 45, 11.3),
        middle=(68.2, 100, 50, 14),
        ring=(68.6, 90.9, 48.7, 4.9),
        little=(81.4, 90.5, 44.6, 10.4),
        wrist=(0, 0),
        view=(0, 0, -5),
        source=_LIFEPRINT,
        note="thumb between index and middle finger",
    ),
    "u": Pose(
        thumb=(65, 5.8, 44.8, 43.7, -7),
        index=(3, 3, 3, -1),
        middle=(3, 3, 3, -3),
        ring=(95, 100.1, 11.6, 18.7),
        little=(79.2, 94, 50, 4.9),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="",
    ),
    "v": Pose(
        thumb=(65, 6, 45.1, 43.9, -7.2),
        index=(3, 3, 3, 9),
        middle=(3, 3, 3, -7),
        ring=(95, 100.2, 11.4, 18.7),
        little=(79.2, 94, 50, 4.9),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note='the hand of "2"',
    ),
    "w": Pose(
        thumb=(65, -0.5, 35.3, 65.3, -24.9),
        index=(3, 3, 3, 12),
        middle=(3, 3, 3, 0),
        ring=(3, 3, 3, 10),
        little=(95, 89.3, 26.2, 35),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note='the hand of "6"',
    ),
    "x": Pose(
        thumb=(37.6, -1.8, 34.6, 33.6, 30.1),
        index=(5, 58, 45, 0),
        middle=(71.1, 90, 50, -6.2),
        ring=(72.8, 90.6, 47.9, 4.4),
        little=(82.1, 91.3, 44.8, 8.5),
        wrist=(0, 0),
        view=(-42, 0, 0),
        source=_BARCZAK,
        note="hooked index finger, hand turned to the thumb's side so that the hook shows",
    ),
    "y": Pose(
        thumb=(0, -30, 0, 5, 5),
        index=(72, 98, 50, 3),
        middle=(78, 98, 50, 0),
        ring=(76, 91.6, 44.5, 4),
        little=(3, 3, 3, 25),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="",
    ),
    "z": Pose(
        thumb=(43.8, 18.4, 50.1, 43.4, 21.9),
        index=(3, 3, 3, 0),
        middle=(95, 90, 46.5, -8.2),
        ring=(72.8, 90.6, 47.9, 4.4),
        little=(82.1, 91.3, 44.8, 8.5),
        wrist=(0, 0),
        view=(-18, 0, 20),
        source=_BARCZAK,
        note='a motion; the image is the hand of "1" tilted left',
    ),
}

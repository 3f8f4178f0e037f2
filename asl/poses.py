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
        thumb=(27.5, 24.2, 31.7, 24.6, 41),
        index=(55.1, 57, 7.6, 3.3),
        middle=(55.3, 65, 24.2, -9.6),
        ring=(46.5, 67.8, 30, -0.6),
        little=(48, 68, 30, 0),
        wrist=(0, 0),
        view=(70, 0, -3),
        source=_BARCZAK,
        note="the hand of \"o\"; seen from the little finger's side",
    ),
    "1": Pose(
        thumb=(40.1, 16.6, 54.1, 40.8, 38.6),
        index=(3, 3, 3, 0),
        middle=(95, 86.4, 50, -0.6),
        ring=(79.2, 93.6, 48.2, 4.3),
        little=(84.4, 89, 45, 8.9),
        wrist=(0, 0),
        view=(-8, 0, 3),
        source=_LIFEPRINT,
        note="thumb on the middle finger; some lay it along the index finger",
    ),
    "2": Pose(
        thumb=(59, 9.8, 54, 42.9, 19.7),
        index=(3, 3, 3, 11),
        middle=(3, 3, 3, -11),
        ring=(90.8, 84.5, 40.4, 5),
        little=(80.2, 91.1, 45, 8),
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
        little=(82.7, 87.4, 40, 5),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="thumb, index and middle finger",
    ),
    "4": Pose(
        thumb=(58.4, -2.4, 54.8, 56.7, 44.1),
        index=(3, 3, 3, 12),
        middle=(3, 3, 3, 0),
        ring=(2.3, 3, 3, 11.9),
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
        thumb=(65, 2.8, 37.7, 61, -12.9),
        index=(3, 3, 3, 12),
        middle=(3, 3, 3, 0),
        ring=(3, 3, 3, 10),
        little=(94.4, 78.5, 30, 13.6),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note='the hand of "w": thumb on the little finger',
    ),
    "7": Pose(
        thumb=(47.8, 25.1, 36.1, 54.3, 16.7),
        index=(3, 3, 3, 10),
        middle=(3, 3, 3, 0),
        ring=(78.6, 76.7, 30.1, 9.4),
        little=(3, 3, 3, 25),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="thumb on the ring finger",
    ),
    "8": Pose(
        thumb=(31.8, 26.8, 31.9, 41.1, 32.3),
        index=(3, 3, 3, 12),
        middle=(74.1, 77.8, 36.5, -1),
        ring=(3, 3, 3, 8),
        little=(3, 3, 3, 22),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="thumb on the middle finger",
    ),
    "9": Pose(
        thumb=(18.6, 3.8, 23.5, 23.7, 53.1),
        index=(31.4, 77.6, 31.4, 13.1),
        middle=(3, 3, 3, 0),
        ring=(3, 3, 3, 10),
        little=(3, 3, 3, 22),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note='other fingers spread; together they make an "f"',
    ),
    "a": Pose(
        thumb=(25.6, -22.1, 11.9, 12.3, 25.4),
        index=(66.6, 102.4, 49.8, 5.7),
        middle=(76, 100, 50, 0),
        ring=(80, 93.6, 48.3, 5.3),
        little=(85.6, 88.1, 44.9, 10.9),
        wrist=(0, 0),
        view=(0, 0, -6),
        source=_LIFEPRINT,
        note="thumb upright beside the fist",
    ),
    "b": Pose(
        thumb=(59.3, 0.6, 60, 51.7, 17.3),
        index=(3, 3, 3, -4),
        middle=(3, 3, 3, -0),
        ring=(1.4, 3, 3, -2.8),
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
        thumb=(32, 22.4, 25.1, 31.7, 29.2),
        index=(3, 3, 3, 0),
        middle=(60.8, 56.8, 24.4, -2.9),
        ring=(72, 68, 30, 0),
        little=(75, 72, 30, 4),
        wrist=(0, 0),
        view=(-5, 0, 0),
        source=_LIFEPRINT,
        note="round, thumb on the middle fingertip; some let three fingertips touch",
    ),
    "e": Pose(
        thumb=(40.6, 1.1, 26.8, 55, 49.7),
        index=(33.2, 102.8, 49.8, 6.5),
        middle=(29.4, 107.3, 55.7, 0),
        ring=(28.3, 102, 53.2, 5),
        little=(44, 108, 50, 10),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="fingertips on the thumb; the open variant keeps them off it",
    ),
    "f": Pose(
        thumb=(19.4, 16.6, 30.8, 29.6, 28),
        index=(43.1, 60, 22.8, 2.9),
        middle=(3, 3, 3, -2.7),
        ring=(3, 3, 3, -0.7),
        little=(3, 3, 3, 3),
        wrist=(0, 0),
        view=(10, 0, 0),
        source=_LIFEPRINT,
        note="other fingers together in the real images, fanned on most charts",
    ),
    "g": Pose(
        thumb=(29, -24.1, 29, 11.5, 15),
        index=(3.5, 3, 3, 2.8),
        middle=(78, 98, 50, 0),
        ring=(79.7, 93.3, 48.1, 4.3),
        little=(84.4, 89, 45, 8.9),
        wrist=(0, 22),
        view=(0, 0, 88),
        source=_BARCZAK,
        note="palm to the camera, pointing left; charts show the back or two parallel fingers",
    ),
    "h": Pose(
        thumb=(50.2, -3.9, 53, 34.5, 0.4),
        index=(3, 3, 3, -4),
        middle=(7.3, 3, 3, 1.6),
        ring=(78.6, 94, 48.4, 4.3),
        little=(83, 89.7, 45, 7.9),
        wrist=(0, 22),
        view=(0, 0, 83),
        source=_BARCZAK,
        note="palm to the camera, pointing left",
    ),
    "i": Pose(
        thumb=(44.3, 15.6, 60, 35.7, 37.3),
        index=(95, 99.3, 41.8, -7.3),
        middle=(95, 89.7, 48.8, -7.5),
        ring=(79, 94.3, 48.5, 5.3),
        little=(3, 3, 3, 18),
        wrist=(0, 0),
        view=(5, 0, 0),
        source=_LIFEPRINT,
        note="",
    ),
    "j": Pose(
        thumb=(44.3, 15.6, 60, 35.7, 37.3),
        index=(95, 99.3, 41.8, -7.3),
        middle=(95, 89.7, 48.8, -7.5),
        ring=(79, 94.3, 48.5, 5.3),
        little=(3, 3, 3, 18),
        wrist=(0, 15),
        view=(-5, 0, 38),
        source=_BARCZAK,
        note="a motion; the image is its end, the little finger tilted left",
    ),
    "k": Pose(
        thumb=(52, -5, 47.5, 30.6, -5.6),
        index=(3, 3, 3, 2),
        middle=(23, 5, 3, 1.7),
        ring=(78.6, 94, 48.4, 4.3),
        little=(84.5, 89.1, 45, 5.9),
        wrist=(0, 0),
        view=(-12, 0, 0),
        source=_LIFEPRINT,
        note="thumb tip between index and middle finger",
    ),
    "l": Pose(
        thumb=(-3, -28, 0, 5, 5),
        index=(3, 3, 3, 2),
        middle=(76, 98, 50, 0),
        ring=(79.2, 93.6, 48.2, 4.3),
        little=(84.4, 89, 45, 8.9),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="",
    ),
    "m": Pose(
        thumb=(45.7, 3.7, 29.9, 49.1, 31.4),
        index=(57.6, 75.9, 28.2, 5.2),
        middle=(56, 73.6, 28.9, 0.8),
        ring=(73.6, 83.6, 29.9, 2.5),
        little=(84.7, 91, 47.7, 11),
        wrist=(0, 0),
        view=(16, 0, -3),
        source=_LIFEPRINT,
        note="three fingers over the thumb; some only lay them in front of it",
    ),
    "n": Pose(
        thumb=(38.7, -3.8, 24.5, 47.7, 54.3),
        index=(54.6, 72.6, 27.2, 6.2),
        middle=(55.9, 76, 30.1, 3.5),
        ring=(80.3, 94.2, 48.1, 6.3),
        little=(87.7, 88.7, 47.8, 8.8),
        wrist=(0, 0),
        view=(10, 0, -3),
        source=_LIFEPRINT,
        note="two fingers over the thumb",
    ),
    "o": Pose(
        thumb=(27.5, 24.2, 31.7, 24.6, 41),
        index=(55.1, 57, 7.6, 3.3),
        middle=(55.3, 65, 24.2, -9.6),
        ring=(46.5, 67.8, 30, -0.6),
        little=(48, 68, 30, 0),
        wrist=(0, 0),
        view=(70, 0, -3),
        source=_BARCZAK,
        note="the hand of \"0\"; seen from the little finger's side",
    ),
    "p": Pose(
        thumb=(41, -3, 37.8, 36.2, 6.9),
        index=(26, 5, 3, 3),
        middle=(61.2, 26.5, 12, -5.7),
        ring=(77.8, 92.4, 49, 0.1),
        little=(77.7, 92.6, 50, -0),
        wrist=(0, 0),
        view=(-82, 0, 64),
        source=_BARCZAK,
        note="\"k\" pointing left with the palm down, seen from the thumb's side",
    ),
    "q": Pose(
        thumb=(0, 0, 10, 10, 5),
        index=(60, 5, 3, 0),
        middle=(85, 95, 50, 0),
        ring=(81.8, 91.4, 48.5, 4.2),
        little=(80.9, 90.8, 50, 8),
        wrist=(0, 0),
        view=(-90, 0, 105),
        source=_BARCZAK,
        note="\"g\" pointing down, seen from the thumb's side",
    ),
    "r": Pose(
        thumb=(59.1, 11.1, 55.3, 43.7, 20.9),
        index=(14, 6, 3, -3),
        middle=(-4, 10, 5, 9),
        ring=(92.5, 82.6, 40.7, 5.3),
        little=(81.6, 90.4, 45, 8),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="middle finger crossed behind the index finger",
    ),
    "s": Pose(
        thumb=(45.2, 15.2, 60, 34.4, 38.5),
        index=(95, 99.6, 41.4, -7.5),
        middle=(95, 89.7, 48.6, -7.4),
        ring=(80, 93.6, 48.3, 5.3),
        little=(85.6, 88.1, 44.9, 10.9),
        wrist=(0, 0),
        view=(0, 0, -5),
        source=_LIFEPRINT,
        note="thumb before the fist",
    ),
    "t": Pose(
        thumb=(33.5, -20, 7.8, 31.1, 43.2),
        index=(38, 60.3, 39.9, 15),
        middle=(79.5, 99.5, 50, -1.8),
        ring=(80.1, 93.9, 48.6, 5.7),
        little=(85.9, 90.8, 43.6, 9.2),
        wrist=(0, 0),
        view=(0, 0, -5),
        source=_LIFEPRINT,
        note="thumb between index and middle finger",
    ),
    "u": Pose(
        thumb=(59.1, 11.1, 55.3, 43.7, 20.9),
        index=(3, 3, 3, -3),
        middle=(3, 3, 3, 0),
        ring=(92.5, 82.6, 40.7, 5.3),
        little=(81.6, 90.4, 45, 8),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="",
    ),
    "v": Pose(
        thumb=(59, 9.8, 54, 42.9, 19.7),
        index=(3, 3, 3, 11),
        middle=(3, 3, 3, -11),
        ring=(90.8, 84.5, 40.4, 5),
        little=(80.2, 91.1, 45, 8),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note='the hand of "2"',
    ),
    "w": Pose(
        thumb=(65, 2.8, 37.7, 61, -12.9),
        index=(3, 3, 3, 12),
        middle=(3, 3, 3, 0),
        ring=(3, 3, 3, 10),
        little=(94.4, 78.5, 30, 13.6),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note='the hand of "6"',
    ),
    "x": Pose(
        thumb=(34.4, -1.2, 36.4, 33.5, 34.9),
        index=(5, 58, 45, 0),
        middle=(66.2, 90.1, 50, -0.6),
        ring=(79.2, 93.6, 48.2, 4.3),
        little=(84.4, 89, 45, 8.9),
        wrist=(0, 0),
        view=(-42, 0, 0),
        source=_BARCZAK,
        note="hooked index finger, hand turned to the thumb's side so that the hook shows",
    ),
    "y": Pose(
        thumb=(0, -30, 0, 5, 5),
        index=(72, 98, 50, 3),
        middle=(78, 98, 50, 0),
        ring=(81.1, 93.5, 44.2, 4),
        little=(3, 3, 3, 25),
        wrist=(0, 0),
        view=(0, 0, 0),
        source=_LIFEPRINT,
        note="",
    ),
    "z": Pose(
        thumb=(40.1, 16.6, 54.1, 40.8, 38.6),
        index=(3, 3, 3, 0),
        middle=(95, 86.4, 50, -0.6),
        ring=(79.2, 93.6, 48.2, 4.3),
        little=(84.4, 89, 45, 8.9),
        wrist=(0, 0),
        view=(-18, 0, 20),
        source=_BARCZAK,
        note='a motion; the image is the hand of "1" tilted left',
    ),
}

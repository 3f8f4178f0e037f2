"""The tones of human skin, for augmentation and for rendered signers."""

MONK_TONES: tuple[tuple[int, int, int], ...] = (
    (246, 237, 228),
    (243, 231, 219),
    (247, 234, 208),
    (234, 218, 186),
    (215, 189, 150),
    (160, 126, 86),
    (130, 92, 67),
    (96, 65, 52),
    (58, 49, 42),
    (41, 36, 32),
)
"""sRGB of the ten tones of the Monk Skin Tone Scale (E. Monk, 2019; skintone.google, CC BY 4.0).

The same ten values stand as hex codes in Wikipedia's article on the scale, seen in a copy of it.
"""

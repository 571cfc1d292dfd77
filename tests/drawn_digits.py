"""Digits drawn with a pen, as pictures of a user's own."""

import math

import numpy as np
from PIL import Image, ImageDraw


def arc(x, y, a, b, start, end):
    angles = np.radians(np.linspace(start, end, 25))
    return [(x + a * math.cos(t), y + b * math.sin(t)) for t in angles]


# Ten digits as strokes of a pen, in a square of 100.
STROKES = {
    0: [arc(50, 50, 28, 45, 0, 360)],
    1: [[(35, 30), (55, 8), (50, 92)]],
    2: [[*arc(50, 30, 25, 22, 180, 380), (25, 92)], [(25, 92), (80, 90)]],
    3: [arc(48, 28, 24, 20, 200, 450), arc(46, 70, 28, 23, 270, 520)],
    4: [[(45, 5), (22, 55), (80, 53)], [(62, 35), (58, 95)]],
    5: [[(72, 8), (36, 10), (32, 45)], arc(46, 66, 27, 26, 230, 500)],
    6: [[(62, 5), *arc(48, 68, 24, 25, 200, 560)]],
    7: [[(25, 10), (76, 8), (45, 95)], [(35, 52), (70, 50)]],
    8: [arc(50, 28, 20, 21, 90, 450), arc(50, 72, 25, 23, -90, 270)],
    9: [arc(50, 30, 23, 22, 0, 360), [(73, 30), (66, 60), (60, 95)]],
}


def drawn(digit, size=300, pen=10, ink=20, paper=250, mode="L"):
    """A picture of a digit, off its middle."""
    picture = Image.new("L", (size * 13 // 10, size * 12 // 10), paper)
    for stroke in STROKES[digit]:
        points = [(x * size / 100 + size * 0.1, y * size / 100 + size * 0.08) for x, y in stroke]
        ImageDraw.Draw(picture).line(points, fill=ink, width=pen, joint="curve")
    return picture.convert(mode)

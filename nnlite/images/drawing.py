"""A picture of a digit of one's own, prepared as the digits that a model was trained on."""

import os
import warnings

import numpy as np

from nnlite import extras
from nnlite.saving.regular_file import open_regular

SIDE = 8  # pixels of a prepared digit, as those of scikit-learn
FINE = 16 * SIDE  # it is scaled at this size, then each block of 16 x 16 becomes a pixel
LARGEST = 1024  # larger pictures are reduced first
FORMATS = "PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"  # of pixels alone: an EPS is a program, which Pillow runs
MOST_PIXELS = 2**25  # takes half a gigabyte; a file of some kilobytes can unpack to any number
WIDEST = 0.75  # of the height: only one in fifty digits of the training data is wider
STROKE = 0.16  # width of a stroke in the training data, in parts of the height


def load_digit(path: str | os.PathLike) -> np.ndarray:
    """Read a picture of one handwritten digit, and prepare it as `load_digits` has them: float32 (8, 8, 1).

    From 0, paper, to 1, ink. Any size, any colours, dark on light or light on dark, a scan, a photo or a drawing. As
    the training data were prepared: the paper's brightness, which may change evenly from one edge to another, is taken
    away; what is left is ink or none; the ink's box fills the height and stands in the middle; a thin pen becomes as
    broad as theirs; and each pixel is the share of ink in it.

    Args:
        path: a picture with one digit in it: PNG, JPEG, GIF, BMP, TIFF, WebP or PPM.

    Raises:
        OSError: no such file, a folder, a pipe or a device, or no permission.
        ValueError: the file is no picture, is damaged or too large, or there is not one digit in it.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image, ImageDraw
        >>> from nnlite.images import load_digit
        >>> picture = Image.new("L", (300, 200), "white")
        >>> ImageDraw.Draw(picture).line([(160, 40), (150, 170)], fill="navy", width=9)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "one.png")
        ...     picture.save(path)
        ...     one = load_digit(path)
        >>> one.shape, one[:, 3:5].mean() > 0.5, one[:, 0].max()
        ((8, 8, 1), np.True_, np.float32(0.0))
    """
    ink = _contrast(path, _brightness(path))
    ink = _filling(_box(path, ink))
    width = _stroke(ink)
    if width < 0.8 * STROKE * FINE:
        ink = _filling(_broader(ink, STROKE * FINE - width))
    left = (FINE - ink.shape[1]) // 2
    square = np.zeros((FINE, FINE))
    square[:, left : left + ink.shape[1]] = ink
    blocks = square.reshape(SIDE, FINE // SIDE, SIDE, FINE // SIDE)
    return blocks.mean(axis=(1, 3)).astype(np.float32)[..., None]


def _brightness(path):
    """The picture's brightness, from 0 to 1 (H, W)."""
    extras.require("images")
    from PIL import Image, ImageOps, UnidentifiedImageError

    with open_regular(path) as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # what is too large is refused
        try:
            with Image.open(opened, formats=FORMATS) as file:
                file.draft("L", (LARGEST, LARGEST))  # a large JPEG is decoded at a smaller scale
                if file.width * file.height > MOST_PIXELS:
                    raise ValueError(f"it has {file.width:,} x {file.height:,} pixels, more than {MOST_PIXELS:,}")
                picture = ImageOps.exif_transpose(file)  # upright, as the camera was held
                if picture.mode.startswith("I") or picture.mode == "F":  # 16 bits and more
                    numbers = np.asarray(picture, np.float32)
                    if not np.isfinite(numbers).all():
                        raise ValueError("some of its numbers are not finite")
                    picture = Image.fromarray((255 / max(numbers.max(), 1) * numbers).clip(0, 255).astype(np.uint8))
                if picture.has_transparency_data:
                    paper = Image.new("RGBA", picture.size, "white")
                    picture = Image.alpha_composite(paper, picture.convert("RGBA"))
                picture = picture.convert("L")
                picture.thumbnail((LARGEST, LARGEST), Image.Resampling.BOX)
        except UnidentifiedImageError:
            raise _refused(path, "another file") from None
        except Exception as error:  # of any type, as Pillow tells of damage: SyntaxError, struct.error, EOFError ...
            raise _refused(path, f"one that cannot be read: {error}") from error
    return np.asarray(picture, float) / 255


def _refused(path, got):
    return ValueError(f"{os.fspath(path)}: expected a picture, such as a PNG or a JPEG, got {got}")


def _contrast(path, brightness):
    """Where there is ink: True or False (H, W)."""
    from PIL import Image, ImageFilter

    # The paper: a plane through the brightness at the edges.
    rows, columns = np.indices(brightness.shape)
    edge = np.ones(brightness.shape, bool)
    edge[1:-1, 1:-1] = False
    terms = np.stack([np.ones_like(rows), rows, columns], axis=-1).astype(float)
    plane = np.linalg.lstsq(terms[edge], brightness[edge], rcond=None)[0]
    # A digit may touch the edge: what is far off the plane is not paper.
    off = np.abs(brightness[edge] - terms[edge] @ plane)
    paper = off <= np.median(off) + 0.05
    plane = np.linalg.lstsq(terms[edge][paper], brightness[edge][paper], rcond=None)[0]
    difference = brightness - terms @ plane
    difference *= 1 if difference.max() > -difference.min() else -1
    smooth = Image.fromarray((255 * difference.clip(0, 1)).astype(np.uint8)).filter(ImageFilter.MedianFilter(3))
    ink = np.asarray(smooth, float) / 255
    if ink.max() < 0.15:
        raise ValueError(
            f"{os.fspath(path)}: expected a digit darker or lighter than its background, got one brightness: draw it "
            f"with a broader or darker pen"
        )
    return ink > 0.45 * ink.max()


def _box(path, ink):
    """The ink without the empty rows and columns around it."""
    box = _trimmed(ink)
    height, width = box.shape
    if width > 1.5 * height or height < 5:
        raise ValueError(
            f"{os.fspath(path)}: expected one digit, got ink that is {width} pixels wide and {height} high: cut out "
            f"one digit, upright and larger"
        )
    return box


def _filling(ink):
    """The ink at the height of the training data, and at most as wide: True or False (FINE, W)."""
    from PIL import Image

    height, width = ink.shape
    size = max(1, round(FINE * min(width / height, WIDEST))), FINE
    return np.asarray(Image.fromarray(255 * ink.astype(np.uint8)).resize(size, Image.Resampling.BILINEAR)) > 127


def _stroke(ink):
    """The mean width of the strokes: a long stroke has an edge on either side, so it is twice the area by the edge."""
    padded = np.pad(ink, 1).astype(int)
    edge = np.abs(np.diff(padded, axis=0)).sum() + np.abs(np.diff(padded, axis=1)).sum()
    return 2 * ink.sum() / (edge * np.pi / 4)  # a slanting edge is counted longer than it is: on average by 4 / pi


def _broader(ink, pixels):
    """Strokes that are broader by so many pixels."""
    from PIL import Image, ImageFilter

    half = max(1, round(pixels / 2))
    padded = Image.fromarray(255 * np.pad(ink, half + 1).astype(np.uint8))
    return _trimmed(np.asarray(padded.filter(ImageFilter.MaxFilter(2 * half + 1))) > 127)


def _trimmed(ink):
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]

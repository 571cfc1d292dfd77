"""Pictures of digits of one's own, prepared as the training data are."""

import warnings

import numpy as np
import pytest
from drawn_digits import drawn
from extras import import_extra
from PIL import Image, ImageDraw

from nnlite.images import drawing, hold_out, load_digit, load_digits


def loaded(picture, tmp_path, name="digit.png", **options):
    picture.save(tmp_path / name, **options)
    return load_digit(tmp_path / name)


class TestPreparation:
    @pytest.fixture
    def three(self, tmp_path):
        return loaded(drawn(3), tmp_path)

    def test_is_as_the_training_data(self, three):
        import_extra("sklearn", "digits")
        x, _ = load_digits()
        assert (three.shape, three.dtype) == (x.shape[1:], x.dtype)
        assert (three.min(), three.max()) == (0, 1)
        assert three[0].any()  # it fills the height
        assert three[-1].any()
        columns = np.flatnonzero(three.any(axis=(0, 2)))
        assert abs((columns[0] + columns[-1]) / 2 - 3.5) <= 0.5  # and stands in the middle
        assert 0.2 < three.mean() < 0.45  # with about as much ink: their mean is 0.31

    @pytest.mark.parametrize(
        "options",
        [
            {"size": 900, "pen": 30}, {"size": 100, "pen": 3}, {"pen": 3}, {"ink": 120, "paper": 200},
            {"ink": 255, "paper": 0}, {"ink": 200, "paper": 120}, {"mode": "RGB"}, {"mode": "P"}, {"mode": "1"},
        ],
        ids=str,
    )  # fmt: skip
    def test_size_pen_and_colours_change_little(self, options, three, tmp_path):
        other = loaded(drawn(3, **options), tmp_path)
        assert np.abs(other - three).mean() < 0.1
        assert np.corrcoef(other.ravel(), three.ravel())[0, 1] > 0.9

    def test_uneven_light_and_noise(self, three, tmp_path):
        pixels = np.asarray(drawn(3, ink=90, paper=190), float)
        rows, columns = np.indices(pixels.shape)
        noise = np.random.default_rng(0).normal(0, 4, pixels.shape)
        pixels = pixels + 0.15 * rows - 0.1 * columns + noise
        photo = loaded(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)), tmp_path, "photo.jpg", quality=80)
        assert np.corrcoef(photo.ravel(), three.ravel())[0, 1] > 0.9

    def test_a_transparent_background(self, three, tmp_path):
        ink = Image.new("RGBA", drawn(3).size, (10, 10, 60, 0))
        ink.putalpha(drawn(3).point(lambda value: 255 - value))
        np.testing.assert_allclose(loaded(ink, tmp_path), three, atol=0.1)

    def test_sixteen_bits(self, three, tmp_path):
        pixels = np.asarray(drawn(3)).astype(np.uint16) * 257
        np.testing.assert_allclose(loaded(Image.fromarray(pixels), tmp_path), three, atol=0.1)

    def test_as_the_camera_was_held(self, three, tmp_path):
        exif = Image.Exif()
        exif[0x0112] = 6  # turned by a quarter
        turned = drawn(3).transpose(Image.Transpose.ROTATE_90)
        np.testing.assert_allclose(loaded(turned, tmp_path, "a.jpg", exif=exif, quality=95), three, atol=0.1)

    def test_a_narrow_digit_stays_narrow(self, tmp_path):
        one = Image.new("L", (200, 200), 255)
        ImageDraw.Draw(one).line([(100, 30), (100, 170)], fill=0, width=8)
        pixels = loaded(one, tmp_path)[..., 0]
        assert pixels[:, 3:5].min() > 0.4
        assert not pixels[:, [0, 1, 6, 7]].any()


class TestRefused:
    @pytest.mark.parametrize(
        ("picture", "message"),
        [
            (Image.new("L", (50, 50), 255), "expected a digit darker or lighter than its background"),
            (Image.new("L", (1, 1)), "expected a digit darker or lighter than its background"),
        ],
    )
    def test_nothing_there(self, picture, message, tmp_path):
        with pytest.raises(ValueError, match=rf"digit\.png: {message}"):
            loaded(picture, tmp_path)

    def test_several_digits(self, tmp_path):
        row = Image.new("L", (1200, 360), 250)
        for n, digit in enumerate((3, 7, 5)):
            row.paste(drawn(digit), (390 * n, 0))
        with pytest.raises(
            ValueError, match=r"expected one digit, got ink that is \d+ pixels wide and \d+ high: cut out"
        ):
            loaded(row, tmp_path)

    def test_no_picture(self, tmp_path):
        (tmp_path / "a.png").write_text("no picture")
        with pytest.raises(ValueError, match=r"a\.png: expected a picture, such as a PNG or a JPEG, got another file"):
            load_digit(tmp_path / "a.png")
        with pytest.raises(FileNotFoundError):
            load_digit(tmp_path / "b.png")

    def test_a_damaged_picture(self, tmp_path):
        drawn(3).save(tmp_path / "a.png")
        (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:200])
        with pytest.raises(ValueError, match=r"a\.png: expected a picture, .* got one that cannot be read: .*trunc"):
            load_digit(tmp_path / "a.png")

    @pytest.mark.parametrize("number", [np.nan, np.inf])
    def test_numbers_that_are_not_finite(self, number, tmp_path):
        numbers = np.asarray(drawn(3), np.float32)
        numbers[7, 8] = number
        with pytest.raises(ValueError, match=r"a\.tiff: expected a picture, .*: some of its numbers are not finite"):
            loaded(Image.fromarray(numbers), tmp_path, "a.tiff")

    def test_a_bomb(self, tmp_path, monkeypatch):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
        with pytest.raises(ValueError, match=r"expected a picture, .* got one that cannot be read: Image size"):
            loaded(drawn(3), tmp_path)


def test_the_held_out_digits_come_back(tmp_path):
    """Enlarged to pictures and prepared again they are nearly what they were."""
    import_extra("sklearn", "digits")
    _, (x, _) = hold_out(*load_digits())
    same = []
    for image in x[:40, ..., 0]:
        large = Image.fromarray((255 * (1 - image)).astype(np.uint8)).resize((160, 160), Image.Resampling.BICUBIC)
        paper = Image.new("L", (320, 240), 255)
        paper.paste(large, (90, 30))
        same.append(np.corrcoef(loaded(paper, tmp_path).ravel(), image.ravel())[0, 1])
    assert np.mean(same) > 0.88


def bar(width, height=128, size=200):
    """A dark bar upright in the middle of white paper."""
    pixels = np.full((size, size), 255, np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    pixels[top : top + height, left : left + width] = 0
    return Image.fromarray(pixels)


class TestSteps:
    """What load_digit does one after the other, each on what is easily computed by hand."""

    @staticmethod
    def light(shape):
        """Paper that is darker at one corner."""
        rows, columns = np.indices(shape)
        return 0.9 - 0.003 * rows - 0.002 * columns

    @pytest.mark.parametrize(
        "place",
        [np.s_[3:-3, 3:-3], np.s_[:18, 10:30], np.s_[26:, :12], np.s_[5:10, :]],
        ids=["most", "top", "corner", "row"],
    )
    @pytest.mark.parametrize("is_dark", [True, False])
    def test_paper_is_what_lies_in_a_plane_along_the_edge(self, place, is_dark):
        """Whether the ink covers most of the picture, or touches its edge: only corners are rounded off."""
        brightness, ink = self.light((40, 40)), np.zeros((40, 40), bool)
        ink[place] = True
        brightness[ink] -= 0.6
        found = drawing._contrast("x", brightness if is_dark else 1 - brightness)
        assert found.dtype == bool
        assert (found != ink).sum() <= 4

    @pytest.mark.parametrize(("share", "is_ink"), [(0.55, True), (0.35, False)])
    def test_ink_is_what_is_about_half_as_dark_as_the_darkest(self, share, is_ink):
        brightness = np.full((40, 40), 0.9)
        brightness[5:15, 5:35] -= 0.8
        brightness[25:35, 5:35] -= 0.8 * share
        assert drawing._contrast("x", brightness)[30, 20] == is_ink

    @pytest.mark.parametrize(("contrast", "is_enough"), [(0.18, True), (0.12, False)])
    def test_how_faint_ink_may_be(self, contrast, is_enough):
        brightness = np.full((40, 40), 0.9)
        brightness[5:35, 15:25] -= contrast
        if is_enough:
            assert drawing._contrast("x", brightness).sum() >= 296
        else:
            with pytest.raises(ValueError, match="x: expected a digit darker or lighter"):
                drawing._contrast("x", brightness)

    @pytest.mark.parametrize(
        ("height", "width", "is_digit"), [(20, 29, True), (20, 31, False), (5, 2, True), (4, 2, False)]
    )
    def test_a_digit_is_high(self, height, width, is_digit):
        ink = np.zeros((50, 60), bool)
        ink[7 : 7 + height, 3 : 3 + width] = True
        if is_digit:
            assert drawing._box("x", ink).shape == (height, width)
        else:
            with pytest.raises(ValueError, match=f"got ink that is {width} pixels wide and {height} high"):
                drawing._box("x", ink)

    @pytest.mark.parametrize(("width", "filled"), [(20, 64), (30, 96), (50, 96), (0.1, 1)])
    def test_it_fills_the_height_and_three_quarters_of_the_width_at_most(self, width, filled):
        ink = np.ones((400, 4)) if width < 1 else np.ones((40, width))
        assert drawing._filling(ink).shape == (128, filled)
        assert drawing._filling(ink).all()

    def test_the_width_of_strokes(self):
        """A bar is as wide as it is, but for its ends, and the mean over all slants; a disc is half as wide."""
        assert drawing._stroke(np.ones((1000, 10), bool)) == pytest.approx(10 * 4 / np.pi / 1.01)
        rows, columns = np.indices((200, 200)) - 99.5
        assert drawing._stroke(rows**2 + columns**2 < 80**2) == pytest.approx(80, rel=0.01)

    @pytest.mark.parametrize(("pixels", "broader"), [(6, 6), (7.2, 8), (0.2, 2)])
    def test_strokes_get_broader_on_both_sides(self, pixels, broader):
        found = drawing._broader(np.ones((100, 10), bool), pixels)
        assert found.shape == (100 + broader, 10 + broader)
        assert found.all()

    @pytest.mark.parametrize(("width", "columns"), [(4, 1.1), (12, 1.1), (18, 1.125), (26, 1.625)])
    def test_a_thin_pen_becomes_as_broad_as_theirs_and_a_broad_one_stays(self, width, columns, tmp_path):
        assert loaded(bar(width), tmp_path).sum() / 8 == pytest.approx(columns, abs=0.12)

    def test_a_hair_is_a_digit(self, tmp_path):
        assert loaded(bar(2, 600, 700), tmp_path)[:, 3:5].all()


class TestPictures:
    def test_numbers_of_any_range(self, tmp_path):
        three = loaded(drawn(3), tmp_path)
        for factor in (1 / 255, 7.0, 1e6):
            numbers = np.asarray(drawn(3), np.float32) * np.float32(factor)
            np.testing.assert_allclose(loaded(Image.fromarray(numbers), tmp_path, "a.tiff"), three, atol=0.1)

    def test_most_pixels(self, tmp_path, monkeypatch):
        width, height = bar(20).size
        monkeypatch.setattr(drawing, "MOST_PIXELS", width * height)
        assert loaded(bar(20), tmp_path).any()
        monkeypatch.setattr(drawing, "MOST_PIXELS", width * height - 1)
        with pytest.raises(ValueError, match="it has 200 x 200 pixels, more than 39,999"):
            loaded(bar(20), tmp_path)

    def test_a_picture_that_pillow_finds_large_is_read_without_a_warning(self, tmp_path, monkeypatch):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 30_000)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert loaded(bar(20), tmp_path).any()

    @pytest.mark.parametrize("kind", ["png", "jpg", "gif", "bmp", "tiff", "webp", "ppm"])
    def test_kinds_of_files(self, kind, tmp_path):
        np.testing.assert_allclose(loaded(bar(20), tmp_path, f"a.{kind}"), loaded(bar(20), tmp_path), atol=0.1)

    @pytest.mark.parametrize("kind", ["eps", "ico", "tga"])
    def test_no_other_kind_is_opened(self, kind, tmp_path):
        """An EPS is a program, which Pillow would run."""
        with pytest.raises(ValueError, match=rf"a\.{kind}: expected a picture, .* got another file"):
            loaded(bar(20), tmp_path, f"a.{kind}")

    def test_a_large_picture_is_reduced_by_means(self, tmp_path):
        pixels = np.zeros((1024, 2048), np.uint8)
        pixels[:, ::2] = 255
        Image.fromarray(pixels).save(tmp_path / "a.png")
        brightness = drawing._brightness(tmp_path / "a.png")
        assert brightness.shape == (512, 1024)
        np.testing.assert_allclose(brightness, 0.5, atol=0.01)

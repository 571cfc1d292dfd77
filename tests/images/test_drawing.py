"""Pictures of digits of one's own, prepared as the training data are."""

import numpy as np
import pytest
from drawn_digits import drawn
from extras import import_extra
from PIL import Image, ImageDraw

from nnlite.images import hold_out, load_digit, load_digits


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

"""Texts of a user's own: read from files, and split."""

import pytest

from nnlite.text import Vocabulary, read_text, split_text


def write(folder, data):
    path = folder / "text.txt"
    path.write_bytes(data)
    return path


class TestReadText:
    @pytest.mark.parametrize(
        "text",
        ["Whan that Aprille\n\n  with his shoures", "ἄνδρα μοι ἔννεπε", "古池や\n", "\U0001f469\u200d\U0001f680!"],
    )
    def test_leaves_the_text_as_it_is(self, text, tmp_path):
        assert read_text(write(tmp_path, text.encode())) == text

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_line_ends_become_equal(self, end, tmp_path):
        assert read_text(write(tmp_path, f"one{end}two{end}{end}".encode())) == "one\ntwo\n\n"

    def test_byte_order_mark_is_left_out(self, tmp_path):
        assert read_text(write(tmp_path, "\ufeffa \ufeff b".encode())) == "a \ufeff b"
        assert read_text(write(tmp_path, "\ufeffa".encode("utf-16-le")), "utf-16-le") == "a"

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"", "text.txt: expected a text, got an empty file"),
            (b"\xef\xbb\xbf", "text.txt: expected a text, got an empty file"),
            (b"one\ntwo \xe9t\xe9", "expected a text in UTF-8, got the invalid byte 0xe9 at offset 8, in line 2"),
            (b"\x89PNG\r\n\x1a\n\0\0\0", "expected plain text, got a zero byte at offset 8"),
            ("ab".encode("utf-16"), "UTF-16"),
            ("\ufeffab".encode("utf-16-be"), "UTF-16"),
            (b"\xed\xa0\x80", "expected a text in UTF-8, got the invalid byte 0xed"),  # half of a pair that UTF-16 has
        ],
    )
    def test_what_is_no_text(self, data, message, tmp_path):
        with pytest.raises(ValueError, match=message):
            read_text(write(tmp_path, data))

    @pytest.mark.parametrize(
        ("text", "encoding"),
        [
            ("Über allen Gipfeln\n", "cp1252"),
            ("Über allen Gipfeln\n", "latin-1"),
            ("古池や\n蛙飛び込む\n", "shift_jis"),
            ("春眠不觉晓\n", "gb18030"),
            ("Мой дядя\n", "koi8_r"),
            ("Мой дядя\n", "utf-16"),
            ("Мой дядя\n", "utf-16-le"),
            ("plain\n", "ascii"),
            ("é\n", "UTF8"),
        ],
    )
    def test_another_encoding(self, text, encoding, tmp_path):
        path = write(tmp_path, text.replace("\n", "\r\n").encode(encoding))
        assert read_text(path, encoding) == text
        if encoding not in ("ascii", "UTF8"):
            with pytest.raises(ValueError, match=r"name its encoding, such as encoding=|zero byte"):
                read_text(path)

    def test_ascii_is_a_part_of_utf_8(self, tmp_path):
        assert read_text(write(tmp_path, "é".encode()), "ascii") == "é"

    @pytest.mark.parametrize("encoding", ["klingon", "base64", "rot13", "utf-8\0", "", 7, None])
    def test_no_encoding(self, encoding, tmp_path):
        with pytest.raises(ValueError, match="encoding: expected the name of an encoding that Python knows, got"):
            read_text(write(tmp_path, b"text"), encoding)

    def test_the_wrong_encoding(self, tmp_path):
        with pytest.raises(ValueError, match="expected a text in shift_jis, got the invalid byte 0xa0 at offset 2"):
            read_text(write(tmp_path, b"a\n\xa0\xff"), "shift_jis")
        with pytest.raises(ValueError, match="got a zero character in latin-1: name another encoding"):
            read_text(write(tmp_path, "ab".encode("utf-16-le")), "latin-1")

    def test_half_of_a_pair(self, tmp_path):
        message = r"text\.txt: expected plain text, got half of a pair of UTF-16, U\+D800, at character 1 in unicode"
        with pytest.raises(ValueError, match=message):
            read_text(write(tmp_path, rb"a\ud800b"), "unicode_escape")

    @pytest.mark.parametrize("encoding", ["x" * 10**5, "shift_jis" + "_" * 10**5])
    def test_a_long_name_is_cut(self, encoding, tmp_path):
        with pytest.raises(ValueError, match="expected") as caught:
            read_text(write(tmp_path, b"\xa0\xff"), encoding)
        assert len(str(caught.value)) < 500

    def test_an_encoding_that_tells_of_no_place(self, tmp_path):
        with pytest.raises(ValueError, match=r"text\.txt: expected a text in punycode"):
            read_text(write(tmp_path, b"a-\\"), "punycode")

    def test_nothing_there(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            read_text(tmp_path / "text.txt")
        with pytest.raises(OSError, match=r"folder|denied"):
            read_text(tmp_path)


class TestSplitText:
    def test_at_a_blank_line(self):
        verse = "a line\n" * 10
        text = f"{verse}\n" * 12 + "another\n" * 3
        training, validation = split_text(text)
        assert training + validation == text
        assert training.endswith("\n\n")
        assert len(validation) / len(text) == pytest.approx(0.1, abs=0.04)

    def test_blank_lines_may_hold_spaces_and_be_many(self):
        text = "x" * 88 + "\n \t\n\n\n" + "y" * 8
        assert split_text(text) == (text[:-8], "y" * 8)

    def test_else_at_the_end_of_a_line(self):
        text = "nine char\n" * 20
        assert split_text(text) == ("nine char\n" * 18, "nine char\n" * 2)

    def test_else_at_nine_tenths(self):
        assert split_text("x" * 100) == ("x" * 90, "x" * 10)

    @pytest.mark.parametrize("end", ["\n", "\n\n"])
    @pytest.mark.parametrize(("cut", "taken"), [(79, 90), (82, 82), (95, 95), (97, 90)])
    def test_from_80_percent_to_95(self, cut, taken, end):
        training, _ = split_text("x" * (cut - len(end)) + end + "y" * (100 - cut))
        assert len(training) == taken

    @pytest.mark.parametrize("text", ["x" * 410, "x" * 380 + "\n" + "x" * 29, "x" * 379 + "\n\n" + "x" * 29])
    def test_either_part_is_long_enough(self, text):
        training, validation = split_text(text, smallest=41)
        assert training + validation == text
        assert min(len(training), len(validation)) >= 41

    def test_too_short(self):
        with pytest.raises(ValueError, match="text: expected at least 410 characters, got 409"):
            split_text("x" * 409, smallest=41)
        with pytest.raises(ValueError, match="text: expected at least 10 characters, got 0"):
            split_text("")

    def test_no_text(self):
        with pytest.raises(TypeError, match="text: expected a str, got bytes"):
            split_text(b"bytes")

    def test_training_and_validation_share_a_vocabulary(self):
        text = "αβγδε ζηθικ\n" * 10 + "🎉\n"
        training, validation = split_text(text)
        vocabulary = Vocabulary.from_text(text)
        assert vocabulary.decode(vocabulary.encode(validation)) == validation
        assert "🎉" not in training

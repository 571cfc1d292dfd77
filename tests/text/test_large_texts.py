"""Large texts: what is computed piece by piece is what it is in one piece, and takes little memory."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nnlite.experiment import Corpus, MinimalRNN, Sonnets
from nnlite.text import (
    Excerpt,
    Vocabulary,
    arguments,
    baselines,
    columns,
    copied_share,
    landmarks,
    longest_copy,
    memorization,
    statistics,
    words,
)

TEXTS = st.text("abc", max_size=40)


@pytest.fixture
def _small_pieces(monkeypatch):
    for module in (arguments, baselines, memorization):
        monkeypatch.setattr(module, "PIECE", 5, raising=False)
    monkeypatch.setattr(memorization, "TEXT_PIECE", 7)
    monkeypatch.setattr(sys.modules["nnlite.text.windows"], "PIECE", 5)  # nnlite.text.windows is the function


def brute_copy(text, source):
    for length in range(min(len(text), len(source)), 0, -1):
        for start in range(len(text) - length + 1):
            if (place := source.find(text[start : start + length])) >= 0:
                return text[start : start + length], start, place
    return "", 0, 0


class TestPieces:
    @pytest.mark.parametrize(("size", "overlap"), [(5, 0), (5, 4), (7, 3), (100, 3)])
    def test_hold_all(self, size, overlap):
        text = "abcdefghijklmnopqrstuvwxyz"
        found = list(arguments.pieces(text, size, overlap))
        assert "".join(piece[overlap if start else 0 :] for start, piece in found) == text
        assert all(text[start : start + len(piece)] == piece and len(piece) > overlap for start, piece in found)

    @pytest.mark.parametrize("text", ["Shall I compare\nthee to a summer\n", "one line alone of words"])
    def test_words_are_whole(self, text, monkeypatch):
        monkeypatch.setattr(statistics, "PIECE", 5)
        assert words(text) == text.lower().split()

    @pytest.mark.usefixtures("_small_pieces")
    def test_longest_copy(self):
        @settings(max_examples=150, deadline=None)
        @given(TEXTS, TEXTS)
        def test(text, source):
            assert tuple(longest_copy(text, source)) == brute_copy(text, source)

        test()

    @pytest.mark.usefixtures("_small_pieces")
    def test_longest_copy_where_windows_share_a_name(self, monkeypatch):
        """No copy is made up, and none is missed, where names lie for two seeds."""
        right = memorization._names
        monkeypatch.setattr(memorization, "_names", lambda *a: right(*a) // (10**18 if a[-1] < 2 else 1))

        @settings(max_examples=50, deadline=None)
        @given(TEXTS, TEXTS)
        @example("abcab", "cb")
        def test(text, source):
            assert tuple(longest_copy(text, source)) == brute_copy(text, source)

        test()

    @pytest.mark.usefixtures("_small_pieces")
    def test_copied_share(self):
        @settings(max_examples=150, deadline=None)
        @given(TEXTS, TEXTS, st.integers(1, 6))
        def test(text, source, length):
            windows = [text[i : i + length] in source for i in range(len(text) - length + 1)]
            share = copied_share(text, source, length)
            assert share == np.mean(windows) if windows else np.isnan(share)

        test()

    def test_landmarks(self, request):
        texts = ["ab", "aa", "abcabd" * 9, "".join(np.random.default_rng(0).choice(list("abcdefg"), 400))]
        whole = [landmarks(text) for text in texts]
        request.getfixturevalue("_small_pieces")
        assert [landmarks(text) for text in texts] == whole

    @pytest.mark.parametrize("step", [2, 4, 7])
    def test_columns(self, step, request):
        ids = np.arange(101)
        whole = columns(ids, 4, 3, step)
        request.getfixturevalue("_small_pieces")
        np.testing.assert_array_equal(columns(ids, 4, 3, step), whole)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Sonnets, {"step": 100, "batch_size": 16, "epochs": 1}),
        (Sonnets, {"step": 100, "carry": 1, "epochs": 1}),
        (MinimalRNN, {"iterations": 150}),
    ],
)
def test_small_ids_train_to_the_same_bits(kind, options, tmp_path, monkeypatch):
    """And a training that was begun with large ones can be resumed."""
    files = []
    for name in ("small", "large"):
        run = kind(tmp_path / name, kind.Settings(units=6, **options))
        if name == "large":
            monkeypatch.setattr(Vocabulary, "smallest_dtype", np.dtype("int64"))
        data = run.data()
        x = data[0] if kind is MinimalRNN else data[0][0]
        assert x.dtype == ("uint8" if name == "small" else "int64")
        run.create()
        run.fit(verbose=0)
        files.append([(run.folder / f).read_bytes() for f in ("model.safetensors", "checkpoint.safetensors")])
    assert files[0] == files[1]


MEASURE = """
import sys, tracemalloc
import numpy as np
import nnlite, nnlite.text
from nnlite.experiment import Corpus, Sonnets
text = "".join(np.random.default_rng(0).choice({alphabet}, 1_000_000)) * 8
tracemalloc.start()
{program}
print(tracemalloc.get_traced_memory()[1] / len(text))
"""


@pytest.mark.parametrize(
    "program",
    [
        "run = Sonnets('unused', Sonnets.Settings(units=4, batch_size=64), Corpus(text, 'a.txt')); run.start",
        "run = Sonnets('unused', Sonnets.Settings(units=4, carry=1), Corpus(text, 'a.txt')); run.start",
        "nnlite.text.landmarks(text)",
        "x, y = nnlite.text.windows(nnlite.text.Vocabulary.from_text(text).encode(text), 40, 20)",
        "nnlite.models.batch.Batch(np.zeros((len(text), 1), np.uint8)).checksum",
    ],
)
@pytest.mark.parametrize(
    ("alphabet", "most"),
    [
        ("list(map(chr, range(9999, 12999)))", 5),
        pytest.param('list("abcdefgh \\n")', 3, marks=pytest.mark.long),
    ],
)
def test_a_few_bytes_a_character(program, alphabet, most):
    """Beside the text itself. With 40 a text of 500 MB did not fit into 16 GB."""
    program = MEASURE.format(program=program, alphabet=alphabet)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) <= most


def test_pieces_overlap_and_none_repeats_only_what_was_there():
    assert [*arguments.pieces("abcdefg", 4, 1)] == [(0, "abcd"), (3, "defg")]
    assert [*arguments.pieces("abcdefgh", 4, 1)] == [(0, "abcd"), (3, "defg"), (6, "gh")]
    assert [*arguments.pieces("abcdefgh", 4)] == [(0, "abcd"), (4, "efgh")]
    assert [*arguments.pieces("ab", 4, 2)] == [(0, "ab")]
    assert [*arguments.pieces("", 4)] == [(0, "")]


def test_copies_are_found_in_few_bytes_a_character():
    """Beside the texts themselves: with 40 the report of a text of 20 MB took 1 GB."""
    text = "".join(np.random.default_rng(0).choice(list("abcdefgh \n"), 1_000_000))
    held_out, training = text[900_000:] + "~", Excerpt(text, end=900_000)
    for find in (longest_copy, copied_share):
        tracemalloc.start()
        find(held_out, training)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 10_000_000


def test_a_report_copies_no_training_text():
    run = Sonnets("unused", corpus=Corpus("shall i compare thee\n" * 500, "a.txt"))
    training, held_out = run.parts
    assert isinstance(training, Excerpt)
    assert training[:] + held_out == run.corpus.text

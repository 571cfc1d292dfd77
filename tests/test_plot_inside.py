"""Pictures of what is inside: what is drawn can be asked for."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

from nnlite import LSTM, RNN, Dense, Sequential, inspect
from nnlite.plot import activation_text, feature_maps, gates, gradient_flow, png
from nnlite.plot.canvas import UNIT_RANGE, around_zero, ends_of_bar, ink_on
from nnlite.plot.characters import character_sign, signs_explained
from nnlite.text import Vocabulary

VERSE = "so long\n  lives"
T, H = len(VERSE), 7


@pytest.fixture
def ax():
    return Figure(figsize=(8, 5)).add_subplot()


@pytest.fixture
def trace():
    """Two rows of an LSTM's quantities."""
    rng = np.random.default_rng(0)
    names = {name: rng.uniform(name in "gch" and -1, 1, (2, T, H)) for name in "ifgoch"}
    return names | {"c": 2 * names["c"], "dc": 1e-3 * names["c"]}


def numbers(labels):
    return [int(label.get_text()) for label in labels]


class TestGates:
    def test_a_band_for_each_quantity(self, trace, ax):
        assert gates(trace, units=[3, 0, 5], row=1, ax=ax) is ax
        for name, image in zip("ifgoch", ax.images, strict=True):
            assert (image.get_array() == trace[name][1][:, [3, 0, 5]].T).all()
            assert image.get_extent()[:2] == [-0.5, T - 0.5]
        tops = [image.get_extent()[3] for image in ax.images]
        assert tops == sorted(tops)
        assert [text.get_text().split()[0] for text in ax.texts] == [*"ifgoch"]
        assert numbers(ax.get_yticklabels()) == [3, 0, 5] * 6

    def test_what_is_invisible_is_seen(self, trace, ax):
        gates(trace, characters=VERSE, ax=ax)
        above_and_below = [label.get_text() for label in ax.get_xticklabels()]
        assert above_and_below == [*"so␣long↵␣␣lives"] * 2
        assert ax.get_xlabel() == "character read (␣ space, ↵ new line)"
        for breaks in ax.collections:  # of lines: one in each band, after the "\n"
            assert [segment[0, 0] for segment in breaks.get_segments()] == [7.5] * 6

    def test_steps_are_numbered_without_characters(self, trace, ax):
        gates(trace, ax=ax)
        assert ax.get_xlabel() == "time step"
        assert not ax.collections

    def test_scales(self, trace, ax):
        trace["c"][0, 0, 0] = 5.0
        gates(trace, units=range(H), quantities=[*trace], ax=ax)
        limits = dict(zip(trace, (image.get_clim() for image in ax.images), strict=True))
        largest = abs(trace["dc"][0]).max()
        assert limits == {
            "i": (0, 1), "f": (0, 1), "g": (-1, 1), "o": (0, 1), "c": (-3, 3), "h": (-1, 1), "dc": (-largest, largest)
        }  # fmt: skip

    def test_z_is_a_gate_of_a_gru_and_a_sum_of_an_rnn(self, trace, ax):
        z, r, h = trace["i"], trace["f"], trace["h"]
        gates({"z": z, "r": r, "h": h}, units=range(H), ax=ax)
        gates({"z": z, "h": h}, units=range(H), ax=ax)
        largest = z[0].max()
        assert [image.get_clim() for image in ax.images[::3]] == [(0, 1), (-largest, largest)]

    def test_h_behind_a_relu_has_no_bounds(self, ax):
        gates({"z": np.array([[-2.0], [3.0]]), "h": np.array([[0.0], [3.0]])}, ax=ax)
        assert [image.get_clim() for image in ax.images] == [(-3, 3), (-3, 3)]

    @pytest.mark.parametrize(("row", "words", "unit"), [({}, "ab", 0), ({"row": 1}, "cd", 1)])
    def test_characters_and_units_are_those_of_the_row(self, row, words, unit, ax):
        class Trace(dict):
            characters = "ab", "cd"

        f = np.zeros((2, 2, 2))
        f[0, 0, 0] = f[1, 0, 1] = 1.0  # the unit that varies is another one in each row
        gates(Trace(f=f), **row, ax=ax)
        assert [label.get_text() for label in ax.get_xticklabels()][:2] == [*words]
        assert numbers(ax.get_yticklabels())[0] == unit

    @pytest.mark.parametrize(("memory", "others"), [("f", "ioh"), ("z", "rh"), ("h", "z")])
    def test_chooses_units_that_keep_and_forget(self, memory, others, ax):
        trace = {name: np.full((T, H), 0.5) for name in [memory, *others]}
        for unit, change in {4: 0.5, 2: 0.4, 6: 0.3, 0: 0.2, 1: 0.1, 5: 0.05, 3: 0.01}.items():
            trace[memory][::2, unit] += change
        trace[others[0]][::2, 3] = 0  # what others do does not matter
        gates(trace, quantities=[others[0]], ax=ax)
        assert numbers(ax.get_yticklabels()) == [4, 2, 6, 0, 1, 5]

    def test_of_units_that_vary_alike_chooses_the_first(self, ax):
        gates({"f": np.tile([[0.0], [1.0]], 500)}, ax=ax)
        assert numbers(ax.get_yticklabels()) == [0, 1, 2, 3, 4, 5]
        assert {label.get_fontsize() for label in ax.get_yticklabels()} == {9}

    def test_numbers_of_many_units_are_small(self, ax):
        gates({"f": np.tile([[0.0], [1.0]], 500)}, range(100), ax=ax)
        assert {0 < label.get_fontsize() < 9 for label in ax.get_yticklabels()} == {True}

    def test_of_a_real_trace(self, ax):
        vocabulary = Vocabulary("\n abcdefghijklmnopqrstuvwxyz")
        model = Sequential([LSTM(5, return_sequences=True, input_dim=28), Dense(28)], input_shape=(T,), seed=0)
        trace = inspect.trace(model, VERSE, VERSE, vocabulary=vocabulary)["lstm"]
        gates(trace, ax=ax)
        assert len(ax.images) == 6  # no gradients
        assert "5 of the 5 units of lstm" in ax.get_title()
        assert "space" in ax.get_xlabel()  # it knows what it read
        assert ax.texts[1].get_text() == "f   forget gate: how much of the cell stays"
        gates(trace, quantities=["df"], ax=ax)
        assert (ax.images[-1].get_array() == trace["df"][0][:, numbers(ax.get_yticklabels())].T).all()

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"quantities": ["x"]}, ValueError, "quantities: expected some of i, f, g, o, c, h, dc, got 'x'"),
            ({"quantities": ["dh"]}, ValueError, "'dh': for gradients give the trace targets"),
            ({"quantities": []}, ValueError, "at least one"),
            ({"characters": "so"}, ValueError, "characters: expected 15, one for each step, got 2"),
            ({"units": [7]}, IndexError, r"units: expected at least one, of 0 to 6, got \[7\]"),
            ({"units": []}, IndexError, "at least one"),
            ({"row": 2}, IndexError, "row: expected one of 0 to 1, got 2"),
            ({"trace": {}}, ValueError, "at least one"),
            ({"trace": {"lstm": {}}}, ValueError, r"got that of a model: use trace\['lstm'\]"),
            ({"trace": {"f": np.ones(3)}}, ValueError, r"f: expected shape \(N, T, H\) or \(T, H\), got \(3,\)"),
            ({"trace": {"f": np.ones((3, 0))}}, ValueError, "f: expected shape"),
            (
                {"trace": {"f": np.ones((3, 4)), "h": np.ones((4, 4))}},
                ValueError,
                r"the same shape.*f \(3, 4\), h \(4, 4\)",
            ),
            (
                {"trace": {"f": [[1.0], [np.nan], [np.inf]]}},
                ValueError,
                "f: expected finite numbers, got NaN or infinity at step 1",
            ),
        ],
    )
    def test_refuses(self, arguments, error, message, trace, ax):
        with pytest.raises(error, match=message):
            gates(**{"trace": trace, "ax": ax} | arguments)


def written(ax):
    """What stands in each row of the text."""
    rows = {}
    for text in sorted(ax.texts, key=lambda text: text.get_position()):
        column, row = text.get_position()
        rows[row] = rows.get(row, "").ljust(column) + text.get_text()
    return [rows[row] for row in sorted(rows)]


class TestActivationText:
    def test_lines_are_those_of_the_text(self, ax):
        values = np.linspace(-1, 2, T)
        assert activation_text(values, VERSE, ax=ax) is ax
        assert written(ax) == ["so long↵", "  lives"]
        colours = ax.images[0].get_array()
        assert colours.compressed().tolist() == values.tolist()
        assert colours[1, 6] == 2  # the second line's last character
        assert colours.mask[1].tolist() == [False] * 7 + [True]
        assert ax.images[0].get_clim() == (-2, 2)

    def test_long_lines_go_on(self, ax):
        activation_text(np.zeros(T), VERSE, width=5, ax=ax)
        assert written(ax) == ["so lo", "ng↵", "  liv", "es"]
        assert (list(ax.get_yticks()), numbers(ax.get_yticklabels())) == ([0, 2], [1, 2])

    def test_a_line_goes_on_after_80_characters(self, ax):
        activation_text(np.zeros(81), "x" * 81, ax=ax)
        assert written(ax) == ["x" * 80, "x"]

    @pytest.mark.parametrize(("count", "numbered"), [(20, [*range(1, 21)]), (21, [5, 10, 15, 20])])
    def test_of_many_lines_each_fifth_has_its_number(self, count, numbered, ax):
        activation_text(np.zeros(2 * count), "a\n" * count, ax=ax)
        assert numbers(ax.get_yticklabels()) == numbered

    def test_a_line_of_just_the_width_keeps_its_end(self, ax):
        activation_text(np.zeros(6), "sonne\n", width=5, ax=ax)
        assert written(ax) == ["sonne↵"]

    def test_says_what_it_shows(self, ax):
        activation_text(np.zeros(T), VERSE, label="c of unit 3 (no unit)", title="A unit", ax=ax)
        assert (ax.get_title(), ax.get_xlabel()) == ("A unit", "column (↵ new line)")
        assert ax.figure.axes[1].get_xlabel() == "c of unit 3 (no unit)"

    def test_letters_can_be_read_on_every_colour(self, ax):
        image = activation_text(np.linspace(-1, 1, 99), "x" * 99, ax=ax).images[0]
        for text, value in zip(ax.texts, image.get_array().compressed(), strict=True):
            assert contrast(image.to_rgba(value), text.get_color()) >= 4.5

    def test_letters_fill_their_cells_and_no_more(self, ax):
        activation_text(np.zeros(40), "m" * 40, ax=ax)
        ax.figure.draw_without_rendering()
        cell = ax.transData.transform([[0, 0], [1, 1]])
        cell = abs(cell[1] - cell[0])
        widths = {text.get_window_extent().width for text in ax.texts}
        assert 0.7 * cell[0] < max(widths) <= cell[0]

    def test_limits(self, ax):
        activation_text(np.linspace(0, 2, T), VERSE, limits=(0, 1), ax=ax)
        assert ax.images[0].get_clim() == (0, 1)
        assert ax.images[0].cmap(0.0)[:3] == (0, 0, 0)  # shut is black
        assert ax.images[0].colorbar.extend == "max"  # there is more

    @pytest.mark.filterwarnings("ignore:Glyph")  # a computer without the font draws boxes
    def test_any_character_can_be_drawn(self):
        odd = "$_^\\\t\x00\u0301\u200b$%\r\n"
        assert png(activation_text, np.zeros(len(odd)), odd).startswith(b"\x89PNG")

    @pytest.mark.parametrize(
        ("values", "characters", "options", "message"),
        [
            (np.zeros((1, 2, 3)), "ab", {}, r"of 2 characters, shape \(T,\), got \(1, 2, 3\).*\[row, :, unit\]"),
            (np.zeros(2), "abc", {}, r"of 3 characters, shape \(T,\), got \(2,\)"),
            (np.zeros(0), "", {}, "expected one for each"),
            ([0, np.nan], "ab", {}, "values: expected finite numbers, got nan"),
            ([0, 1], "ab", {"width": 0}, "width: expected at least 1"),
            ([0, 1], "ab", {"limits": (1, 1)}, "limits: expected a lower and a higher"),
        ],
    )
    def test_refuses(self, values, characters, options, message, ax):
        with pytest.raises(ValueError, match=message):
            activation_text(values, characters, ax=ax, **options)


def contrast(*colours):
    """As defined in WCAG 2.2, by its formulas for single numbers."""
    from matplotlib.colors import to_rgb

    lights = []
    for colour in colours:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        lights.append(0.05 + 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return max(lights) / min(lights)


def flow(dh, dc=None):
    return SimpleNamespace(dh=np.array(dh, float), dc=None if dc is None else np.array(dc, float))


class TestGradientFlow:
    FLOWS = {"RNN": flow([1e-4, 1e-2, 1]), "LSTM": flow([1, 1, 1], [0.5, 1, 2])}  # noqa: RUF012

    def test_draws_the_norms_from_the_end_to_the_beginning(self, ax):
        assert gradient_flow(self.FLOWS, ax=ax) is ax
        assert [list(line.get_ydata()) for line in ax.get_lines()] == [[1, 1e-2, 1e-4], [1, 1, 1], [2, 1, 0.5]]
        assert all(list(line.get_xdata()) == [0, 1, 2] for line in ax.get_lines())
        assert ax.get_yscale() == "log"

    def test_says_what_is_on_the_axes_and_what_arrives(self, ax):
        gradient_flow(self.FLOWS, title="Back", ax=ax)
        assert (ax.get_title(), ax.get_ylabel()) == ("Back", "norm of the gradient (log scale)")
        assert ax.get_xlabel() == "steps back in time (0: the state after the last step)"
        assert [text.get_text() for text in ax.get_legend().get_texts()] == [
            "RNN: dL/dh, in total × 0.0001", "LSTM: dL/dh, in total × 1", "LSTM: dL/dc, in total × 0.25"
        ]  # fmt: skip

    def test_what_stays_is_flat(self, ax):
        gradient_flow({"cell": flow(1 + 1e-7 * np.arange(9))}, ax=ax)
        low, high = ax.get_ylim()
        assert low < 0.2
        assert high > 5

    def test_zero_and_infinity_are_at_the_edges(self, ax):
        gradient_flow({"a": flow([0, 0, 1, 2]), "b": flow([np.nan, np.inf, 4, 3])}, ax=ax)
        low, high = ax.get_ylim()
        a, b, down, _, up, _ = ax.get_lines()  # and two that are in the legend alone
        assert (down.get_marker(), up.get_marker()) == ("v", "^")
        assert down.get_xydata().tolist() == [[2, low], [3, low]]
        assert up.get_xydata().tolist() == [[2, high], [3, high]]
        for curve in (a, b):
            assert np.isfinite(curve.get_ydata()).tolist() == [True, True, False, False]
        assert [text.get_text() for text in ax.get_legend().get_texts()] == [
            "a: dL/dh, in total × 0", "b: dL/dh", "0", "infinite, or NaN"
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "norms", [[0, 0], [np.nan, np.nan], [5e-324, 5e-324], [1e308, np.inf], [1e-320, 1e308], [1]]
    )
    def test_no_number_is_too_extreme(self, norms):
        assert png(gradient_flow, {"a": flow(norms, norms)}).startswith(b"\x89PNG")  # and no warning

    def test_norms_of_any_size_are_where_they_belong(self, ax):
        gradient_flow({"a": flow([1e-190, 1e190])}, ax=ax)
        assert ax.get_lines()[0].get_ydata().tolist() == [1e190, 1e-190]

    def test_curves_differ_without_colour(self, ax):
        gradient_flow({name: flow(np.ones(50), np.ones(50)) for name in "abcdef"}, ax=ax)
        lines = ax.get_lines()
        assert len({(str(line._dash_pattern), line.get_marker(), line.get_fillstyle()) for line in lines}) == 12
        ax.clear()
        first, *_, seventh = gradient_flow({name: flow([1, 1]) for name in "abcdefg"}, ax=ax).get_lines()
        assert first.get_color() == seventh.get_color()  # there are six looks

    def test_curves_that_coincide_are_seen(self, ax):
        gradient_flow({name: flow(np.ones(50)) for name in "abcde"}, ax=ax)
        assert len({line.get_markevery()[0] for line in ax.get_lines()}) == 5
        ax.clear()
        gradient_flow({name: flow([1, 1]) for name in "abcde"}, ax=ax)
        assert {line.get_markevery() for line in ax.get_lines()} == {(0, 1)}  # none of so few points is without

    def test_of_real_layers(self, ax):
        flows = {cell.__name__: inspect.gradient_flow(cell(4, seed=0), 20) for cell in (RNN, LSTM)}
        gradient_flow(flows, ax=ax)
        assert [line.get_label().split(",")[0] for line in ax.get_lines()] == [
            "RNN: dL/dh", "LSTM: dL/dh", "LSTM: dL/dc"
        ]  # fmt: skip
        np.testing.assert_array_equal(ax.get_lines()[-1].get_ydata(), flows["LSTM"].dc[::-1])

    @pytest.mark.parametrize(
        ("flows", "error", "message"),
        [
            ({}, ValueError, "at least one, got none"),
            (flow([1, 2]), TypeError, 'flows: expected a dict, got SimpleNamespace .*: use {"a name": ...}'),
            ({"a": flow([[1, 2]])}, ValueError, r"dh of 'a': expected the norms of T \+ 1 states.*shape \(1, 2\)"),
            ({"a": flow([])}, ValueError, "dh of 'a'"),
            ({"a": flow([1], [-1])}, ValueError, "dc of 'a'.*with -1"),
        ],
    )
    def test_refuses(self, flows, error, message, ax):
        with pytest.raises(error, match=message):
            gradient_flow(flows, ax=ax)


class TestFeatureMaps:
    def test_draws_them_with_their_numbers(self, ax):
        maps = np.random.default_rng(0).normal(size=(4, 6, 5))
        assert feature_maps(maps, ax=ax) is ax
        for f, image in enumerate(ax.images):
            assert (image.get_array() == maps[..., f]).all()
        assert [text.get_text() for text in ax.texts] == [*"01234"]
        assert ax.get_title() == "5 feature maps of 4 x 6"
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("each 6 pixels wide", "each 4 pixels high")

    def test_grey_is_zero_where_numbers_have_a_sign(self, ax):
        maps = np.array([-1.0, 3.0]).reshape(1, 1, 2)
        assert {image.get_clim() for image in feature_maps(maps, ax=ax).images} == {(-3, 3)}

    def test_black_is_zero_behind_a_relu(self, ax):
        maps = np.array([0.0, 3.0]).reshape(1, 1, 2)
        assert {image.get_clim() for image in feature_maps(maps, ax=ax).images} == {(0, 3)}

    def test_nothing_found(self, ax):
        assert feature_maps(np.zeros((2, 2, 1)), ax=ax).images[0].get_clim() == (0, 1)

    @pytest.mark.parametrize(
        ("maps", "message"),
        [
            (
                np.ones((1, 4, 4, 2)),
                r"shape \(H, W, filters\), got \(1, 4, 4, 2\): for a batch use one image, maps\[0\]",
            ),
            (np.ones((4, 4)), r"got \(4, 4\)$"),
            (np.ones((4, 0, 2)), "expected the maps of one image"),
            (np.full((1, 1, 1), np.inf), "finite"),
        ],
    )
    def test_refuses(self, maps, message, ax):
        with pytest.raises(ValueError, match=message):
            feature_maps(maps, ax=ax)


class TestScale:
    def test_zero_is_in_the_middle_also_of_nothing(self):
        assert around_zero(0)[1:] == (-1, 1)
        assert around_zero(2.5)[1:] == (-2.5, 2.5)

    @pytest.mark.parametrize(
        ("values", "ends"), [((0, 1), "neither"), ((-0.1, 1), "min"), ((0, 1.1), "max"), ((-0.1, 1.1), "both")]
    )
    def test_a_bar_has_an_arrow_where_there_are_values_beyond_it(self, values, ends):
        assert ends_of_bar(UNIT_RANGE, np.array(values)) == ends

    def test_ink_is_the_one_with_more_contrast(self):
        greys = np.linspace(0, 1, 256).repeat(3).reshape(-1, 3)
        for grey, ink in zip(greys, ink_on(greys), strict=True):
            assert contrast(grey, str(ink)) == max(contrast(grey, "black"), contrast(grey, "white"))


class TestSigns:
    def test_every_character_has_one(self):
        assert [character_sign(c) for c in "a$ \n\t\x00"] == [*"a$␣↵⇥�"]

    def test_are_explained_where_they_occur(self):
        assert signs_explained("abc") == ""
        assert signs_explained("a\nb c ") == " (␣ space, ↵ new line)"
        assert signs_explained("\r\x07") == " (� U+0007 or return)"
        assert signs_explained("�") == ""  # it is there to see

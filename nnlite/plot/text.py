"""Plot character frequencies and line lengths of texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nnlite.utils import of_its_kinds

from .canvas import BLUE, VERMILION, Axes, new_axes, plain
from .characters import character_name
from .fonts import lend_fonts

MOST = 45  # bars: with more, labels overlap

# The style of the corpus also differs in brightness, and is hatched or hollow.
TEXT: dict[str, Any] = {"color": BLUE}
HATCHED: dict[str, Any] = {"facecolor": "white", "edgecolor": VERMILION, "hatch": "//////", "linewidth": 0.8}
OUTLINE: dict[str, Any] = {"color": VERMILION, "histtype": "step", "linewidth": 1.8}


@of_its_kinds
def character_frequencies(
    frequencies: Mapping[str, float],
    corpus: Mapping[str, float] | None = None,
    ax: Axes | None = None,
    labels: Sequence[str] = ("text", "corpus"),
) -> Axes:
    """Draw character frequencies as bars. The 45 most frequent characters have their own bars, the others share one.

    With a corpus, the bars are pairs in the order of the corpus: a bar that breaks the order shows a character that is
    too frequent or too rare in the text.

    Args:
        frequencies: percent per character, from `nnlite.text.character_frequencies`.
        corpus: the frequencies to compare with.
        ax: where to draw; by default into a new figure. A width of 10 inches leaves room for the labels.
        labels: names of the two in the legend.

    Raises:
        ValueError: there are no characters.

    Example:
        >>> from matplotlib.figure import Figure
        >>> from nnlite import text
        >>> from nnlite.plot import character_frequencies
        >>> ax = Figure().add_subplot()  # without it: a new figure of pyplot
        >>> character_frequencies(text.character_frequencies(text.clean_sonnets()), ax=ax).get_ylabel()
        'share of all characters (%)'
    """
    for name, numbers in (("frequencies", frequencies), ("corpus", corpus)):
        if numbers is not None and not numbers:
            raise ValueError(f"{name}: expected the frequency of at least one character, got none")
    ax = new_axes() if ax is None else ax
    shares = [frequencies] if corpus is None else [frequencies, corpus]
    main = shares[-1]  # sets the order
    order = sorted(dict.fromkeys([*main, *frequencies]), key=lambda c: (-main.get(c, 0), -frequencies.get(c, 0), c))
    shown, others = (order, []) if len(order) <= MOST else (order[: MOST - 1], order[MOST - 1 :])
    width = 0.85 / len(shares)
    for number, (share, label, style) in enumerate(zip(shares, labels, (TEXT, HATCHED), strict=False)):
        heights = [share.get(c, 0) for c in shown] + ([sum(share.get(c, 0) for c in others)] if others else [])
        places = [place + width * (number - (len(shares) - 1) / 2) for place in range(len(heights))]
        ax.bar(places, heights, width, label=plain(label), **style)
    # A dollar sign would start a formula.
    names = [character_name(c).replace("$", r"\$") for c in shown] + ([f"{len(others)} others"] if others else [])
    ax.set_xticks(range(len(names)), names)
    for tick in ax.get_xticklabels():
        tick.set_rotation(90 if len(tick.get_text()) > 2 else 0)
    ax.tick_params(axis="x", length=0)
    ax.set(xlim=(-0.7, len(names) - 0.3), xlabel="character", ylabel="share of all characters (%)")
    ax = _finished(ax, "Character frequencies", labels if corpus else None)
    lend_fonts(ax.figure)
    return ax


@of_its_kinds
def line_lengths(
    lengths: Iterable[int] | Mapping[int, int],
    corpus: Iterable[int] | Mapping[int, int] | None = None,
    ax: Axes | None = None,
    labels: Sequence[str] = ("text", "corpus"),
) -> Axes:
    """Draw a histogram of line lengths, in percent. If they span more than 80 characters, several lengths share a bar.

    Args:
        lengths: the length of each line, from `nnlite.text.line_lengths`; or counts by length, such as
            `TextStatistics.line_lengths`.
        corpus: the lengths to compare with, drawn as an outline.
        ax: where to draw; by default into a new figure.
        labels: names of the two in the legend.

    Raises:
        ValueError: there are no lines.

    Example:
        >>> from matplotlib.figure import Figure
        >>> from nnlite import text
        >>> from nnlite.plot import line_lengths
        >>> ax = Figure().add_subplot()  # without it: a new figure of pyplot
        >>> line_lengths(text.line_lengths(text.clean_sonnets()), ax=ax).get_xlabel()
        'length of a line (characters)'
    """
    counts = [Counter(lengths)] + ([] if corpus is None else [Counter(corpus)])  # of a dict, Counter takes the counts
    for name, count in zip(("lengths", "corpus"), counts, strict=False):
        if not count.total():
            raise ValueError(f"{name}: expected the length of at least one line, got none")
    ax = new_axes() if ax is None else ax
    every = [length for count in counts for length in count]
    low, step = min(every), 1 + (max(every) - min(every)) // 80
    edges = [low - 0.5 + step * number for number in range((max(every) - low) // step + 2)]
    for count, label, style in zip(counts, labels, (TEXT, OUTLINE), strict=False):
        total = sum(count.values())
        weights = [100 * number / total for number in count.values()]
        ax.hist(list(count), edges, weights=weights, label=plain(label), **style)
    ax.set(xlabel="length of a line (characters)", ylabel="share of all lines (%)")
    return _finished(ax, "Line lengths", labels if corpus is not None else None)


def _finished(ax, title, compared):
    """The axes with title and grid, and a legend if two texts are compared."""
    ax.set_title(f"{title}: {compared[0]} and {compared[1]}" if compared else title)
    ax.yaxis.grid(True, linewidth=0.5)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    if compared:
        ax.legend(framealpha=1, edgecolor="none")
    return ax

"""What `compare.py` tells: a table, JSON, and a picture."""

import itertools
import json
import math
import statistics

from work import BOTH

WIDTH = 120  # characters of the table


def rounded(number):
    return f"{number:.2f}" if number else ""


def milliseconds(seconds):
    """With three digits."""
    return f"{1e3 * seconds:.{min(3, max(0, 2 - math.floor(math.log10(1e3 * seconds))))}f}" if seconds else ""


def grouped(rows, key):
    return [(value, list(group)) for value, group in itertools.groupby(rows, key=lambda row: row[key])]


def summary(rows):
    """How the ratios are on the whole."""
    counted = [row for row in rows if row["counts"]]
    if not counted:
        return "No row has a peer that counts."
    means = {
        n: statistics.geometric_mean(row["ratio"] for row in counted if n in (None, row["threads"]))
        for n in [None, *sorted({row["threads"] for row in counted})]
    }
    by_threads = ", ".join(f"{mean:.2f} with {n} thread{'s' * (n > 1)}" for n, mean in means.items() if n)
    losing = sum(row["loses"] for row in counted)
    return (
        f"Geometric mean of {len(counted)} ratio{'s' * (len(counted) > 1)}: {means[None]:.2f} ({by_threads}). "
        f"Below 1.0 (0.9 in float64): {losing}."
    )


def short(name):
    """A layer's row without a word of its passes is about both."""
    return name.replace(f": {BOTH}", "")


def show(rows):
    """Print the table."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    timed = ["nnlite", "peer", *(["reference"] if any("reference" in row["seconds"] for row in rows) else [])]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title="Times in milliseconds", title_justify="left")
    for column in ("work", "thr", *timed, "ratio", "share", "limit", "fastest peer"):
        table.add_column(column, justify="left" if column in ("work", "fastest peer") else "right")
    for _, family in grouped(rows, "family"):
        for row in family:
            seconds = row["seconds"] | {"peer": row["seconds"].get(row["peer"])}
            numbers = [milliseconds(seconds.get(name)) for name in timed]
            numbers += [rounded(row["ratio"]) + (" <" if row["loses"] else "  ")]
            numbers += [rounded(row["share"]), rounded(row["limit"]), row["peer"] or ""]
            style = "bold red" if row["loses"] else None
            table.add_row(short(row["work"]), str(row["threads"]), *numbers, style=style)
        table.add_section()
    Console(width=WIDTH).print(table)


def save(path, facts, rows):
    """JSON and, beside it, the picture; the names of both."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": facts, "summary": summary(rows), "rows": rows}, indent=1))
    compared = [row for row in rows if row["ratio"]]
    if not compared:
        return str(path)
    picture = path.with_suffix(".png")
    draw(compared, f"{facts['CPU']}. {summary(rows)}").savefig(picture, dpi=110)
    return f"{path}, {picture}"


def draw(rows, title):
    """A line for each piece of work, by family, in two columns: from 1 to the ratio, on a logarithmic axis."""
    from matplotlib.figure import Figure

    families = [(family, grouped(group, "work")) for family, group in grouped(rows, "family")]
    lines = [1 + len(works) for _, works in families]
    first = next(i for i in range(len(lines) + 1) if 2 * sum(lines[:i]) >= sum(lines))
    columns = [column for column in (families[:first], families[first:]) if column]
    tall = max(sum(lines[:first]), sum(lines[first:]))
    figure = Figure((8 * len(columns), 1.6 + 0.17 * tall), layout="constrained")
    figure.suptitle(f"{title}\nFilled: 1 thread; hollow: 2. Orange: slower than the peer.", fontsize=9)
    for ax, column in zip(figure.subplots(1, len(columns), sharex=True, squeeze=False)[0], columns, strict=True):
        draw_column(ax, column)
        ax.set_ylim(tall - 0.5, -0.5)
    return figure


def draw_column(ax, families):
    from nnlite.plot.canvas import BLUE, GREY, VERMILION

    labels = []
    for family, works in families:
        counted = [row["ratio"] for _, both in works for row in both if row["counts"]]
        labels.append(f"{family}: {statistics.geometric_mean(counted):.2f}" if counted else family)
        for name, both in works:
            for row in both:
                colour = VERMILION if row["loses"] else BLUE if row["counts"] else GREY
                face = colour if row["threads"] == 1 else "white"
                ax.plot((1, row["ratio"]), (len(labels),) * 2, color=colour, linewidth=1, zorder=1)
                ax.plot(row["ratio"], len(labels), "o", color=colour, markerfacecolor=face, markersize=4, zorder=2)
            labels.append(short(name))
    ax.set_yticks(range(len(labels)), labels, fontsize=7)
    place = 0
    for _, works in families:
        ax.get_yticklabels()[place].set_fontweight("bold")
        place += 1 + len(works)
    ax.axvline(1, color="black", linewidth=0.8)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.tick_params(axis="x", top=True, labeltop=True)
    ax.grid(axis="x", color="0.9")
    ax.set_axisbelow(True)
    ax.set_xlabel("times as fast as the fastest peer")

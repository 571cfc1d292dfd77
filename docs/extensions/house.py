"""The rooms of the package on their floors, drawn from the imports when the pages are built.

    ```{house}
    ```

is an SVG picture. The floors come from tests/test_floors.py, which checks that imports go down only.
"""

import ast
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "nnlite"
WIDTH, FLOOR, BOX, LEFT = 760, 84, 30, 36  # pixels: picture width, height of a floor and of a box, room for numbers


def floors() -> list[list[str]]:
    """The rooms of each floor, from the ground up."""
    tree = ast.parse((ROOT / "tests" / "test_floors.py").read_text(encoding="utf-8"))
    values = {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)}
    return [sorted(rooms) for rooms in ast.literal_eval(values["FLOORS"])]


def modules() -> dict[str, list[Path]]:
    """The files of each room. A room is a module in the package's root, or a folder."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        found.setdefault(path.relative_to(PACKAGE).with_suffix("").parts[0], []).append(path)
    return found


def imports() -> dict[str, set[str]]:
    """The other rooms that each room imports. A name of nnlite itself counts for the room that defines it."""
    rooms = modules()
    origin = {name: room for room, name in _imported(PACKAGE / "__init__.py", rooms)}
    found = {}
    for room, paths in rooms.items():
        pairs = [pair for path in paths for pair in _imported(path, rooms)]
        found[room] = {origin.get(name) if source == "__init__" else source for source, name in pairs} - {room, None}
    return found


def _imported(path, rooms):
    """The (room, name) pairs that a file uses of nnlite, by `from ... import name` or as `nnlite.name`."""
    package = ["nnlite", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            start = package[: len(package) + 1 - node.level] if node.level else []
            module = [*start, *(node.module.split(".") if node.module else [])]
            for alias in node.names if module[0] == "nnlite" else ():
                inner = [*module[1:], alias.name]
                yield (inner[0] if inner[0] in rooms else "__init__"), alias.name
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "nnlite":
            yield (node.attr if node.attr in rooms else "__init__"), node.attr


def direct(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """The graph without the edges that a longer path implies: the same rooms can be reached."""
    below = {}

    def reachable(room):
        if room not in below:
            below[room] = graph[room].union(*map(reachable, graph[room]))
        return below[room]

    return {room: others - set().union(*map(reachable, others)) for room, others in graph.items()}


def picture() -> str:
    """The SVG: a box for each room, with its imports as tooltip; a line for each import that no other line implies."""
    storeys = floors()
    places = [room for storey in storeys for room in storey]
    graph = {room: others & set(places) for room, others in imports().items() if room in places}
    lines = direct(graph)
    level = {room: number for number, storey in enumerate(storeys) for room in storey}
    x = _columns(storeys, lines)
    height = FLOOR * len(storeys)
    top = {room: height - FLOOR * (level[room] + 1) + (FLOOR - BOX) / 2 for room in places}
    parts, rules = [], []
    for number in range(len(storeys)):
        y = height - FLOOR * (number + 1)
        parts.append(f'<rect class="floor" x="0" y="{y + 3}" width="{WIDTH}" height="{FLOOR - 6}" rx="6"/>')
        parts.append(f'<text class="number" x="16" y="{y + FLOOR / 2 + 5}">{number + 1}</text>')
    for room, others in lines.items():
        for other in sorted(others):
            start, end = top[room] + BOX, top[other]
            middle = (start + end) / 2
            parts.append(
                f'<path class="{_id(room)} {_id(other)}" '
                f'd="M{x[room]:.0f} {start} C{x[room]:.0f} {middle} {x[other]:.0f} {middle} {x[other]:.0f} {end}"/>'
            )
    for room in places:
        width, files = _width(room), modules()[room]
        main = files[0].relative_to(ROOT).as_posix()  # of a folder, __init__.py, as it sorts first
        label = f"{room}/" if main.endswith("__init__.py") else room
        names = ", ".join(sorted(graph[room])) or "nothing of nnlite"
        parts.append(
            f'<a id="{_id(room)}" href="source/{main}.html"><title>{escape(f"{room} imports {names}")}</title>'
            f'<rect class="room" x="{x[room] - width / 2:.0f}" y="{top[room]}" width="{width}" height="{BOX}" rx="4"/>'
            f'<text x="{x[room]:.0f}" y="{top[room] + BOX / 2 + 4.5}">{label}</text></a>'
        )
        rules.append(f"svg.house:has(#{_id(room)}:hover) path.{_id(room)}")
    style = f"{', '.join(rules)} {{ stroke: var(--color-brand-primary); stroke-width: 2.5; opacity: 1; }}"
    title = f"The rooms of nnlite on {len(storeys)} floors"
    return (
        f'<svg class="house" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}"><style>{style}</style>'
        f"{''.join(parts)}</svg>\n"
    )


def _columns(storeys, lines):
    """The x of the middle of each box: from the ground up, rooms are placed near those that they import."""
    x = {}
    for storey in storeys:
        wanted = {room: [x[other] for other in lines[room] if other in x] for room in storey}
        order = sorted(storey, key=lambda room: sum(wanted[room]) / len(wanted[room]) if wanted[room] else WIDTH / 2)
        gap = (WIDTH - LEFT - sum(map(_width, order))) / (len(order) + 1)
        place = LEFT + gap
        for room in order:
            x[room] = place + _width(room) / 2
            place += _width(room) + gap
    return x


def _width(room):
    return 24 + 8 * len(room)


def _id(room):
    return f"room-{room}"


class House(SphinxDirective):
    def run(self):
        for path in [ROOT / "tests" / "test_floors.py", *PACKAGE.rglob("*.py")]:
            self.env.note_dependency(str(path))  # so that an outdated picture is drawn again
        return [nodes.raw("", picture(), format="html")]


def setup(app):
    app.add_directive("house", House)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""The documentation: every layer has its page, and its cells run. What is built of it: built_pages.py."""

import ast
import importlib
import inspect
import linecache
import re
import sys
from pathlib import Path

import matplotlib
import pytest
import test_floors
from extras import import_extra
from matplotlib import pyplot

import nnlite
from nnlite import plot

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
LAYERS = [
    layer
    for layer in dict.fromkeys(map(nnlite.__dict__.get, nnlite.__all__))
    if inspect.isclass(layer) and issubclass(layer, nnlite.Layer) and layer is not nnlite.Layer
]
every_layer = pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.__name__)


def stem(layer):
    """The one name of a layer's files."""
    return layer.__module__.rpartition(".")[2]


def kernels(layer):
    """The kernels that a layer calls, from what it and its bases say."""
    if hasattr(layer, "kernel"):
        return {layer.kernel}
    modules = [sys.modules[base.__module__] for base in layer.__mro__ if base.__module__.startswith("nnlite.layers.")]
    return set(re.findall(r"backend\(\)\.(\w+)", "".join(map(inspect.getsource, modules))))


def read(name):
    return (DOCS / name).read_text(encoding="utf-8")


def cells(page):
    """The code that is run while a page is built, cell by cell; without the options of a cell, such as its tags."""
    return re.findall(r"^```\{code-cell\}\n(?::.*?\n)*(.*?)^```", page, re.MULTILINE | re.DOTALL)


def quoted(page):
    return set(re.findall(r"^```\{literalinclude\} (\S+)", page, re.MULTILINE))


def linked(page):
    return set(re.findall(r"\]\(([^)#:]+)\)", page))


@every_layer
def test_every_layer_has_a_page_in_the_index(layer):
    page, index = read(f"layers/{stem(layer)}.md"), read("layers/index.md")
    assert f"\n# {layer.__name__}\n" in page
    assert f"[{layer.__name__}]({stem(layer)}.md)" in index
    assert re.search(rf"^{stem(layer)}$", index, re.MULTILINE), "the table of contents lacks it"


@every_layer
def test_a_page_quotes_the_reference_and_links_to_kernel_and_layer(layer):
    page = read(f"layers/{stem(layer)}.md")
    assert f"../../nnlite/layers/{stem(layer)}.py" in linked(page)
    assert f"```{{arguments}} nnlite.{layer.__name__}\n" in page
    for kernel in kernels(layer):
        assert f"../../nnlite/reference/{kernel}.py" in quoted(page)
        assert f"../../csrc/{kernel}.pyx" in linked(page)
    if not kernels(layer):
        assert "no kernel" in page
        assert any(name.startswith("../../nnlite/layers/") for name in quoted(page))


@every_layer
def test_a_page_has_equations_shapes_numbers_and_a_picture(layer):
    page = read(f"layers/{stem(layer)}.md")
    assert page.startswith("---\nfile_format: mystnb\n")
    assert r"\mathrm{d}" in page
    assert "| | shape | |" in page
    assert any(".explain((" in cell for cell in cells(page))
    assert any("figure, " in cell for cell in cells(page))


@every_layer
def test_a_page_ends_with_where_to_read_on(layer):
    _, _, end = read(f"layers/{stem(layer)}.md").rpartition("{arguments}")
    assert any(name.endswith(".md") for name in linked(end)), "from here one would have to go back"


NUMBERED = [layer for layer in LAYERS if re.search(r"& \(1\)", read(f"layers/{stem(layer)}.md"))]


@pytest.mark.parametrize("layer", NUMBERED, ids=lambda layer: layer.__name__)
def test_equations_are_numbered_once_and_the_reference_undoes_these_numbers(layer):
    page = read(f"layers/{stem(layer)}.md")
    forward = re.search(r"\$\$(.+?)\$\$", page, re.DOTALL)[1]
    numbers = [int(number) for number in re.findall(r"& \((\d)\)", forward)]
    assert numbers == list(range(1, len(numbers) + 1))
    for name in quoted(page):
        source = (DOCS / "layers" / name).read_text(encoding="utf-8")
        named = {int(number) for number in re.findall(r"\((\d)\)", " ".join(re.findall(r"#.*", source)))}
        assert named <= set(numbers)
        if f"({numbers[-1]})" in source:
            assert f"undoes ({numbers[-1]})" in source


def name(path):
    return path.relative_to(DOCS).as_posix()


PAGES = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)


@pytest.mark.parametrize("path", [path for path in PAGES if path != DOCS / "index.md"], ids=name)
def test_every_page_is_in_an_index(path):
    """Both where it is described and in the table of contents."""
    folder = path.parent if (path.parent / "index.md").exists() else DOCS
    folder = DOCS if path.name == "index.md" else folder
    index, name = (folder / "index.md").read_text(encoding="utf-8"), path.relative_to(folder).as_posix()
    assert name in linked(index)
    assert re.search(rf"^{name.removesuffix('.md')}$", index, re.MULTILINE), "the table of contents lacks it"


def test_every_plot_is_drawn_on_a_page():
    drawn = "\n".join(cell for path in PAGES for cell in cells(path.read_text(encoding="utf-8")))
    plots = [name for name in plot.__all__ if "ax" in inspect.signature(getattr(plot, name)).parameters]
    assert len(plots) > 8
    assert [name for name in plots if f"plot.{name}(" not in drawn] == []


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_what_a_page_quotes_is_there(path):
    page = path.read_text(encoding="utf-8")
    for name in quoted(page):
        assert (path.parent / name).is_file(), f"{path.name} quotes {name}"
    for options in re.findall(r"^```\{literalinclude\} (\S+)\n((?::.*\n)*)", page, re.MULTILINE):
        source = (path.parent / options[0]).read_text(encoding="utf-8")
        for name in re.findall(r":pyobject: (?:\w+\.)?(\w+)", options[1]):
            assert f"def {name}(" in source
        for words in re.findall(r":(?:start-at|end-before): (.+)", options[1]):
            assert words in source


def defined(path):
    """The names that a file defines: of Python also the methods, such as "LSTM.forward"."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        text = re.sub(r"TYPED\((\w+)\)", r"\1", text)  # the name in C of a function for float and double
        return set(re.findall(r"^(?:def|cp?def|static|INLINE|SHARED)\b[^=;\n]*?\b(\w+)\(", text, re.MULTILINE))
    functions = ast.FunctionDef, ast.ClassDef
    found = [node for node in ast.parse(text).body if isinstance(node, functions)]
    methods = [(c, m) for c in found if isinstance(c, ast.ClassDef) for m in c.body if isinstance(m, ast.FunctionDef)]
    return {node.name for node in found} | {f"{c.name}.{m.name}" for c, m in methods}


JOURNEYS = re.findall(r"^## (.+)\n\n((?:\d\. .*\n(?:   .*\n)*)+)", read("architecture.md"), re.MULTILINE)


@pytest.mark.parametrize("journey", [steps for _, steps in JOURNEYS], ids=[title for title, _ in JOURNEYS])
def test_the_functions_of_a_journey_are_in_the_files_that_it_links_to(journey):
    named = re.findall(r"\[([\w.]+)\]\(([^)]+)\)", journey)
    assert len(named) >= 8
    for name, file in named:
        assert name in defined(DOCS / file), f"architecture.md names {name}, which {file} does not define"


def test_there_are_four_journeys():
    assert len(JOURNEYS) == 4


def test_the_architecture_lists_every_floor():
    listed = re.search(r"```\{house\}\n```\n\n((?:.+\n)+)", read("architecture.md"))[1]
    numbered = re.findall(r"^(\d+)\. ", listed, re.MULTILINE)
    assert [int(number) for number in numbered] == list(range(1, len(test_floors.FLOORS) + 1))


WIDEST = 88  # what a page has room for: beyond it the end of a line is out of sight


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_cells_are_not_wider_than_their_page(path):
    for cell in cells(path.read_text(encoding="utf-8")):
        assert max(map(len, cell.splitlines())) <= WIDEST, cell


EXECUTED = [page for page in PAGES if cells(page.read_text(encoding="utf-8"))]


NEEDED = {  # by pages: a package, and the extra that brings it
    "ladder.md": ("threadpoolctl", "ladder"),
    "guides/cnn.md": ("IPython", "docs"),
    "guides/keras_and_pytorch.md": ("h5py", "keras"),
    "guides/more_machines.md": ("mpi4py", "mpi"),
    "guides/onnx.md": ("onnxruntime", "docs"),
}


@pytest.mark.long  # `make docs` runs them, too, at every change
@pytest.mark.parametrize("path", EXECUTED, ids=name)
def test_the_cells_of_a_page_run_and_what_they_assert_holds(path, tmp_path, monkeypatch, one_thread):
    if path.relative_to(DOCS).as_posix() in NEEDED:
        import_extra(*NEEDED[path.relative_to(DOCS).as_posix()])
    monkeypatch.chdir(tmp_path)
    pyplot.switch_backend("agg")  # on a screen nobody would close the windows
    with matplotlib.rc_context(fname=DOCS / "matplotlibrc"):
        names = {}
        for cell in cells(path.read_text(encoding="utf-8")):
            linecache.cache[path.name] = len(cell), None, cell.splitlines(keepends=True), path.name  # as notebooks do
            exec(compile(cell, path.name, "exec"), names)
            for figure in map(pyplot.figure, pyplot.get_fignums()):
                figure.canvas.draw()
            pyplot.close("all")


@pytest.fixture
def extension(monkeypatch):
    """Import one of the extensions of the documentation, which need its packages."""

    def load(name):
        for package in ("sphinx", "latex2mathml"):
            import_extra(package, "docs")
        monkeypatch.syspath_prepend(str(DOCS / "extensions"))
        return importlib.import_module(name)

    return load


def test_all_formulas_can_be_written_in_mathml(extension):
    mathml = extension("mathml").mathml
    for path in PAGES:
        prose = re.sub(r"```\{?(?!math).*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for block, inline in re.findall(r"\$\$(.+?)\$\$|(?<!\$)\$([^$\n]+)\$", prose, re.DOTALL):
            assert "<math" in mathml(block or inline, "block" if block else "inline")


@pytest.mark.parametrize("latex", [r"\unheard{x}", r"\begin{unheard} a & b \end{unheard}"])
def test_a_formula_that_is_not_known_is_an_error(extension, latex):
    with pytest.raises(ValueError, match=r"what is \\|cannot be written"):
        extension("mathml").mathml(latex, "inline")


def test_the_docstring_of_every_layer_can_be_shown(extension):
    docstrings = extension("docstrings")
    for layer in LAYERS:
        found = docstrings.sections(inspect.getdoc(layer))
        names = [name for names, _ in docstrings.items(found["Args"]) for name in names.split(", ")]
        assert set(inspect.signature(layer).parameters) - {"kwargs"} <= set(names)
        assert "..." not in docstrings.signature(layer)
        assert docstrings.items(found["Raises"])
    shared = "dtype='float32', seed=None, name=None, trainable=True, input_shape=None"
    assert docstrings.signature(nnlite.Dropout) == f"Dropout(rate, *, {shared})"


def test_a_new_public_name_is_in_the_reference_by_itself(extension, monkeypatch):
    reference = extension("reference")

    class Patience(nnlite.Callback):
        """Waits."""

    Patience.__module__ = "nnlite.callbacks.patience"
    monkeypatch.setattr(nnlite, "Patience", Patience, raising=False)
    monkeypatch.setattr(nnlite, "__all__", [*nnlite.__all__, "Patience"])
    assert "nnlite.Patience" in reference.public("callbacks")
    Patience.__module__ = "nnlite.somewhere_new"
    assert "nnlite.Patience" in reference.public("*")
    assert "nnlite.Patience" not in reference.public("callbacks")


def test_a_docstring_says_the_same_in_the_reference(extension):
    reference = extension("reference")
    lines = [
        "Squares x_ * y, as `Dense` does.",
        "",
        "    y = x * x      (1)",
        "    z = y_",
        "",
        "Args:",
        "    units: H.",
    ]
    assert reference.as_rst(lines) == [
        r"Squares x\_ \* y, as :py:obj:`Dense` does.",
        "",
        ".. code-block:: text",
        "",
        "    y = x * x      (1)",
        "    z = y_",
        "",
        "Args:",
        r"    units: H\.",
    ]
    example = ["Example:", "    >>> 2 * 3", "    6", "", "    >>> print('*')", "    *"]
    assert reference.as_rst(example) == example


def test_a_class_has_the_methods_of_bases_that_have_no_description(extension):
    members = extension("reference").members
    assert {"fit", "predict", "summary", "save"} < set(members(nnlite.Sequential))
    assert "reset_state" in members(nnlite.LSTM)
    assert "explain" in members(nnlite.Layer)
    assert "explain" not in members(nnlite.LSTM)


def test_links_lead_to_pages_of_sources(extension):
    source_of = extension("sources").source_of
    assert source_of(DOCS / "layers" / ".." / ".." / "csrc" / "lstm.pyx") == "csrc/lstm.pyx"
    assert source_of(ROOT / "nnlite" / "layers" / "lstm.py") == "nnlite/layers/lstm.py"
    for other in (ROOT / "setup.py", DOCS / "loss.png", ROOT.parent / "csrc" / "lstm.pyx"):
        assert source_of(other) is None


def test_the_house_is_drawn_from_the_imports(extension):
    house = extension("house")
    floors = house.floors()
    assert list(map(set, floors)) == test_floors.FLOORS
    imports = house.imports()
    assert {"kernels", "turns"} < imports["layers"]
    assert "models" in imports["text"], "what a room takes from nnlite itself counts as well"
    level = {room: number for number, rooms in enumerate(floors) for room in rooms}
    lines = house.direct({room: imports[room] for room in level})
    assert all(level[other] < level[room] for room, others in lines.items() for other in others)
    picture = house.picture()
    assert all(f'id="room-{room}"' in picture for room in level)
    assert picture.count("<path") == sum(map(len, lines.values()))


def test_lines_that_others_imply_are_left_out(extension):
    graph = {"c": {"b", "a"}, "b": {"a"}, "a": set()}
    assert extension("house").direct(graph) == {"c": {"b"}, "b": {"a"}, "a": set()}

"""What the documents say: their code runs, and what they point to is there."""

import re
import textwrap
from pathlib import Path

import numpy as np
import pytest
import test_floors
from matplotlib import pyplot

from nnlite import LSTM, Conv2D, Dense, Sequential, derive, save_model
from nnlite.text import Vocabulary, clean_sonnets

ROOT = Path(__file__).parent.parent
PAGES = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").rglob("*.md"))]
DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "csrc/README.md",
    "bench/README.md",
    "nnlite/text/data/README.md",
    *PAGES,
]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def code(name, language):
    """What stands in a document's boxes of this language."""
    return re.findall(rf"```{language}\n(.*?)```", read(name), flags=re.DOTALL)


def test_the_ten_lines_of_python(capsys, tmp_path, monkeypatch, one_thread):
    monkeypatch.chdir(tmp_path)
    program, _ = code("README.md", "python")
    assert len(program.splitlines()) <= 10 + 1  # and the empty line after the imports
    exec(compile(program.replace("epochs=3", "epochs=1"), "README.md", "exec"), {})
    *_, poem = capsys.readouterr().out.split("epoch 1/1")
    assert "loss" in poem
    assert len(poem) > 200


def test_the_lines_that_look_inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pyplot.switch_backend("agg")  # on a screen nobody would close the window
    vocabulary = Vocabulary.from_text(clean_sonnets())
    lstm = LSTM(8, return_sequences=True, input_dim=len(vocabulary))
    run = tmp_path / "runs" / "sonnets"
    run.mkdir(parents=True)
    save_model(Sequential([lstm, Dense(len(vocabulary))], input_shape=(40,), seed=0), run / "model.safetensors")

    _, program = code("README.md", "python")
    exec(compile(program, "README.md", "exec"), {})
    pyplot.close("all")
    assert (tmp_path / "gates.png").stat().st_size > 10_000


def test_the_pixel_that_is_written_out():
    layer = Conv2D(filters=1, kernel_size=2)
    layer.build((3, 3, 1))
    layer.params["W"][:, :, 0, 0] = [[1, 0], [0, -1]]
    image = np.array([[1, 2, 0], [0, 1, 3], [2, 0, 1]], "float32").reshape(1, 3, 3, 1)
    printed = str(derive.forward(layer, image, at=(0, 0, 1, 0)))
    _, _, after = read("README.md").partition("`print(derive.forward(layer, image, at=(0, 0, 1, 0)))`:\n\n")
    shown = re.match(r"(    .*\n|\n)+", after)[0].rstrip()
    assert textwrap.dedent(shown) in printed


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name):
    for target in re.findall(r"\]\(([^)#:]+)\)", read(name)):
        assert (ROOT / name).parent.joinpath(target).exists(), f"{name} points to {target}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_exist(name):
    targets = re.findall(r"^([a-z-]+):.*## ", read("Makefile"), flags=re.MULTILINE)
    text = read(name)
    for command in re.findall(r"^    make ([a-z-]+)|`make ([a-z-]+)`", text, flags=re.MULTILINE):
        assert "".join(command) in targets, f"{name} says make {''.join(command)}"


def test_the_reading_order_has_every_file_of_csrc():
    page = read("csrc/README.md")
    files = [path for path in (ROOT / "csrc").iterdir() if path.suffix in {".h", ".pxd", ".pyx"}]
    for path in files:
        beside_a_header = path.suffix == ".pxd" and path.with_suffix(".h") in files
        assert f"`{path.name}`" in page or beside_a_header, f"csrc/README.md leaves out {path.name}"


def test_contributing_lists_the_floors_that_the_test_holds():
    listed = re.search(r"From the ground up:\n\n((?:.+\n)+)", read("CONTRIBUTING.md"))[1]
    storeys = re.findall(r"^\d+\. ((?:`\w+/?`(?:, )?)+)", listed, flags=re.MULTILINE)
    assert [set(re.findall(r"\w+", storey)) for storey in storeys] == test_floors.FLOORS

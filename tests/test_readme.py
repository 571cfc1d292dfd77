"""What the documents say: their code runs, and what they point to is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").rglob("*.md"))]
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "csrc/README.md", "nnlite/text/data/README.md", *PAGES]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def code(name, language):
    """What stands in a document's boxes of this language."""
    return re.findall(rf"```{language}\n(.*?)```", read(name), flags=re.DOTALL)


def test_the_ten_lines_of_python(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (program,) = code("README.md", "python")
    assert len(program.splitlines()) <= 10 + 1  # and the empty line after the imports
    exec(compile(program.replace("epochs=3", "epochs=1"), "README.md", "exec"), {})
    *_, poem = capsys.readouterr().out.split("epoch 1/1")
    assert "loss" in poem
    assert len(poem) > 200


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

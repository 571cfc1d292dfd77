"""Each page that is executed, as a notebook to download: a link under its title, and the file beside the pages.

In a notebook there are no pages to link to and no files of the checkout to quote. So links become the words they stand
on, and a quoted piece of source is copied into the text. The first cell says what to install.
"""

import re
from pathlib import Path
from types import SimpleNamespace

import nbformat
from docutils import nodes
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from myst_parser.config.main import MdParserConfig
from sphinx.directives.code import LiteralIncludeReader

# Names on a page that need an extra of the package which `all` leaves out.
EXTRAS = {"from_keras": "keras", "to_keras": "keras", "to_onnx": "onnx", "from_onnx": "onnx"}
FLAGS = {"dedent"}  # options without a value


def notebook(path: Path, name: str, version: str) -> nbformat.NotebookNode:
    """The notebook of a page: `name` is the page's, such as "guides/cnn"."""
    config = MdParserConfig(enable_extensions={"dollarmath"})
    found = read_myst_markdown_notebook(path.read_text(encoding="utf-8"), config)
    found.metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(found.cells):
        cell["id"] = f"cell-{number}"  # else each build would draw another
        if cell.cell_type == "markdown":
            cell.source = plain(cell.source, path)
    found.cells.insert(0, nbformat.v4.new_markdown_cell(head(name, version, extras_of(found)), id="install"))
    return found


def extras_of(found: nbformat.NotebookNode) -> list[str]:
    """What its code needs beside the package's parts."""
    code = " ".join(cell.source for cell in found.cells if cell.cell_type == "code")
    return sorted({extra for name, extra in EXTRAS.items() if re.search(rf"\b{name}\b", code)})


def head(name: str, version: str, extras: list[str]) -> str:
    """The first cell."""
    return (
        f"*The page `{name}` of the documentation of nnlite {version}. It needs the package, "
        f'`pip install "nnlite-learn[{",".join(["all", *extras])}]"`, and writes its files into the current folder.*'
    )


def plain(text: str, path: Path) -> str:
    """Markdown that stands alone."""
    text = re.sub(r"\[([^\]]+)\]\([\w./-]*(?:\.\w+|#[\w-]+)\)", r"\1", text)
    fence = r"^```\{(\w[\w-]*)\} ?(.*)\n((?:.*\n)*?)```$"
    return re.sub(fence, lambda match: directive(*match.groups(), path), text, flags=re.MULTILINE)


def directive(kind: str, argument: str, body: str, path: Path) -> str:
    """What stands for a directive of the pages."""
    if kind == "literalinclude":
        options = dict(re.findall(r"^:([\w-]+): ?(.*)$", body, flags=re.MULTILINE))
        options |= dict.fromkeys(FLAGS & options.keys())
        source = path.parent / argument
        language = options.pop("language")
        quoted, _ = LiteralIncludeReader(str(source), options, SimpleNamespace(source_encoding="utf-8")).read()
        return f"```{language}\n{quoted.rstrip()}\n```"
    if kind == "arguments":
        return f"`help({argument})` lists the arguments, attributes and errors."
    raise ValueError(f"{path}: the directive {kind} has no form in a notebook yet")


def is_notebook(path: Path) -> bool:
    return path.suffix == ".md" and is_myst_markdown_notebook(path.read_text(encoding="utf-8"))


def link(app, doctree):
    """Put the link under the title."""
    name = app.env.docname
    if is_notebook(Path(app.env.doc2path(name))):
        target = f"{'../' * name.count('/')}notebooks/{name}.ipynb"
        download = f'<p class="notebook"><a href="{target}" download>Download as a notebook</a></p>'
        title = next(doctree.findall(nodes.title))
        title.parent.insert(title.parent.index(title) + 1, nodes.raw("", download, format="html"))


def write(app, exception):
    """Write the notebooks when the pages are there."""
    for name in sorted(app.env.found_docs) if exception is None else ():
        path = Path(app.env.doc2path(name))
        if is_notebook(path):
            target = Path(app.outdir) / "notebooks" / f"{name}.ipynb"
            target.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook(path, name, app.config.version), target)


def setup(app):
    app.connect("doctree-read", link)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

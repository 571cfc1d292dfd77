"""Source files as pages: a link to a file of this project leads to its code, highlighted and with line numbers.

In Markdown the link points to the file itself, `[csrc/lstm.pyx](../../csrc/lstm.pyx)`, so it also works outside of the
built pages. There it becomes a link to `source/csrc/lstm.pyx.html`.
"""

from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.highlighting import PygmentsBridge

ROOT = Path(__file__).resolve().parent.parent.parent
LANGUAGES = {".js": "javascript", ".py": "python", ".pyx": "cython", ".pxd": "cython", ".h": "c", ".c": "c"}


def source_of(path: Path) -> str | None:
    """The path, relative to the root, of a file in csrc/ or nnlite/; None for any other file."""
    path = path.resolve()
    if path.suffix not in LANGUAGES or not path.is_relative_to(ROOT):
        return None
    name = path.relative_to(ROOT)
    return name.as_posix() if name.parts[0] in ("csrc", "nnlite") else None


def link_to_pages(app, doctree):
    """Replace downloads of source files by links to their pages."""
    page = Path(app.env.doc2path(app.env.docname))
    for download in list(doctree.findall(addnodes.download_reference)):
        name = source_of(page.parent / download["reftarget"])
        if name is not None:
            to_root = "../" * app.env.docname.count("/")
            link = nodes.reference("", "", *download.children, refuri=f"{to_root}source/{name}.html", internal=True)
            download.replace_self(link)


def pages(app):
    """A page for each file: its name, its context, and the template."""
    bridge = PygmentsBridge("html", app.config.pygments_style)
    for path in sorted([*(ROOT / "csrc").iterdir(), *(ROOT / "nnlite").rglob("*.*")]):
        name = source_of(path)
        if name is not None:
            text, language = path.read_text(encoding="utf-8"), LANGUAGES[path.suffix]
            code = bridge.highlight_block(text, language, linenos="inline", lineanchors="line")
            yield (
                f"source/{name}",
                {"title": name, "body": f'<h1>{name}</h1>\n<div class="source">{code}</div>'},
                "page.html",
            )


def setup(app):
    # Before Sphinx copies the files to download.
    app.connect("doctree-read", link_to_pages, priority=400)
    app.connect("html-collect-pages", pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

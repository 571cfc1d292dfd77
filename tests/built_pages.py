"""What `make docs` has built: public names are found, so are answers, and nothing needs a network.

`make docs` runs this; `make test` would have to build the pages once more.
"""

import json
import re
import shutil
import subprocess

import pytest
from test_docs import DOCS, EXECUTED, ROOT, cells, name

import nnlite

BUILT = DOCS / "_build" / "html"


@pytest.fixture(scope="module")
def index():
    """What the search box searches."""
    text = (BUILT / "searchindex.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))


PACKAGES = [getattr(nnlite, name) for name in nnlite._PACKAGES]


@pytest.mark.parametrize("module", [nnlite, *PACKAGES], ids=lambda module: module.__name__)
def test_every_public_name_is_in_the_reference(index, module):
    found = {f"{prefix}.{entry[-1]}" for prefix, entries in index["objects"].items() for entry in entries}
    aliases = {name for name in module.__all__ if getattr(getattr(module, name), "__name__", name) != name}
    public = {f"{module.__name__}.{name}" for name in module.__all__ if name not in aliases}
    assert sorted(public - found) == []


# What a student types into the search box, and where the answer is.
QUESTIONS = {
    "how do I save": "guides/saving",
    "what does EarlyStopping watch": "questions#what-does-earlystopping-watch",
    "how do I use my own PNG": "guides/own_data",
    "learning rate decay": "reference/optimizers",
    "what is a logit": "glossary#logit",
    "how many parameters": "questions#how-many-parameters",
    "dropout only in training": "layers/dropout",
    "how do I load a model": "questions#how-do-i-save-and-load-a-model",
    "resume training after a crash": "guides/saving#resume-a-training",
    "what can I do against overfitting": "questions#what-can-i-do-against-overfitting",
    "what does a confusion matrix show": "reference/plot",
    "vanishing gradient": "lstm_inside",
    "exploding gradients clip": "lstm_inside",
    "is my gradient right": "guides/gradient_checking",
    "write my own layer": "guides/own_layer",
    "custom loss function": "guides/own_loop",
    "what is an epoch": "glossary#epoch",
    "batch size": "glossary#batch-size",
    "why is my loss nan": "questions#why-is-my-loss-nan",
    "PyTorch Linear": "guides/coming_from",
    "is there a Conv1D": "guides/coming_from",
    "train on MNIST": "guides/own_data#mnist",
    "my own text file": "guides/own_data",
    "sequences of different lengths": "guides/own_data#sequences-of-different-lengths",
    "temperature": "writing_poems#temperature",
    "GPU": "questions#does-it-use-a-gpu",
    "how many threads": "reference/machine",
    "the same result each time, reproducible": "questions#how-do-i-get-reproducible-results",
    "difference between Adam and AdamW": "questions#what-is-the-difference-between-adam-and-adamw",
    "plot the loss curve": "questions#how-do-i-plot-the-loss-curve",
    "how do I predict one image": "questions#how-do-i-predict-one-image",
    "freeze a layer": "questions#how-do-i-freeze-a-layer",
    "get the weights": "questions#how-do-i-get-or-set-the-weights",
    "forget gate": "glossary#forget-gate",
    "output size of a convolution": "convolution",
    "EarlyStopping": "reference/callbacks#nnlite.EarlyStopping",
    "load_idx": "reference/images#nnlite.images.load_idx",
    "predict": "reference/models#nnlite.Sequential.predict",
}


def test_the_search_box_answers_questions():
    """Each among the first three, and a name at once; the search is that of the pages, run by Node."""
    if shutil.which("node") is None:
        pytest.skip("the search of the pages is JavaScript, and there is no node")
    command = ["node", ROOT / "tests" / "search.js", BUILT, *QUESTIONS]
    answers = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    for (question, expected), answer in zip(QUESTIONS.items(), map(json.loads, answers), strict=True):
        first = [address for _, _, address in answer[: 1 if "#nnlite" in expected else 3]]
        assert any(address.startswith(expected) for address in first), f"{question}: {first}"


def test_no_page_needs_a_network():
    for path in (*BUILT.rglob("*.html"), *BUILT.rglob("*.css")):
        text = path.read_text(encoding="utf-8")
        found = re.findall(
            r"<(?!a )\w+[^>]*? (?:src|href)=\"?(?:https?:)?//[^>]+|(?:url\(|@import)[\s\"']*(?:https?:)?//.+", text
        )
        assert not found, f"{path.relative_to(BUILT)} loads {found}"


def test_all_links_of_the_built_pages_lead_to_a_file():
    for path in BUILT.rglob("*.html"):
        for target in set(re.findall(r"(?:src|href)=\"([^\"#?]+)", path.read_text(encoding="utf-8"))):
            if not re.match(r"https?:|data:|mailto:", target):
                assert (path.parent / target).exists(), f"{path.relative_to(BUILT)} points to {target}"


def test_formulas_are_built_as_mathml():
    page = (BUILT / "layers" / "lstm.html").read_text(encoding="utf-8")
    assert "<mtable" in page
    assert "MathJax" not in page


@pytest.mark.parametrize("path", EXECUTED, ids=name)
def test_a_page_that_is_executed_can_be_downloaded_as_a_notebook(path):
    stem = name(path).removesuffix(".md")
    notebook = json.loads((BUILT / "notebooks" / f"{stem}.ipynb").read_text(encoding="utf-8"))
    assert f'notebooks/{stem}.ipynb" download' in (BUILT / f"{stem}.html").read_text(encoding="utf-8")

    page = path.read_text(encoding="utf-8")
    found = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell.strip() for cell in found] == [cell.strip() for cell in cells(page)]
    text = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    assert re.search(r'pip install "nnlite-learn\[all(,\w+)*\]"', text[0]), "the first cell says what to install"
    assert not re.search(r"^```\{|\]\([^)\s]*\.(?:md|py|pyx)", "\n".join(text), re.MULTILINE)


def test_a_notebook_quotes_the_source():
    notebook = json.loads((BUILT / "notebooks" / "layers" / "lstm.ipynb").read_text(encoding="utf-8"))
    assert "undoes" in "".join(line for cell in notebook["cells"][1:] for line in cell["source"])

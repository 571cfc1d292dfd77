"""Gradescope: an autograder to upload, and what it runs there."""

import datetime
import io
import json
import os
import shlex
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nnlite.saving import atomic_file
from nnlite.saving.regular_file import open_regular

from .folders import read_paper, read_roster, read_salt
from .grades import as_gradescope
from .grading import grade_one
from .sandbox import weakness
from .submissions import Submission, read_folder

# Gradescope's Python is too old, so uv brings another.
SETUP = """\
#!/usr/bin/env bash
set -e
apt-get update && apt-get install -y python3-venv gcc
python3 -m venv /autograder/uv && /autograder/uv/bin/pip install uv
cd /autograder/source
/autograder/uv/bin/uv venv --python 3.12 /autograder/python
/autograder/uv/bin/uv pip install --python /autograder/python/bin/python {package}
"""
RUN = """\
#!/usr/bin/env bash
/autograder/python/bin/python -c "from nnlite.homework.gradescope import main; main()"
"""


def write_autograder(
    instructor: str | os.PathLike, to: str | os.PathLike, wheel: str | os.PathLike | None = None
) -> Path:
    """Write the zip that Gradescope takes as an autograder. It holds the salt: the instructor alone may read it.

    Args:
        instructor: the instructor's folder.
        to: the zip.
        wheel: a wheel of nnlite-learn that it brings along; without one it is installed from where pip finds it.

    Raises:
        FileNotFoundError: this is no instructor's folder.
        ValueError: the wheel is none by its name.
        OSError: from the system. An older zip is as it was.
    """
    instructor, to = Path(instructor), Path(to)
    read_salt(instructor)  # or it is no such folder
    if wheel and Path(wheel).suffix != ".whl":
        raise ValueError(f"wheel: expected the path of a wheel, whose name ends in .whl, got {os.fspath(wheel)!r}")
    package = shlex.quote(f"./{Path(wheel).name}") if wheel else "nnlite-learn"
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (("setup.sh", SETUP.format(package=package)), ("run_autograder", RUN)):
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o755 << 16
            archive.writestr(info, text)
        for path in sorted(instructor.rglob("*")):
            if path.is_file() and path.parent.name != "keys" and path.resolve() != to.resolve():
                archive.write(path, Path("instructor") / path.relative_to(instructor))
        if wheel:
            with open_regular(wheel) as file:
                archive.writestr(Path(wheel).name, file.read())
    atomic_file.write(to, memory.getvalue(), mode=0o600)  # as the salt is
    return to


def results(
    submission: str | os.PathLike, instructor: str | os.PathLike, metadata: Mapping[str, Any]
) -> dict[str, Any]:
    """The content of results.json for one submission.

    Args:
        submission: the folder with what was handed in.
        instructor: the instructor's folder.
        metadata: Gradescope's submission_metadata.json: who handed in, by their email addresses, and when.
    """
    emails = [str(user.get("email", "")) for user in metadata.get("users", [])]
    students = {student for email in emails for student in _students(Path(instructor), email)}
    if len(students) != 1:
        text = f"{', '.join(emails) or 'nobody'}: expected one student of the roster, by the column email or id"
        return {"score": 0, "output": text, "tests": []}
    found = read_folder(submission)
    if "created_at" in metadata:
        time = datetime.datetime.fromisoformat(metadata["created_at"])
        found = Submission("submission", time, 1, found.files, found.problems)
    paper = read_paper(instructor, students.pop())
    graded = as_gradescope(grade_one(paper, found, read_salt(instructor)))
    if text := weakness():  # for the instructor: students do not see it
        graded["tests"].append({"name": "protection", "output": text, "visibility": "hidden"})
    return graded


def _students(instructor, email):
    """The ids of those with an address, or whose id is the address, or what is before its @."""
    names = {email.lower(), email.lower().partition("@")[0]}
    for row in read_roster(instructor / "roster.csv"):
        address = row.get("email", "").lower()
        if (address and address == email.lower()) or (not address and row["id"].lower() in names):
            yield row["id"]


def main(root: str | os.PathLike = "/autograder") -> None:
    """Grade what Gradescope has put below a folder, and write results/results.json there."""
    root = Path(root)
    metadata = json.loads((root / "submission_metadata.json").read_text("utf-8"))
    found = results(root / "submission", root / "source" / "instructor", metadata)
    (root / "results").mkdir(exist_ok=True)
    (root / "results" / "results.json").write_text(json.dumps(found, indent=1), "utf-8")

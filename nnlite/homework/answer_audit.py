"""Are answers marked as they should be? Keys of some students, and each with the mistakes that students make."""

from .code.audit import SALT, Audit
from .marking import mark
from .sheet import Sheet

STUDENTS = 5


def audit_answers(sheet: Sheet) -> Audit:
    """Mark the keys of some students, which earn all points, and each with one mistake, which costs its question alone.

    Example:
        >>> from nnlite.homework import audit_answers, read_sheet
        >>> audit_answers(read_sheet("cnn")).problems
        ()
    """
    asked = [entry for entry in sheet.entries if not entry.is_code]
    planted, problems, passed = 0, list[str](), 0
    for number in range(STUDENTS if asked else 0):
        paper = sheet.paper(SALT, f"student {number}")
        lost = _lost(paper, {})
        passed += not lost
        problems += [f"{paper.student}'s key loses {' and '.join(lost)}"] if lost else []
        for entry in asked:
            for story, leads_to in entry.question.mistakes(paper.numbers[entry.name]).items():
                planted += 1
                lost = _lost(paper, {entry.name: paper.key[entry.name] | leads_to})
                if lost != [entry.name]:
                    problems.append(f"{entry.name}, {story}: loses {' and '.join(lost) or 'nothing'}")
    keys = STUDENTS if asked else 0
    return Audit(planted, planted - len(problems) + keys - passed, keys, passed, tuple(problems))


def _lost(paper, changed):
    """The questions that the key loses with some of its answers changed."""
    return [one.question for one in mark(paper, paper.key | changed) if one.points < one.of]

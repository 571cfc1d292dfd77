"""Cleaning and counting: a piece of the raw sonnets."""

from dataclasses import dataclass
from functools import cache

from nnlite import text

from .question import Question
from .writing import code, short

LINES = 4  # of each of two poems
LENGTH = range(310, 366)  # characters of the cleaned piece
COUNTED = "aeinorst"


@dataclass(frozen=True)
class Cleaning(Question):
    """The end of a sonnet and the beginning of the next, raw: cleaned, counted and encoded."""

    kind = "cleaning"
    title = "Cleaning and counting"

    def draw(self, draws):
        sonnet = draws.integer(1, 153)
        raw = _piece(sonnet)
        words = sorted({word for word in text.clean_sonnets(raw).split() if word.isalpha() and 5 <= len(word) <= 7})
        return {
            "raw": raw,
            "letter": draws.choice(COUNTED),
            "word": draws.choice(words) if words else "",
        }

    def is_degenerate(self, numbers):
        cleaned = text.clean_sonnets(numbers["raw"])
        upper = numbers["letter"].upper() in numbers["raw"]
        return not numbers["word"] or not upper or len(cleaned) not in LENGTH

    def statement(self, numbers):
        return f"""\
This is a piece of the raw sonnets:

{code(numbers["raw"].rstrip())}

Clean it: leave out the lines with numbers and the blank lines, and write all in lower case. Spaces at the beginning of
a line stay, those at its end go, and every line ends with a line break, which is a character, too. Then count:

How many `characters` has the cleaned piece, and how many `different` ones? How often does the letter
“{numbers["letter"]}” occur (`count`), and what `percentage` of all characters is that?

Give each different character an integer, in the order of their codes (that of Python's `sorted`), beginning with 0.
What are the `ids` of the word “{numbers["word"]}”?"""

    def key(self, numbers):
        return _counts(text.clean_sonnets(numbers["raw"]), numbers)

    def worked(self, numbers):
        cleaned = text.clean_sonnets(numbers["raw"])
        key = self.key(numbers)
        characters = " ".join(f"{number}:{character!r}" for number, character in enumerate(sorted(set(cleaned))))
        per_line = " + ".join(str(len(line) + 1) for line in cleaned.splitlines())
        counts = " + ".join(str(line.count(numbers["letter"])) for line in cleaned.splitlines())
        ids = ", ".join(f"{character}:{number}" for character, number in zip(numbers["word"], key["ids"], strict=True))
        counted = f"""\
characters = {per_line} = {key["characters"]}, with the line breaks
different  = {key["different"]}: {characters}
count      = {counts} = {key["count"]}
percentage = 100 * {key["count"]} / {key["characters"]} = {short(key["percentage"])}
ids        = {ids}"""
        return f"{code(cleaned.rstrip())}\n\n{code(counted)}"

    def operations(self, numbers):
        return 2 * len(text.clean_sonnets(numbers["raw"])) + 2 + len(numbers["word"])

    def mistakes(self, numbers):
        raw = numbers["raw"]
        cleaned = text.clean_sonnets(raw)
        wrong = {
            "capitals stay": _counts(_case_kept(raw), numbers),
            "the spaces at the beginning of lines go": _counts(_no_indent(cleaned), numbers),
            "blank lines stay": _counts(cleaned + "\n" * raw.splitlines().count(""), numbers),
            "the line breaks are left out": _counts(cleaned.replace("\n", ""), numbers),
        }
        concerned = {"capitals stay": ("different", "count")}
        return {
            story: {field: key[field] for field in concerned.get(story, ("characters",))}
            for story, key in wrong.items()
        }


@cache
def _piece(sonnet):
    """The last lines of a sonnet and the first of the next, with what is between them, as in the raw text."""
    lines = text.load_sonnets().splitlines()
    numbers = [number for number, line in enumerate(lines) if line.strip().isdecimal()]
    heading = numbers[sonnet]
    above = heading
    while not lines[above - 1].strip():
        above -= 1
    return "\n".join(lines[above - LINES : heading + 1 + LINES]) + "\n"


def _counts(cleaned, numbers):
    ids = {character: number for number, character in enumerate(sorted(set(cleaned)))}
    count = cleaned.count(numbers["letter"])
    return {
        "characters": len(cleaned),
        "different": len(ids),
        "count": count,
        "percentage": 100 * count / len(cleaned),
        "ids": [ids.get(character, -1) for character in numbers["word"]],
    }


def _case_kept(raw):
    lines = [line.rstrip() for line in raw.splitlines()]
    return "".join(f"{line}\n" for line in lines if line and not line.strip().isdecimal())


def _no_indent(cleaned):
    return "".join(f"{line.strip()}\n" for line in cleaned.splitlines())

"""What every kind of question has."""

from collections.abc import Mapping
from typing import Any, ClassVar

from ..draws import Draws

Numbers = dict[str, Any]  # what is drawn: names and numbers that JSON knows
Key = dict[str, Any]  # the right answers: numbers, or nested lists of them, by their names in answers.toml


class Question:
    """A kind of question, whose numbers are drawn for each student.

    Subclasses are dataclasses; their fields are the settings that a sheet may give.

    Attributes:
        kind: its name in a sheet.
        title: its heading.
    """

    kind: ClassVar[str]
    title: ClassVar[str]

    def draw(self, draws: Draws) -> Numbers:
        """Numbers for a student, perhaps degenerate ones: `paper` draws until they are not."""
        raise NotImplementedError

    def statement(self, numbers: Numbers) -> str:
        """The question in Markdown."""
        raise NotImplementedError

    def key(self, numbers: Numbers) -> Key:
        """The right answers."""
        raise NotImplementedError

    def worked(self, numbers: Numbers) -> str:
        """How the key comes about, in Markdown, every step in numbers."""
        raise NotImplementedError

    def operations(self, numbers: Numbers) -> int:
        """How many operations it takes by hand: about the same for every student."""
        raise NotImplementedError

    def mistakes(self, numbers: Numbers) -> Mapping[str, Key]:
        """Mistakes that students make, each with the wrong answers that it leads to: no others.

        Numbers with which a mistake gives the right answer are never drawn.
        """
        return {}

    def is_degenerate(self, numbers: Numbers) -> bool:
        """Whether these numbers hide what is asked, beyond the mistakes that would not show."""
        return False


def whole(name: str, value: Any, low: int, high: int) -> None:
    """Refuse a setting that is no whole number from low to high.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name}: expected a whole number from {low} to {high}, got {value!r}")

"""The catalogue: a file for each kind of question.

question.py has what every kind has.
"""

from .question import Question
from .temperature import Temperature

_ALL: tuple[type[Question], ...] = (Temperature,)

KINDS: dict[str, type] = {question.kind: question for question in _ALL}

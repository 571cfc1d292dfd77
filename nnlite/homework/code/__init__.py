"""Code questions: functions to write, and the cases that they are tried with.

question.py      what every code question has
stubs/           the files that are handed out
convolution.py, pooling.py, lstm.py, minimal_rnn.py, sampling.py
trial.py         a student's function, tried
feedback.py      what is wrong, and why
solutions/       right solutions in several styles, and mistakes to plant into them: what audits the grader
audit.py         does the grader see them?
"""

from . import convolution, lstm, minimal_rnn, pooling, sampling
from .question import Case, CodeQuestion

__all__ = ["CODE", "Case", "CodeQuestion"]

CODE: dict[str, CodeQuestion] = {
    question.name: question
    for question in (
        convolution.FORWARD,
        convolution.BACKWARD,
        pooling.FORWARD,
        pooling.BACKWARD,
        lstm.BACKWARD,
        minimal_rnn.LOSS,
        minimal_rnn.TRAIN,
        sampling.SAMPLE,
    )
}

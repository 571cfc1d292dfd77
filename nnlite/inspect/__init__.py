"""Look inside: what layers compute step by step, and what becomes of gradients on their way back.

trace.py       run a model once, and return everything that its layers compute
watch.py       the copy that is run, and what goes through its layers
recurrent.py   gates, states and their gradients, from what a recurrent layer keeps
text.py        text for ids, and characters for steps
result.py      what is returned
"""

from .result import LayerTrace, Trace
from .trace import trace

__all__ = ["LayerTrace", "Trace", "trace"]

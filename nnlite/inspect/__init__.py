"""Look inside: what layers compute step by step, and what becomes of gradients on their way back.

trace.py       run a model once, and return everything that its layers compute
watch.py       the copy that is run, and what goes through its layers
recurrent.py   gates, states and their gradients, from what a recurrent layer keeps
text.py        text for ids, and characters for steps
result.py      what is returned
flow.py        the norm of a gradient, back through time
gates.py       hold an LSTM's gates where an argument needs them
spectrum.py    give an RNN the spectral radius that an argument needs
kinds.py       refuse layers of other kinds
"""

from .flow import GradientFlow, gradient_flow
from .gates import saturate_gates
from .result import LayerTrace, Trace
from .spectrum import set_spectral_radius, spectral_radius
from .trace import trace

__all__ = [
    "GradientFlow",
    "LayerTrace",
    "Trace",
    "gradient_flow",
    "saturate_gates",
    "set_spectral_radius",
    "spectral_radius",
    "trace",
]

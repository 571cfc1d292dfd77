"""Inspect layers: what they compute at every step, and how gradients change on their way back.

trace.py       run a model once, and return everything its layers compute
recording.py   copy a model, and record the inputs and outputs of its layers
recurrent.py   gates, states and their gradients, from what a recurrent layer keeps
text.py        from text to ids, and from ids to characters
result.py      what `trace` returns
flow.py        the norm of a gradient, back through time
gates.py       set an LSTM's gates to fixed values
spectrum.py    the spectral radius of an RNN
require.py     refuse layers of the wrong kind
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

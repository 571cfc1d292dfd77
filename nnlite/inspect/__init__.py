"""Inspect layers: what they compute at every step, and how gradients change on their way back."""

from .flow import GradientFlow, gradient_flow
from .gates import saturate_gates
from .result import LayerTrace, Trace
from .spectrum import set_spectral_radius, spectral_radius
from .trace import trace

__all__ = ["GradientFlow", "LayerTrace", "Trace", "gradient_flow", "saturate_gates", "set_spectral_radius"]
__all__ += ["spectral_radius", "trace"]

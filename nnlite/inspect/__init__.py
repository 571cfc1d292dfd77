"""Inspect layers: what they compute at every step, what their units follow, how gradients change on their way back."""

from .concepts import Concept, concepts
from .flow import GradientFlow, gradient_flow
from .gates import saturate_gates
from .result import LayerTrace, Trace
from .spectrum import set_spectral_radius, spectral_radius
from .trace import trace
from .unit import Unit, Units
from .units import units

__all__ = ["GradientFlow", "LayerTrace", "Trace", "gradient_flow", "saturate_gates", "set_spectral_radius"]
__all__ += ["Concept", "Unit", "Units", "concepts", "spectral_radius", "trace", "units"]

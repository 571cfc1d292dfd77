"""Plots. Each function draws into the given matplotlib Axes, or new ones, and returns them.

All plots are readable in greyscale and by colour-blind people: whatever differs in colour also differs in brightness,
dashes, markers or labels. The colours are those of Okabe and Ito.
"""

from nnlite.utils import getter

from .activation import activation_text
from .canvas import png, svg
from .characters import character_name
from .confusion import confusion_matrix
from .curves import learning_curves, loss_curves
from .gates import gates
from .gradients import gradient_flow
from .metrics import metric_curves
from .roofline import roofline
from .text import character_frequencies, line_lengths
from .tiles import feature_maps, filters, images

__all__ = ["activation_text", "character_frequencies", "character_name", "confusion_matrix", "feature_maps", "filters"]
__all__ += ["gates", "gradient_flow", "images", "learning_curves", "line_lengths", "loss_curves", "metric_curves"]
__all__ += ["png", "roofline", "svg"]

__getattr__ = getter(__name__, __all__)

"""Check what you wrote against what nnlite expects of a layer, a loss, an optimizer, a metric or a callback.

contract.py    a list of checks, their report, and the error
comparison.py  results side by side
layer.py ...   the checks, a few lines each: the first line of each says why
"""

from .callback import check_callback
from .contract import ContractError, ContractReport, Result
from .layer import check_layer
from .loss import check_loss
from .metric import check_metric
from .optimizer import check_optimizer

__all__ = ["ContractError", "ContractReport", "Result", "check_callback", "check_layer", "check_loss", "check_metric"]
__all__ += ["check_optimizer"]

"""What other libraries call the arguments and methods of optimizers, and what to write here."""

import math
from typing import Any

from .. import checks

ARGUMENTS = {
    "lr": "use learning_rate",
    "alpha": "use rho",
    "amsgrad": "there is no AMSGrad here: leave it out",
    "betas": "use beta_1 and beta_2",
    "dampening": "there is none here, as in Keras: leave it out",
    "decay": "use weight_decay for smaller weights, or a schedule as learning_rate",
    "ema_momentum": "there is no average of the weights here: leave it out",
    "eps": "use epsilon",
    "gradient_accumulation_steps": "every batch makes a step here: use a larger batch_size",
    "loss_scale_factor": "float32 needs no scaled loss: leave it out",
    "maximize": "let the loss be the negative of what is to grow",
    "name": "an optimizer has no name here: leave it out",
    "params": "an optimizer gets the parameters from compile, or from apply(grads, params)",
    "use_ema": "there is no average of the weights here: leave it out",
}

_STEP = "use model.train_on_batch(x, y), or after model.backward(dy) optimizer.apply(model.grads, model.params)"
_SAVE = "model.save(path) saves the optimizer, too, and nnlite.load_model(path) loads both"

METHODS = {
    "lr": "use learning_rate",
    "step": _STEP,
    "minimize": _STEP,
    "apply_gradients": _STEP,
    "zero_grad": "backward writes gradients and never adds to earlier ones: leave it out",
    "param_groups": "all parameters have one learning rate, optimizer.learning_rate",
    "state_dict": _SAVE,
    "load_state_dict": _SAVE,
    "variables": "its arrays are in optimizer.state",
}


def number(learning_rate: Any) -> float:
    """A learning rate that is no schedule."""
    if callable(learning_rate):
        raise TypeError(
            f"learning_rate: expected a number or a schedule, got {learning_rate!r}: use a schedule such as "
            f"CosineDecay, or a class of your own derived from nnlite.schedules.Schedule; for a function of the epoch "
            f"there is the callback LearningRateScheduler"
        )
    if hasattr(learning_rate, "__iter__") and not isinstance(learning_rate, str):
        raise TypeError(
            f"learning_rate: expected a number or a schedule, got {type(learning_rate).__name__}: {ARGUMENTS['params']}"
        )
    return checks.between("learning_rate", learning_rate, 0, math.inf, closed=False)

"""trace: what a model computes inside, from one input."""

import copy
from typing import Any

import numpy as np

from .. import checks, losses, sequence_lengths
from ..layers import Softmax
from ..layers.base.layer import Layer
from ..models.batch import Batch
from ..models.model import Model
from . import recurrent
from .recording import as_model, private_copy, watch
from .result import LayerTrace, Trace
from .text import characters, encoded

IMAGES = {"y": "feature maps, (N, H, W, C)", "dy": "dL/dy"}


def trace(
    model: Model | Layer,
    x: np.ndarray | str | list[str],
    targets: np.ndarray | str | list[str] | None = None,
    *,
    loss: str | Any | None = None,
    vocabulary: Any = None,
    lengths: np.ndarray | None = None,
    fresh_state: bool = True,
) -> Trace:
    """Look inside: every gate, state and gradient of recurrent layers, and the feature maps of those that make images.

        LSTM    i f g o c h         with targets    di df dg do dc dh       (N, T, H) each
        GRU     z r g u h                           dz dr dg du dh
        RNN     z h                                 dz dh
        images  y                                   dy                      (N, H, W, C)

    The letters are those of the layers' equations; z of the RNN is the sum in its tanh. At index t stands what belongs
    to step t of x: states are those after it, and the one before the first step is in `initial`. df is dL/df, with
    respect to what the gate says, after its sigmoid. dc and dh count everything that the state does later:

        dh_t = dy_t + what comes back from t + 1        do_t = dh_t * tanh(c_t)
        dc_t = dh_t * o_t * (1 - tanh(c_t)^2) + dc_{t+1} * f_{t+1}
        di_t = dc_t * g_t;  df_t = dc_t * c_{t-1};  dg_t = dc_t * i_t

    Of a layer "bidirectional" there are "bidirectional.forward" and "bidirectional.backward". The second one has read
    the end of the text first: at index t stands its state when it has read step t, and all after it. In padding states
    stay as they are, with their gradients; all else is 0.

    The model is run as in `predict`, without dropout, and stateful layers start from zeros. It is a copy that is run,
    and the model stays as it was, also if it is not built yet: what is seen are the weights that it will draw. Layers
    that are not nnlite's own take part, and are not looked into.

    Args:
        model: a model, or a single layer.
        x: what the model takes. Or text, a str or a list of str of one length, with a vocabulary.
        targets: what the loss takes, or text as x: for each character the next one, say. Without it, no gradients.
        loss: by default the compiled model's own; else SparseCategoricalCrossentropy, from probabilities where the last
            layer is a Softmax, else from logits.
        vocabulary: of text, a `nnlite.text.Vocabulary`; where x are ids, it gives the characters beside the arrays.
        lengths: how many steps of each row of x are real, as in `fit`.
        fresh_state: False lets stateful layers go on from where they are, as `forward` does: x has the rows of then.

    Returns:
        A `Trace`, a mapping from layers' names to mappings from names to arrays, which prints as a table.

    Raises:
        TypeError, ValueError, IndexError: x or targets do not fit the model, the loss, the vocabulary or each other; or
            there is no layer in the model that can be looked into.

    Example:
        >>> from nnlite import LSTM, Dense, Sequential
        >>> from nnlite.inspect import trace
        >>> from nnlite.text import Vocabulary
        >>> vocabulary = Vocabulary.from_text("to be, or not to be")
        >>> model = Sequential([LSTM(5, return_sequences=True, input_dim=len(vocabulary)), Dense(8)], seed=0)
        >>> seen = trace(model, "to be", "o be,", vocabulary=vocabulary)
        >>> print(seen)
        x (1, 5) -> y (1, 5, 8), loss 2.0656
        lstm: LSTM
          i   (1, 5, 5)  input gate: how much of the candidate goes into the cell
          f   (1, 5, 5)  forget gate: how much of the cell stays
          g   (1, 5, 5)  candidate, c~: what may go into the cell
          o   (1, 5, 5)  output gate: how much of the cell shows
          c   (1, 5, 5)  the cell state after the step
          h   (1, 5, 5)  the output of the step, and the state
          di  (1, 5, 5)  dL/di
          df  (1, 5, 5)  dL/df
          dg  (1, 5, 5)  dL/dg
          do  (1, 5, 5)  dL/do
          dc  (1, 5, 5)  dL/dc, with what comes back from t + 1
          dh  (1, 5, 5)  dL/dh, with what comes back from t + 1
        >>> for character, f in zip(seen.characters[0], seen["lstm"]["f"][0, :, 3]):
        ...     print(repr(character), f.round(2))
        't' 0.72
        'o' 0.64
        ' ' 0.75
        'b' 0.66
        'e' 0.72
    """
    if targets is None and loss is not None:
        raise ValueError("loss: it compares y with targets: give targets, too")
    model = as_model(private_copy(model, "trace"))
    x, texts = encoded("x", x, vocabulary)
    lengths = None if lengths is None else sequence_lengths.of_sequences("lengths", lengths, x)
    if texts is None and vocabulary is not None:
        texts = characters(x, vocabulary, lengths)
    targets, target_texts = encoded("targets", targets, vocabulary)
    if fresh_state:
        model.reset_state()
    watches = watch(model)
    y = model(x, lengths=lengths)
    seen = [one for one in watches if one.is_recurrent or one.makes_images]
    if not seen:
        raise ValueError(
            f"trace: {model!r} has no layer that can be looked into: no LSTM, GRU or RNN, and none that makes images"
        )
    number = None
    if targets is not None:
        targets = _fitting(x, y, targets, target_texts is not None)
        number = _go_back(model, x, y, targets, loss, lengths)
    traces = {one.name: _layer_trace(one, targets is not None, texts) for one in seen}
    return Trace(traces, np.array(x), y.copy(), None if targets is None else np.array(targets), number, texts)


def _fitting(x, y, targets, is_text):
    """The targets, as many as there are samples in x; of text a label for each position of y."""
    if not isinstance(targets, np.ndarray):
        raise TypeError(f"targets: expected an array or text, got {type(targets).__name__}: use np.asarray(...)")
    if targets.ndim == 0 or len(targets) != len(x):
        got = checks.shape_text(targets.shape)
        raise ValueError(f"targets: expected something for each of the {len(x)} samples of x, got shape {got}")
    if not is_text:
        return targets
    N, steps = len(y), y.shape[1] if y.ndim > 2 else 1
    if targets.shape[1] != steps:
        each = f"for each of the {steps} steps of x, such as text[1:] for text[:-1]" if y.ndim > 2 else "for each text"
        raise ValueError(f"targets: the model answers once {each}; got texts of {targets.shape[1]} characters")
    return targets if y.ndim > 2 else targets.reshape(N)


def _go_back(model, x, y, targets, loss, lengths):
    """The loss, as a number, after its gradient has gone back through the model."""
    is_default = loss is None and model.loss is None
    if is_default:
        loss = losses.SparseCategoricalCrossentropy(from_logits=not isinstance(model.layers[-1], Softmax))
    else:
        loss = model.loss if loss is None else copy.deepcopy(losses.get(loss))
    try:
        real = Batch(x, targets, lengths).real_steps() if model.keeps_steps else None
        number = float(loss.forward(*((targets, y) if real is None else (targets[real], y[real]))))
    except (TypeError, ValueError, IndexError) as error:
        hint = ", the default: give another one, loss=..." if is_default else ""
        raise type(error)(f"targets: {error} (by {loss!r}{hint})") from error
    dy = loss.backward()
    model.backward(dy if real is None else sequence_lengths.spread(dy, real))
    return number


def _layer_trace(one, with_gradients, texts):
    """What was seen of one layer."""
    layer = one.layer
    if not one.is_recurrent:
        arrays = {"y": one.y} | ({"dy": one.dy} if with_gradients else {})
        return LayerTrace(one.name, type(layer).__name__, arrays, IMAGES)
    lengths = layer.kept[1]
    arrays, initial = recurrent.values(layer)
    if with_gradients:
        gradients, dinitial = recurrent.gradients(layer, one.dy)
        arrays, initial = arrays | gradients, initial | dinitial
    arrays = {name: array.swapaxes(0, 1) for name, array in arrays.items()}
    if one.reads_backwards:
        arrays = {name: sequence_lengths.reversed_steps(array, lengths) for name, array in arrays.items()}
    arrays, initial = ({k: np.array(v, order="C") for k, v in part.items()} for part in (arrays, initial))
    has_steps_of_x = texts is not None and len(texts[0]) == layer.kept[0].shape[0]
    meanings = recurrent.meanings(layer)
    return LayerTrace(one.name, type(layer).__name__, arrays, meanings, initial, texts if has_steps_of_x else None)

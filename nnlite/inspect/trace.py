"""trace: the values and gradients inside a model, for one input."""

import copy
from typing import Any

import numpy as np

from .. import checks, losses, sequence_lengths
from ..arguments.kinds import kinds_of
from ..layers.base.layer import Layer
from ..models import agreement, judging
from ..models.batch import Batch
from ..models.model import Model
from ..models.sequential import Sequential
from . import recurrent
from .recording import private_copy, record
from .result import LayerTrace, Trace
from .text import characters, encoded

IMAGES = {"y": "feature maps, (N, H, W, C)", "dy": "dL/dy"}


@kinds_of("fresh_state")
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
    """Return every gate, state and gradient of recurrent layers, and the feature maps of layers that make images.

        LSTM    i f g o c h         with targets    di df dg do dc dh       (N, T, H) each
        GRU     z r g u h                           dz dr dg du dh      with reset_after=False v, dv for u, du
        RNN     z h                                 dz dh
        images  y                                   dy                      (N, H, W, C)

    The letters are those of the layers' equations; z of the RNN is the sum inside its tanh. Index t belongs to step t
    of x: states are those after it, and the states before the first step are in `initial`. df is dL/df, for the gate's
    value after the sigmoid. dc and dh include all later effects of the state:

        dh_t = dy_t + what comes back from t + 1        do_t = dh_t * tanh(c_t)
        dc_t = dh_t * o_t * (1 - tanh(c_t)^2) + dc_{t+1} * f_{t+1}
        di_t = dc_t * g_t;  df_t = dc_t * c_{t-1};  dg_t = dc_t * i_t

    A layer "bidirectional" has the entries "bidirectional.forward" and "bidirectional.backward". The second reads the
    text from its end: index t has its state after step t and all later steps. In padding, states and their gradients
    stay as they are; everything else is 0.

    The model runs as in `predict`, without dropout, and stateful layers start from zeros. A copy runs, so the model
    does not change; if it is not built, the copy draws the weights that the model will draw. Layers that are not
    nnlite's own run, but have no entry.

    Args:
        model: a model, or a single layer.
        x: the model's input; or text, a str or a list of str of one length, with a vocabulary.
        targets: the loss' targets, or text as for x, such as the next character for each. Without, no gradients.
        loss: by default that of the compiled model; else SparseCategoricalCrossentropy, from probabilities if the last
            layer is a Softmax, else from logits.
        vocabulary: a `nnlite.text.Vocabulary`, for text; if x holds ids, it adds the characters to the result.
        lengths: the number of real steps in each row of x, as in `fit`.
        fresh_state: False lets stateful layers continue from their current state; x then has as many rows as before.

    Returns:
        A `Trace`, a dict from layers' names to dicts from names to arrays, which prints as a table.

    Raises:
        TypeError, ValueError, IndexError: x or targets do not fit the model, the loss, the vocabulary or each other; or
            no layer is recurrent or makes images.

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
          c   (1, 5, 5)  cell state after the step
          h   (1, 5, 5)  output and state after the step
          di  (1, 5, 5)  dL/di
          df  (1, 5, 5)  dL/df
          dg  (1, 5, 5)  dL/dg
          do  (1, 5, 5)  dL/do
          dc  (1, 5, 5)  dL/dc, including what comes back from t + 1
          dh  (1, 5, 5)  dL/dh, including what comes back from t + 1
        >>> for character, f in zip(seen.characters[0], seen["lstm"]["f"][0, :, 3]):
        ...     print(repr(character), f.round(2))
        't' 0.72
        'o' 0.64
        ' ' 0.75
        'b' 0.66
        'e' 0.72
    """
    if targets is None and loss is not None:
        raise ValueError("loss: expected targets with it, got none: give targets, too")
    copied = private_copy(model, "trace")
    if not isinstance(copied, Model):
        vars(copied).update({"return_state": False} if hasattr(copied, "return_state") else {})  # a model takes none
        copied = Sequential([copied], seed=copied.rng)
    inputs, texts = encoded("x", x, vocabulary)
    inputs = checks.numbers("x", inputs)
    lengths = None if lengths is None else sequence_lengths.of_sequences("lengths", lengths, inputs)
    if texts is None and vocabulary is not None:
        texts = characters(inputs, vocabulary, lengths)
    targets, target_texts = encoded("targets", targets, vocabulary)
    if fresh_state:
        copied.reset_state()
    recordings = record(copied)
    y = copied(inputs, lengths=lengths)
    recordings = [recording for recording in recordings if recording.is_recurrent or recording.makes_images]
    if not recordings:
        raise ValueError(
            f"trace: expected an LSTM, GRU or RNN, or a layer that makes images, got none in {copied!r}: there is "
            f"nothing to show"
        )
    number = None
    if targets is not None:
        targets = _fitting(inputs, y, targets, target_texts is not None)
        number = _backward(copied, inputs, y, targets, loss, lengths)
    traces = {recording.name: _layer_trace(recording, targets is not None, texts) for recording in recordings}
    return Trace(traces, np.array(inputs), y.copy(), None if targets is None else np.array(targets), number, texts)


def _fitting(x, y, targets, is_text):
    """The checked targets: as many as samples in x; for text a label for each position of y."""
    targets = checks.numbers("targets", targets)
    if targets.ndim == 0 or len(targets) != len(x):
        got = checks.shape_text(targets.shape)
        raise ValueError(
            f"targets: expected an array for {len(x)} samples, as x has, got shape {got}: give one for each"
        )
    if not is_text:
        return targets
    N, steps = len(y), y.shape[1] if y.ndim > 2 else 1
    if targets.shape[1] != steps:
        remedy = "a target for each step, such as text[1:] for text[:-1]" if y.ndim > 2 else "one target for each text"
        got = targets.shape[1]
        raise ValueError(f"targets: expected texts of length {steps}, the model's outputs, got {got}: give {remedy}")
    return targets if y.ndim > 2 else targets.reshape(N)


def _backward(model, x, y, targets, loss, lengths):
    """Run the model's backward pass; returns the loss as a number."""
    is_default = loss is None and model.loss is None
    if is_default:
        loss = losses.SparseCategoricalCrossentropy(from_logits=not agreement.gives_probabilities(model))
    else:
        loss = model.loss if loss is None else copy.deepcopy(losses.get(loss))
        agreement.check(model, loss)
    try:
        batch = Batch(x, targets, lengths)
        real = model._real_steps(batch)
        number = judging.loss(loss, *((targets, y) if real is None else batch.counted(y, real)))
    except (TypeError, ValueError, IndexError) as error:
        hint = ", the default: give another one, loss=..." if is_default else ""
        raise type(error)(f"targets: {error} (by {loss!r}{hint})") from error
    model.backward(judging.dy(loss, y, real))
    return number


def _layer_trace(recording, with_gradients, texts):
    layer = recording.layer
    if not recording.is_recurrent:
        arrays = {"y": recording.y} | ({"dy": recording.dy} if with_gradients else {})
        return LayerTrace(recording.name, type(layer).__name__, arrays, IMAGES)
    lengths = layer.kept[1]
    arrays, initial = recurrent.values(layer)
    if with_gradients:
        gradients, dinitial = recurrent.gradients(layer, recording.dy)
        arrays, initial = arrays | gradients, initial | dinitial
    arrays = {name: array.swapaxes(0, 1) for name, array in arrays.items()}
    if recording.reads_backwards:
        arrays = {name: sequence_lengths.reversed_steps(array, lengths) for name, array in arrays.items()}
    arrays, initial = ({k: np.array(v, order="C") for k, v in part.items()} for part in (arrays, initial))
    if texts is not None and len(texts[0]) != len(layer.kept[0]):  # its steps are not those of x
        texts = None
    return LayerTrace(recording.name, type(layer).__name__, arrays, recurrent.meanings(layer), initial, texts)

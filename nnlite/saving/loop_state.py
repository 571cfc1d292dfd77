"""Where a `FitLoop` stands: with the model's own state all that another `fit` needs to end at the same bits."""

from typing import Any

from . import states


def get(loop: Any) -> dict[str, Any]:
    """The state between two batches, as a tree for `checkpoint`."""
    return {
        "data": _data(loop),
        "epoch": loop.epoch,
        "batch": loop.batch,
        "totals": {name: states.in_a_file(total) for name, total in loop.totals.items()},
        "seen": loop.seen,
        "order_rng": loop.order_rng,
        "stop_training": is_stopped(loop.model),
        "callbacks": {name: state for name, callback in named_callbacks(loop) if (state := callback.get_state())},
        "files": _files(loop),
    }


def is_stopped(model: Any) -> bool:
    """Whether a callback has ended the training."""
    try:
        return bool(model.stop_training)
    except (TypeError, ValueError):  # of an array
        raise TypeError(f"stop_training: expected True or False, got {model.stop_training!r:.200}: use any()") from None


def check_data(loop: Any, state: Any) -> None:
    """Refuse the state of a training that read other data, or read them in another way."""
    states.mapping("run", state)
    states.mapping("run: data", state.get("data"))
    theirs, ours = state["data"], _data(loop)
    if theirs != ours:
        hint = (
            ": x, y, lengths or weights hold other numbers" if theirs | {"checksum": ours["checksum"]} == ours else ""
        )
        theirs, ours = (", ".join(f"{k}={v}" for k, v in data.items()) for data in (theirs, ours))
        raise ValueError(f"it is from a run with {theirs}, and this one has {ours}{hint}")


def check(loop: Any, state: Any) -> None:
    """Refuse what `get` cannot have returned for a training like this one, whoever wrote it into a file."""
    check_data(loop, state)
    rules = {
        "data": states.anything,
        "epoch": states.count,
        "batch": states.count,
        "totals": states.mapping_of(states.any_number),
        "seen": states.count,
        "order_rng": states.optional(states.generator(type(loop.model.rng.bit_generator))),
        "stop_training": states.boolean,
        "callbacks": states.mapping,
        "files": states.mapping_of(states.text),
    }
    states.fields("run", {"files": {}, **state}, rules)  # an older one has none
    batch, names = state["batch"], ["loss", *loop.model.metrics]
    if batch > loop.batches:
        raise ValueError(f"run: batch: an epoch has {loop.batches} batches, got {batch}")
    # With lengths, the first batches may hold no real step.
    is_seen = state["seen"] or loop.data.lengths is not None
    if batch and (not is_seen or state["order_rng"] is None or sorted(state["totals"]) != sorted(names)):
        order = "none" if state["order_rng"] is None else "a state"
        raise ValueError(
            f"run: after batch {batch} expected seen above 0, an order_rng, and totals of {', '.join(names)}; got "
            f"seen={state['seen']}, order_rng={order}, totals of {states.shown([*state['totals']])}"
        )
    if "History" not in state["callbacks"]:
        raise ValueError("run: callbacks: there is no History, and every run has one")
    for callback, saved in _with_their_states(loop, state):
        if callback.checks_its_state:
            callback.check_state(saved)


def restore(loop: Any, state: Any) -> None:
    """Let the loop go on from there. Callbacks that the saved one did not have start afresh.

    Raises:
        ValueError: as `check`, or from a callback of the user's own; nothing of nnlite's has changed then.
    """
    check(loop, state)
    # First those that cannot be checked beforehand: where one refuses its state, nothing else has changed yet.
    for callback, saved in sorted(_with_their_states(loop, state), key=lambda pair: pair[0].checks_its_state):
        try:
            callback.set_state(saved)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise ValueError(f"{type(callback).__name__} cannot go on from its state: {error!r}") from error
    loop.resumed = True
    loop.epoch, loop.batch = state["epoch"], state["batch"]
    loop.totals = {name: states.from_a_file(total) for name, total in state["totals"].items()}
    loop.seen, loop.order_rng = state["seen"], state["order_rng"]
    loop.model.stop_training = state["stop_training"]


def _data(loop):
    sizes = {"samples": len(loop.data), "batch_size": loop.batch_size, "shuffle": loop.shuffle}
    return {**sizes, "checksum": loop.data.checksum}


def _with_their_states(loop, state):
    """Each callback that has a state there, with that. Loggers may have changed places: their files tell them apart."""
    saved, callbacks, files = state["callbacks"], dict(named_callbacks(loop)), state.get("files", {})
    owners = {file: name for name, file in files.items()}
    theirs = {}
    if len(owners) == len(files):
        theirs = {name: owners[file] for name, file in _files(loop).items() if file in owners}
    claimed = {*theirs.values()}
    theirs |= {name: name for name in callbacks if name not in theirs and name not in claimed}
    return [(callbacks[name], saved[its]) for name, its in theirs.items() if its in saved]


def _files(loop):
    """The files that the states of some callbacks speak of, by the callbacks' names. Where they are does not matter."""
    named = [(name, callback, callback.file_of_state) for name, callback in named_callbacks(loop)]
    return {name: f"{type(callback).__name__} of {file.name}" for name, callback, file in named if file}


def named_callbacks(loop):
    """Each callback with its class' name; a second one of the same class is "Name_1"."""
    count: dict[str, int] = {}
    for callback in loop.callbacks:
        name = type(callback).__name__
        number = count[name] = count.get(name, -1) + 1
        yield f"{name}_{number}" if number else name, callback

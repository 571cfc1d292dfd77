"""The program that runs a student's file, in a process of its own: `python -I -S -u child.py FOLDER-OF-NUMPY`.

It never knows an answer. Over stdin it gets a message with what to load, then calls, each with a function's name and
its arguments. Over what was stdout it returns what the function returned, or the error. The comparison is the parent's.
"""

import copy
import os
import sys

PYTHONS = list(sys.path)
sys.path += [os.path.dirname(os.path.abspath(__file__)), sys.argv[1]]
sys.dont_write_bytecode = True

import kernel  # noqa: E402
import numpy as np  # noqa: E402
import rules  # noqa: E402
import toy  # noqa: E402
import wire  # noqa: E402

MOST = 1 << 26  # bytes of a message to here, which is the parent's
MOST_PARTS = 1000  # of a list
LONGEST = 300  # characters of an error's message


def main() -> None:
    requests, results = os.fdopen(0, "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what is printed is no result
    setup = wire.received(requests.read, MOST)
    _limit(setup)
    own = [name.removesuffix(".py") for name in os.listdir(setup["folder"])]
    sys.path[:] = [setup["folder"], *PYTHONS]
    results.write(wire.packed(kernel.lock(setup["readable"])))
    results.flush()
    for module in (kernel, rules, toy, wire):  # the student may have modules of these names
        del sys.modules[module.__name__]
    rules.keep(setup["readable"], own)
    found, error = _loaded(setup["file"])
    results.write(wire.packed({"error": error}))
    results.flush()
    while error is None:
        try:
            request = wire.received(requests.read, MOST)
        except wire.WireError:  # the parent has seen enough
            break
        results.write(wire.packed(_called(found, request, setup["file"])))
        results.flush()
    os._exit(0)  # threads that go on end here, too


def _limit(setup):
    try:
        import resource
    except ImportError:  # Windows: there is the clock alone
        return
    for name, value in setup["limits"].items():
        try:
            resource.setrlimit(getattr(resource, name), (value, value))
        except (AttributeError, OSError, ValueError):  # macOS knows no limit of memory
            continue


def _loaded(file):
    """The student's module by names, or the error."""
    name = file.removesuffix(".py")
    try:
        __import__(name)
        return vars(sys.modules[name]), None
    except BaseException as error:  # SystemExit, too
        return {}, _said(error, file)


def _called(found, request, file):
    function = found.get(request["function"])
    if not callable(function):
        kind = "none" if function is None else f"a {type(function).__name__}"
        return {"error": {"text": f"expected a function {request['function']}, got {kind}", "line": None}}
    arguments = {name: toy.REPLACED.get(value, value) if isinstance(value, str) else value
                 for name, value in request["arguments"].items()}  # fmt: skip
    kept = copy.deepcopy({name: value for name, value in arguments.items() if not callable(value)})
    try:
        result = _plain(function(*arguments.values()))
    except BaseException as error:
        return {"error": _said(error, file)}
    changed = [name for name, value in kept.items() if not _same(value, arguments[name])]
    return {"result": result, "changed": changed}


def _same(one, other):
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    return np.array_equal(one, other, equal_nan=isinstance(one, np.ndarray) and one.dtype.kind == "f")


def _plain(result, depth=0):
    """What a function returned as arrays, or words about what is none."""
    if isinstance(result, dict) and depth < 3:
        return {str(key)[:50]: _plain(value, depth + 1) for key, value in list(result.items())[:MOST_PARTS]}
    if isinstance(result, tuple | list) and depth < 3 and any(_has_parts(value) for value in result):
        return [_plain(value, depth + 1) for value in result[:MOST_PARTS]]
    if result is None:
        return None
    kind = type(result).__name__
    try:
        array = np.asarray(result)
    except Exception:
        return {"unreadable": kind}
    if array.nbytes > MOST:
        return {"unreadable": f"an array of shape {array.shape}"}
    if array.dtype.str[1:] not in wire.KINDS:
        if array.dtype.kind == "f":  # longdouble
            return array.astype(np.float64)
        return {"unreadable": f"{kind} of {array.dtype.name}" if isinstance(result, np.ndarray) else kind}
    return array


def _has_parts(value):
    return isinstance(value, dict | tuple | list) or (isinstance(value, np.ndarray) and value.ndim > 0)


def _said(error, file):
    """An error's kind and message, and the last line of the student's file that it came through."""
    line, trace = None, getattr(error, "__traceback__", None)
    while trace is not None:
        if os.path.basename(trace.tb_frame.f_code.co_filename) == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    if isinstance(error, SyntaxError):
        line = error.lineno
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        text = f"{type(error).__name__}: {text}"[:LONGEST]
    except BaseException:
        text = type(error).__name__
    return {"text": text if isinstance(text, str) else "an error", "line": line if isinstance(line, int) else None}


if __name__ == "__main__":
    main()

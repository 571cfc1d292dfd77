"""What every door takes: a table to read, and checks by it where `NNLITE_DEBUG=1` was set when nnlite was imported.

A door is a function of a compiled kernel that Python can call. It does not look at sizes: the layers did, and a call
costs less than a microsecond. Called by hand with a size that is wrong, it reads and writes where no array is. With
`NNLITE_DEBUG=1` each door is replaced by one that first compares its arguments with the line here:

    W (F,4H)            an array of that shape, of one dtype, float32 or float64, for the whole call; a letter is a size
    mean double (C)     an array of float64, whatever the others are
    index int (N,C)     an array of 32-bit whole numbers
    ids below V (N)     an array of whole numbers (intp) from 0 to V - 1
    work (>=n)          scratch memory: at least as long
    b (U) or None       one of these
    weights [(F,H), (H)]   a list or tuple of such arrays
    strides = (sh, sw)  a tuple of whole numbers, whose names these are
    epsilon             a number
    ; kh >= 1           something else that has to hold
"""

import functools
import inspect
import re

import numpy as np

_ELEMENTWISE = {
    **dict.fromkeys(("exp", "normal_cdf"), "x (n), y (n)"),
    **dict.fromkeys((f"{name}_forward" for name in ("tanh", "sigmoid", "relu", "gelu", "gelu_tanh")), "x (n), y (n)"),
    **dict.fromkeys((f"{name}_backward" for name in ("tanh", "sigmoid", "relu")), "y (n), dy (n), dx (n)"),
    **dict.fromkeys((f"{name}_backward" for name in ("gelu", "gelu_tanh")), "x (n), dy (n), dx (n)"),
    "leaky_relu_forward": "x (n), y (n), slope",
    "leaky_relu_backward": "y (n), dy (n), dx (n), slope",
}

_SIZES = {"work_size": "H; 0 <= H < 2**30", "backward_steps": "N, T; min(N, T) >= 0; N * T < 2**60"}
_X, _X_OF_STEP = "x (T,N,F) or below F (T,N), lengths below T+1 (N) or None", "x (N,F) or below F (N)"
_PLACES = _X.replace("below F", "below P")  # for backward: an id may have several
_STEPS = "; S in (1, T); steps >= 1; P >= F"

# All of them are products of sizes or distances, in 64 bits.
_GEOMETRY = "strides = (sh, sw), pads = (top, left), dilation = (dh, dw), groups"
_CONVOLUTION = (
    "; min(IH, IW, kh, kw, D, OH, OW, F, sh, sw, dh, dw, groups) >= 1; min(top, left) >= 0"
    "; max(sh, sw, dh, dw, top, left) < 2**31"
    "; C == D * groups; F % groups == 0; ((OH-1)*sh + (kh-1)*dh + IH) * ((OW-1)*sw + (kw-1)*dw + IW) * C * F < 2**60"
)
_WINDOW = "kh, kw, sh, sw, top, left"
_WINDOWS = (
    "; min(kh, kw, sh, sw, H, W, OH, OW) >= 1; max(kh * kw, sh, sw) < 2**31; 0 <= top < kh"
    "; 0 <= left < kw; (OH-1)*sh - top < H; (OW-1)*sw - left < W"
)

DOORS = {
    "activation": _ELEMENTWISE,
    "conv2d": {
        "work_size": f"x_shape = (N, IH, IW, C), W_shape = (kh, kw, D, F), y_shape = (N, OH, OW, F), {_GEOMETRY}"
        f"; N >= 0{_CONVOLUTION}",
        "forward": "x (N,IH,IW,C), W (kh,kw,D,F), b (F) or None, y (N,OH,OW,F), "
        f"work (>=work_size(x.shape,W.shape,y.shape,strides,pads,dilation,groups)), {_GEOMETRY}{_CONVOLUTION}",
        "backward": "x (N,IH,IW,C), W (kh,kw,D,F), dy (N,OH,OW,F), dx (N,IH,IW,C) or None, dW (kh,kw,D,F) or None, "
        "db (F) or None, work (>=work_size(x.shape,W.shape,dy.shape,strides,pads,dilation,groups)), "
        f"{_GEOMETRY}{_CONVOLUTION}; db is None or dW is not None",
    },
    "dense": {
        "forward": "x (N,F), W (F,U), b (U) or None, y (N,U)",
        "backward": "x (N,F), W (F,U), dy (N,U), dx (N,F) or None, dW (F,U) or None, db (U) or None",
    },
    "dropout": {"apply": "x (n), y (n), key, p; 0 <= key < 2**64; 0 <= p < 1"},
    "embedding": {
        "forward": "W (V,U), ids below V (N), y (N,U)",
        "backward": "ids below V (N), dy (N,U), dW (V,U)",
        "split": "ids below V (N), places below V+N (N), seen below V+N (V), owners below V+N (>=V+N//256)",
    },
    "gru": {
        **_SIZES,
        "forward": f"{_X}, weights [(F,3H), (H,3H), (2,3H)], h (T+1,N,H), gates (T,N,4H), y (N,S,H), "
        "work (>=work_size(H)); S in (1, T)",
        "backward": f"{_PLACES}, weights [(F,3H), (H,3H), (2,3H)], h (T+1,N,H), gates (T,N,4H), dy (N,S,H), dh (N,H), "
        "dx (T,N,F) or None, gradients [(P,3H), (H,3H), (2,3H)], da (steps,N,4H), "
        f"work (>=work_size(H)){_STEPS}",
        "step": f"{_X_OF_STEP}, weights [(F,3H), (H,3H), (2,3H)], h (N,H), z (>=4H)",
    },
    "gru_reset_before": {
        **_SIZES,
        "forward": f"{_X}, weights [(F,3H), (H,3H), (3H)], h (T+1,N,H), gates (T,N,4H), y (N,S,H), "
        "work (>=work_size(H)); S in (1, T)",
        "backward": f"{_PLACES}, weights [(F,3H), (H,3H), (3H)], h (T+1,N,H), gates (T,N,4H), dy (N,S,H), dh (N,H), "
        "dx (T,N,F) or None, gradients [(P,3H), (H,3H), (3H)], da (steps,N,4H), "
        f"work (>=work_size(H)){_STEPS}",
        "step": f"{_X_OF_STEP}, weights [(F,3H), (H,3H), (3H)], h (N,H), z (>=4H)",
    },
    "host": {
        **dict.fromkeys(("architecture", "caches", "features", "missing_feature", "has_openmp"), ""),
        **dict.fromkeys(("checks_indices", "available_threads", "get_num_threads", "after_fork"), ""),
        "set_num_threads": "n; 1 <= n <= 1024",
        "empty": "shape, dtype, small",
    },
    "lstm": {
        **_SIZES,
        "forward": f"{_X}, weights [(F,4H), (H,4H), (4H)], h (T+1,N,H), c (T+1,N,H), gates (T,N,4H), y (N,S,H), "
        "work (>=work_size(H)); S in (1, T)",
        "backward": f"{_PLACES}, weights [(F,4H), (H,4H), (4H)], h (T+1,N,H), c (T+1,N,H), gates (T,N,4H), dy (N,S,H), "
        "dh (N,H), dc (N,H), dx (T,N,F) or None, gradients [(P,4H), (H,4H), (4H)], dz (steps,N,4H), "
        f"work (>=work_size(H)){_STEPS}",
        "step": f"{_X_OF_STEP}, weights [(F,4H), (H,4H), (4H)], h (N,H), c (N,H), z (>=4H)",
    },
    "norm": {
        **dict.fromkeys(("batch_work_size", "layer_work_size"), "N, C; min(N, C) >= 0; N * C < 2**58"),
        "batch_statistics": "x (N,C), mean double (C), variance double (C), work (>=batch_work_size(N,C))",
        "batch_forward": "x (N,C), mean double (C), variance double (C), gamma (C), beta (C), y (N,C), "
        "work (>=batch_work_size(N,C)), epsilon",
        "batch_backward": "x (N,C), dy (N,C), mean double (C), variance double (C), gamma (C), dx (N,C), dgamma (C), "
        "dbeta (C), work (>=batch_work_size(N,C)), epsilon, from_x",
        "layer_forward": "x (N,C), gamma (C), beta (C), y (N,C), epsilon",
        "layer_backward": "x (N,C), gamma (C), dy (N,C), dx (N,C), dgamma (C), dbeta (C), "
        "work (>=layer_work_size(N,C)), epsilon",
    },
    "orthogonal": {
        "work_size": "cols; 0 <= cols < 2**31",
        "orthonormalise": "a double (rows,cols), work double (>=work_size(cols)); rows >= cols",
    },
    "pool2d": {
        "max_forward": f"x (N,H,W,C), y (N,OH,OW,C), index int (N,OH,OW,C), {_WINDOW}{_WINDOWS}",
        "max_backward": f"dy (N,OH,OW,C), index int (N,OH,OW,C), dx (N,H,W,C), {_WINDOW}{_WINDOWS}"
        "; on_image(index // kw, 1, sh, top, H); on_image(index % kw, 2, sw, left, W)",
        "average_forward": f"x (N,H,W,C), y (N,OH,OW,C), {_WINDOW}, include_pad{_WINDOWS}",
        "average_backward": f"dy (N,OH,OW,C), dx (N,H,W,C), {_WINDOW}, include_pad{_WINDOWS}",
    },
    "rnn": {
        **_SIZES,
        "forward": f"{_X}, weights [(F,H), (H,H), (H)], h (T+1,N,H), y (N,S,H), work (>=work_size(H)), relu"
        "; S in (1, T)",
        "backward": f"{_PLACES}, weights [(F,H), (H,H), (H)], h (T+1,N,H), dy (N,S,H), dh (N,H), dx (T,N,F) or None, "
        f"gradients [(P,H), (H,H), (H)], dz (steps,N,H), work (>=work_size(H)), relu{_STEPS}",
        "step": f"{_X_OF_STEP}, weights [(F,H), (H,H), (H)], h (N,H), z (>=H), relu",
    },
    "softmax": {
        "forward": "x (N,V), y (N,V)",
        "backward": "y (N,V), dy (N,V), dx (N,V)",
        "cross_entropy_forward": "x (N,V), labels below V (N), y (N,V), losses double (N)",
        "cross_entropy_backward": "y (N,V), labels below V (N), dx (N,V), scale",
        "sample": "x (V), temperature, u; temperature >= 0; 0 <= u < 1",
    },
    "update": {
        "work_size": "n; 0 <= n < 2**62",
        "sum_of_squares": "g (n), work double (>=work_size(n))",
        "sgd": "g (n), p (n), lr, scale, clip",
        "sgd_momentum": "g (n), p (n), v (n), lr, momentum, nesterov, scale, clip",
        "adagrad": "g (n), p (n), a (n), lr, epsilon, scale, clip",
        "rmsprop": "g (n), p (n), v (n), mean (n) or None, m (n) or None, lr, rho, momentum, epsilon, scale, clip",
        "adam": "g (n), p (n), m (n), v (n), lr, beta_1, beta_2, epsilon, decay, t, scale, clip; t >= 1",
    },
}

_FORM = re.compile(r"(?:(=|double|int|below (\S+)) )?\((>=)?(.*)\)")
_FLOATS = [np.dtype(np.float32), np.dtype(np.float64)]


def guard(modules):
    """Replace each door of the compiled modules by one that checks its arguments."""
    for name, doors in DOORS.items():
        module = getattr(modules, name)
        functions = dict(vars(module))
        for door, takes in doors.items():
            setattr(module, door, _guarded(f"{name}.{door}", functions[door], takes, functions))


def _guarded(name, door, takes, functions):
    signature = inspect.signature(door)

    @functools.wraps(door)
    def checked(*arguments, **options):
        try:
            _check(takes, signature.bind(*arguments, **options).arguments, functions)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{error}: {name} takes {takes or 'nothing'}") from None
        return door(*arguments, **options)

    return checked


def _check(takes, given, functions):
    arguments, *conditions = _split(takes, ";")
    arrays = [(name, _form_of(name, forms, value), value) for name, forms, value in _arrays(arguments, given)]
    arrays = [(name, form, value) for name, form, value in arrays if form != "None"]
    sizes: dict[str, int] = {}
    for _, form, value in arrays:  # before any expression of letters
        for letter, size in zip(_parsed(form)[3], _sizes(value), strict=True):
            if letter.isidentifier():
                sizes.setdefault(letter, size)
    names = functions | {"on_image": _on_image} | given | sizes
    for condition in conditions:  # before scratch memory is counted: they keep that number below 2**63
        if not _value(condition, names):
            values = ", ".join(f"{k} = {_shown(names[k])}" for k in given | sizes if re.search(rf"\b{k}\b", condition))
            raise ValueError(f"expected {condition}, got {values}")
    dtypes = {"double": np.dtype(np.float64), "int": np.dtype(np.intc)}
    for name, form, value in arrays:
        kind, limit, at_least, shape = _parsed(form)
        expected = tuple(_value(part, names) for part in shape)
        if any(size < n if at_least else size != n for size, n in zip(_sizes(value), expected, strict=True)):
            _refuse(name, f"{form} = {'at least ' if at_least else ''}{expected}", value)
        if kind == "=":
            continue
        dtype = np.dtype(np.intp) if limit else dtypes.setdefault(kind, value.dtype)
        if value.dtype != dtype or (kind is None and dtype not in _FLOATS):
            _refuse(name, f"{form} in {dtype if kind or dtype in _FLOATS else 'float32'}", value)
        if not value.flags.c_contiguous or not value.flags.aligned:
            _refuse(name, "numbers side by side, as np.ascontiguousarray makes them", "others")
        if limit and value.size and not 0 <= value.min() <= value.max() < _value(limit, names):
            _refuse(name, f"numbers from 0 to {_value(limit, names) - 1}", f"{value.min()} to {value.max()}")


def _arrays(arguments, given):
    """(name, forms, value) of every array, those in lists too, and of every tuple of sizes."""
    for argument in _split(arguments, ","):
        name, _, form = argument.partition(" ")
        value = given.get(name)
        if form.startswith("["):
            forms = _split(form[1:-1], ",")
            if not isinstance(value, tuple | list) or len(value) != len(forms):
                _refuse(name, form, value)
            for i, (part, array) in enumerate(zip(forms, value, strict=True)):
                yield f"{name}[{i}]", [part], array
        elif form:
            yield name, form.split(" or "), value


def _form_of(name, forms, value):
    for form in forms:
        if form == "None":
            if value is None:
                return form
        elif form.startswith("="):
            if isinstance(value, tuple) and [type(size) for size in value] == [int] * len(_parsed(form)[3]):
                return form
        elif isinstance(value, np.ndarray) and value.ndim == len(_parsed(form)[3]):
            return form
    return _refuse(name, " or ".join(forms), value)


def _refuse(name, expected, got):
    raise ValueError(f"{name}: expected {expected}, got {got if isinstance(got, str) else _shown(got)}")


def _shown(value):
    return f"{value.shape} in {value.dtype}" if isinstance(value, np.ndarray) else repr(value)


@functools.cache
def _parsed(form):
    """Kind of array or "=", limit of ids, whether it may be longer, and the expressions of its sizes."""
    match = _FORM.fullmatch(form)
    if match is None:
        raise AssertionError(f"nnlite/kernels/_doors.py: {form!r} is no form of the table")
    kind, limit, at_least, sizes = match.groups()
    return kind, limit, at_least, _split(sizes, ",")


def _sizes(value):
    return value if isinstance(value, tuple) else value.shape


def _value(expression, names):
    """Of one of the expressions above, where 4H is 4 * H."""
    return eval(re.sub(r"(\d)([A-Z])", r"\1*\2", expression), {"__builtins__": {"min": min, "max": max}}, names)


def _split(text, separator):
    """The parts between separators that are in no bracket."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        if letter == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _on_image(steps, axis, stride, pad, size):
    """Whether every window has its pixel that is so many `steps` from its first on the image."""
    pixels = np.moveaxis(steps, axis, -1) + np.arange(steps.shape[axis]) * stride - pad
    return bool(((pixels >= 0) & (pixels < size)).all())

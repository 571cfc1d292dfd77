"""Call every door of a kernel with one argument that is wrong, in a process of its own, which a crash may end.

    NNLITE_DEBUG=1 python tests/door_tries.py lstm 0

draws a right call of each door by the table in nnlite/kernels/_doors.py, makes it, and then with each argument wrong in
every way that `wrong` knows. Each try is printed before it is made, then what came of it if it is no refusal, and at
last the number of tries.
"""

import sys

import numpy as np

from nnlite.kernels import _doors, backend

# Sizes that fit a window on an image, and numbers that options take.
WINDOWS = {"N": 2, "kh": 3, "kw": 2, "sh": 2, "top": 1, "left": 0, "OH": 3}
SIZES = {
    "conv2d": {**WINDOWS, "IH": 5, "IW": 6, "sw": 1, "dh": 1, "dw": 2, "OW": 4, "D": 2, "C": 4, "F": 6, "groups": 2},
    "pool2d": {**WINDOWS, "H": 5, "W": 6, "sw": 2, "OW": 3},
    "orthogonal": {"rows": 7, "cols": 4},
}
OPTIONS = {"key": 5, "p": 0.5, "t": 3, "n": 3, "shape": (2, 3), "dtype": np.dtype("f"), "u": 0.5, "epsilon": 0.1}
NO_NUMBERS = (None, "1", [], np.ones(3))
NUMBERS = (-1, 0, -(2**31), 2**31, 2**62, 2**64, 1.5, np.nan)


def letters(form):
    return _doors._parsed(form)[3] if form != "None" else []


def names_of(takes):
    """The letters that are sizes of a door's arrays."""
    names = [letter for _, forms in flat(_doors._split(takes, ";")[0]) for form in forms for letter in letters(form)]
    return sorted({name for name in names if name.isidentifier()})


def with_places(sizes):
    """An id has one place or several."""
    return sizes | ({"P": sizes["F"] + sizes["P"]} if "P" in sizes else {})


def flat(arguments):
    """(name, forms) of all arrays, and those in lists."""
    for argument in _doors._split(arguments, ","):
        name, _, form = argument.partition(" ")
        forms = [[part] for part in _doors._split(form[1:-1], ",")] if form.startswith("[") else [form.split(" or ")]
        yield from ((name, each) for each in forms if form)


def right(form, sizes, dtype, rng):
    """An array, a list of arrays, or a tuple of sizes."""
    if form == "None":
        return None
    if form.startswith("["):
        return [right(part, sizes, dtype, rng) for part in _doors._split(form[1:-1], ",")]
    kind, limit, *_ = _doors._parsed(form)
    shape = tuple(_doors._value(size, sizes) for size in letters(form))
    if kind == "=":
        return shape
    if kind == "int":  # the first position of each window that is on the image
        i = np.maximum(0, sizes["top"] - sizes["sh"] * np.arange(sizes["OH"]))
        j = np.maximum(0, sizes["left"] - sizes["sw"] * np.arange(sizes["OW"]))
        return np.ascontiguousarray(np.broadcast_to((i[:, None] * sizes["kw"] + j)[..., None], shape), np.intc)
    if limit:
        return rng.integers(_doors._value(limit, sizes), size=shape)
    return rng.random(shape).astype("d" if kind == "double" else dtype)


def wrong(value, form, used):
    """(what is wrong, value, whether it has to be refused) for each way in which an argument can be wrong.

    A size may change where its letter is used once, or where scratch memory gets longer.
    """
    if isinstance(value, list):
        yield from [("no list", None, True), ("one less", value[:-1], True), ("one more", [*value, value[0]], True)]
        for i, part in enumerate(_doors._split(form[1:-1], ",")):
            for what, array, refused in wrong(value[i], part, used):
                yield f"[{i}] {what}", [*value[:i], array, *value[i + 1 :]], refused
    elif form.startswith("="):
        yield from [("None", None, True), ("longer", (*value, 1), True), ("shorter", value[1:], True)]
        for i in range(len(value)):
            for other in (*NO_NUMBERS, *NUMBERS):
                no_size = not isinstance(other, int) or other < 0
                yield f"[{i}] {other!r}", (*value[:i], other, *value[i + 1 :]), no_size
    elif isinstance(value, np.ndarray):
        yield "None", None, None
        yield "a list", value.tolist(), True
        yield "one axis more", value[None], True
        yield "one axis less", value.reshape(-1)[:-1] if value.ndim > 1 else value.sum(), True
        yield "dtype", value.astype("f2" if value.dtype.kind == "f" else "i2"), True
        yield "the other dtype", value.astype({"f": "d", "d": "f"}.get(value.dtype.char, "u4")), None
        yield "byte order", value.astype(value.dtype.newbyteorder()), True
        yield "with gaps", np.repeat(value, 2, axis=-1)[..., ::2], value.size > 1
        shifted = np.frombuffer(b"x" + value.tobytes(), np.uint8)[1:]
        yield "unaligned", shifted.view(value.dtype).reshape(value.shape), None
        for axis, letter in enumerate(letters(form)):
            for n in {0, value.shape[axis] - 1, value.shape[axis] + 1, 7 * value.shape[axis]} - {value.shape[axis]}:
                shape = (*value.shape[:axis], n, *value.shape[axis + 1 :])
                more_scratch = ">=" in form and n > value.shape[axis]
                yield f"axis {axis}: {n}", np.resize(value, shape), not more_scratch and used.count(letter) != 1
        if value.dtype.kind == "i" and value.size:
            for number in (-1, np.iinfo(value.dtype).max, np.iinfo(value.dtype).min):
                other = value.copy()
                other.reshape(-1)[-1] = number
                yield f"id {number}", other, None if value.dtype == np.intc else True
    else:
        yield from ((repr(number), number, None) for number in (*NO_NUMBERS, *NUMBERS))


def in_use(forms):
    """The letters of the forms, those in a list too, each as often as it stands there."""
    parts = [part for form in forms for part in (_doors._split(form[1:-1], ",") if form.startswith("[") else [form])]
    return [letter for part in parts if part for letter in letters(part)]


def copies(values):
    """What a door may write to."""
    for value in values:
        if isinstance(value, list):
            yield [*copies(value)]
        else:
            yield value.copy() if isinstance(value, np.ndarray) and value.flags.forc and value.flags.aligned else value


def calls(module, takes, sizes, rng):
    """Right calls of a door: values and forms by name, with every alternative and in both dtypes."""
    sizes = sizes | {"S": rng.choice([1, sizes["T"]]).item() if "T" in sizes else 0}
    arguments = _doors._split(takes, ";")[0]
    parts = [part.partition(" ") for part in _doors._split(arguments, ",") if part]
    for dtype in "fd":
        for choice in range(max([len(form.split(" or ")) for *_, form in parts], default=1)):
            values, forms = {}, {}
            for name, _, form in parts:
                choices = form.split(" or ")
                forms[name] = choices[choice % len(choices)]
                values[name] = OPTIONS.get(name, sizes.get(name, 1))
            names = vars(getattr(backend(), module)) | sizes
            for name in sorted(forms, key=lambda name: ">=" in forms[name]):  # scratch last: its size is that of others
                if forms[name]:
                    values[name] = right(forms[name], names | values, dtype, rng)
            yield values, forms


def main(module, seed):
    rng, tries = np.random.default_rng(seed), 0
    for name, takes in _doors.DOORS[module].items():
        door = getattr(getattr(backend(), module), name)
        sizes = {letter: int(rng.integers(1, 7)) for letter in names_of(takes)}
        sizes = with_places(sizes) | SIZES.get(module, {})
        for number, (values, forms) in enumerate(calls(module, takes, sizes, rng)):
            print(name, number, "as it is", flush=True)
            door(*copies(values.values()))
            used = in_use(forms.values())
            for argument, value in values.items():
                for what, other, refused in wrong(value, forms[argument], used):
                    print(name, number, argument, what, flush=True)
                    tries += 1
                    try:
                        door(*copies((values | {argument: other}).values()))
                    except (TypeError, ValueError, AttributeError, OverflowError, MemoryError):
                        pass
                    else:
                        if refused:
                            print("NOT REFUSED", flush=True)
    print(tries, "tries")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

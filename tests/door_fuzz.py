"""Call the kernels with arrays of random sizes, for so many seconds, on one thread and on more: the bits are the same.

    python tests/door_fuzz.py 600 [SEED]

By itself it finds results that depend on the number of threads; `make test-sanitize` runs it on kernels that report
what else is wrong. Calls are drawn by the table in nnlite/kernels/_doors.py.
"""

import math
import sys
import time

import numpy as np
from door_tries import calls, copies, names_of, with_places

import nnlite
from nnlite.kernels import _doors, backend, host

THREADS = 3
LEAST = 10  # calls, however slow the machine
MOST = 2**21  # numbers in an array, about: ThreadSanitizer takes four times the memory of what it watches, beside it
SIZES = [*range(1, 10), 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 65, 100, 257]


def sizes_of(module, takes, rng):
    """Any sizes; of images such as a layer would have them."""
    limit = rng.choice([9, 17, 40, 100, 260])
    sizes = {letter: int(rng.choice([n for n in SIZES if n <= limit])) for letter in names_of(takes)}
    while math.prod(sorted(sizes.values())[-3:]) > MOST:
        sizes[max(sizes, key=sizes.get)] //= 2
    if module not in ("conv2d", "pool2d"):
        return with_places(sizes) | ({"rows": sizes["rows"] + sizes["cols"]} if "rows" in sizes else {})
    sizes["N"] = int(rng.integers(1, 5))
    for size, k, s, d, pad, out in (("IH", "kh", "sh", "dh", "top", "OH"), ("IW", "kw", "sw", "dw", "left", "OW")):
        sizes[k], sizes[s], sizes[d] = (int(n) for n in rng.integers(1, (6, 5, 4)))
        sizes[d] = sizes[d] if module == "conv2d" else 1
        span = (sizes[k] - 1) * sizes[d] + 1
        before, after = (int(rng.integers(span if module == "conv2d" else sizes[k])) for _ in range(2))
        sizes[size] = sizes[size[1]] = max(1, span - before - after) + int(rng.integers(20))
        sizes[pad], sizes[out] = before, (sizes[size] + before + after - span) // sizes[s] + 1
    groups, channels, filters = int(rng.choice([1, 1, 2, 3, 8])), sizes.get("D", 1), int(rng.choice([1, 2, 3, 16, 33]))
    images = {"groups": groups, "C": groups * channels, "F": groups * filters}
    return sizes | (images if module == "conv2d" else {})


def outputs(values, forms):
    """All arrays but scratch memory, as bytes."""
    for name, value in values.items():
        if ">=" not in forms[name] and "steps" not in forms[name]:
            parts = value if isinstance(value, list) else [value]
            yield from ((name, part.tobytes()) for part in parts if isinstance(part, np.ndarray))


def main(seconds, seed=None):
    seed = np.random.SeedSequence(seed).entropy
    rng, end, count = np.random.default_rng(seed), time.monotonic() + float(seconds), 0
    print(f"seed {seed}", flush=True)
    doors = [(module, door) for module, table in _doors.DOORS.items() if module != "host" for door in table]
    while count < LEAST or time.monotonic() < end:
        module, door = doors[rng.integers(len(doors))]
        takes = _doors.DOORS[module][door]
        sizes = sizes_of(module, takes, rng)
        nnlite.set_num_threads(THREADS)  # which conv2d.work_size depends on
        for values, forms in calls(module, takes, sizes, rng):
            found = []
            for threads in (1, THREADS):
                nnlite.set_num_threads(threads)
                arguments = dict(zip(values, copies(values.values()), strict=True))
                result = getattr(getattr(backend(), module), door)(*arguments.values())
                found.append((result if "work_size" not in door else None, [*outputs(arguments, forms)]))
            if found[0] != found[1]:
                raise SystemExit(f"{module}.{door}: other bits on {THREADS} threads: sizes {sizes}, seed {seed}")
            count += 1
    print(f"{count} calls of {len(doors)} doors: the same bits on 1 and {THREADS if host.has_openmp() else 1} threads")


if __name__ == "__main__":
    main(*sys.argv[1:2], *map(int, sys.argv[2:]))

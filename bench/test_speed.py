"""nnlite's part of all work, under pytest-benchmark: `make bench`."""

import pytest
from work import all_works, set_threads

CASES = {
    f"{family}: {w.name}, {n} thread{'s' * (n > 1)}": (w, n)
    for (family, _), w in all_works().items()
    for n in w.threads
}


@pytest.mark.parametrize(("work", "threads"), CASES.values(), ids=CASES)
def test_speed(benchmark, work, threads):
    set_threads(threads)
    run = work.contestants["nnlite"]()
    run()
    benchmark.group = work.name
    benchmark(run)

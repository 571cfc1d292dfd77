"""Run nnlite's part of all work in the bench_*.py files under pytest-benchmark: `make bench`."""


def pytest_generate_tests(metafunc):
    if "work" in metafunc.fixturenames:
        cases = [(work, n) for work in metafunc.module.WORKS for n in work.threads]
        ids = [f"{work.name}, {n} thread{'s' * (n > 1)}" for work, n in cases]
        metafunc.parametrize(("work", "threads"), cases, ids=ids)

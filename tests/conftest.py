"""What all tests share: helpers of tests/ that assert, and the cases of classes that list them."""

import gc
import os
import signal

import pytest
from hypothesis import settings

# There is a process of tests for each core. Threads in each would wait for one another, and take the cores from those
# that they wait for: beside busy processes NumPy's QR of 800 x 200 took 3 s instead of 0.02, and a training by the
# command 1.4 times the work. So there is one, in PyTorch and in what tests start, too, unless a test asks for more.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from nnlite import machine
from nnlite.kernels import why_reference

pytest.register_assert_rewrite("chain", "numeric", "recurrent")

# How many examples hypothesis draws where a test does not say: for `make test`, for `make test-portable`, where the C
# is compiled for another CPU, and for `make test-long`. No test has a deadline, as tests share the cores. With CI set
# hypothesis draws the same examples each time.
settings.register_profile("nnlite", settings.default, max_examples=200, deadline=None)
settings.register_profile("portable", settings.default, max_examples=50, deadline=None)
settings.register_profile("long", settings.default, max_examples=5000, deadline=None)
settings.load_profile("nnlite")

# A shell starts what it runs in the background with Ctrl-C ignored, and so would be what the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Let Python look for garbage among tens of thousands of tests neither while it collects them nor later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_generate_tests(metafunc):
    """A test with an argument `case` runs once for each of its class' cases; `small_case` leaves out the large."""
    cases = getattr(metafunc.cls, "cases", ())
    for argument, values in {"case": cases, "small_case": [c for c in cases if not c.large]}.items():
        if argument in metafunc.fixturenames:
            metafunc.parametrize(argument, values, ids=[c.name for c in values])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Where nnlite runs on NumPy, a test that asks for the compiled kernels is left out."""
    try:
        return (yield)
    except ImportError as error:
        if why_reference and str(error).startswith("use_backend: 'compiled'"):
            pytest.skip(f"it is about the compiled kernels: {error}")
        raise


def pytest_report_header():
    """Which kernels the tests speak of, and which sources they do not."""
    lines = [f"nnlite {name}: {value}" for name, value in machine.describe().items() if name in ("kernels", "threads")]
    if stale := machine.stale_kernels():
        lines.append(f"nnlite: edited after the kernels were compiled: {', '.join(stale)}. Compile them: make build")
    return lines


@pytest.fixture
def nnlite_command(capsys):
    """Runs the command in this process; returns exit code, standard output, standard error."""

    from nnlite.cli import main

    def run(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main([*map(str, arguments)])
        return exit_.value.code or 0, *capsys.readouterr()

    return run


@pytest.fixture
def blank_pictures(monkeypatch):
    """Pictures with nothing in them, for tests of commands that are to do something else: drawing takes the longest."""
    blank = {"png": b"\x89PNG", "svg": b'<svg viewBox="0 0 1 1"></svg>'}
    monkeypatch.setattr("nnlite.plot.canvas._draw", lambda *_, format, **__: blank[format])


@pytest.fixture
def one_thread():
    """Kernels in one thread, for long trainings: the bits are the same, and no thread waits for cores that are busy."""
    from chain import threads

    with threads(1):
        yield


@pytest.fixture(scope="session")
def chromium():
    """One browser for all tests of pages: Playwright takes no second one beside it."""
    import browser

    with browser.chromium() as started:
        yield started

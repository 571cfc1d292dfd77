"""All tests, collected once: for each mutant a process is forked in which its code takes the place of the old one.

So a mutant costs no more than its tests. Where that cannot be, as at a module's top level or in a class's body, which
ran when it was imported, `patched` says so, and a new process has to import the file as it is then.
"""

import functools
import gc
import inspect
import json
import math
import os
import random
import resource
import time
import traceback
import types
from pathlib import Path

import pytest

HANGS = 120  # seconds of one test: none takes half of it
MEMORY = 12 << 30  # bytes of addresses for a process: a wrong size may ask for more than there is


def inner_codes(code):
    """A module's code and all that is in it: functions, and the bodies of classes."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from inner_codes(constant)


def own(code):
    """What a code object does itself, without the functions that it makes."""
    constants = [repr(c) for c in code.co_consts if not isinstance(c, types.CodeType)]
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars


def patched(path: str, old: str, new: str) -> dict | None:
    """The code of a file's functions in two versions, old to new; None if it is not only functions that change."""
    codes = [[*inner_codes(compile(text, path, "exec"))] for text in (old, new)]
    if len(codes[0]) != len(codes[1]):
        return None
    changed = [(a, b) for a, b in zip(*codes, strict=True) if own(a) != own(b)]
    is_function = all(a.co_flags & inspect.CO_NEWLOCALS and a.co_freevars == b.co_freevars for a, b in changed)
    return dict(zip(*codes, strict=True)) if changed and is_function else None


def runs_at_import(codes: dict) -> bool:
    """Whether a function that changes may have run when a module was imported: its name is in one's top level."""
    changed = {old.co_name for old, new in codes.items() if own(old) != own(new)}
    return bool(changed & _names_at_import())


@functools.cache
def _names_at_import():
    files = Path(__file__).parents[2].glob("nnlite/**/*.py")
    codes = [code for file in files for code in inner_codes(compile(file.read_text("utf-8"), file, "exec"))]
    return {name for code in codes if not code.co_flags & inspect.CO_NEWLOCALS for name in code.co_names}


def patch(codes: dict) -> None:
    gc.unfreeze()  # what tests/conftest.py froze is not among the objects
    for thing in gc.get_objects():
        if type(thing) is types.FunctionType and thing.__code__ in codes:  # asking some for their class warns
            thing.__code__ = codes[thing.__code__]
    gc.freeze()


class Suite:
    """A plugin of pytest: instead of running the tests it waits for requests, a line of JSON each.

    It answers in lines, too: which test begins, which fails, and that all have ended.
    """

    def __init__(self, requests: int, answers: int) -> None:
        self.requests, self.answers = requests, answers

    def say(self, *words):
        os.write(self.answers, (" ".join(map(str, words)) + "\n").encode())

    def pytest_collectreport(self, report):
        if report.failed:
            self.say("fails", report.nodeid or "the collection")

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.say("fails", report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        items = {item.nodeid: item for item in session.items}
        files = {}
        for name in items:
            files.setdefault(name.partition("::")[0], []).append(name)
        for names in files.values():  # the sooner one of many fails
            random.Random(0).shuffle(names)
        self.say("ready")
        for line in open(self.requests, closefd=False):  # noqa: SIM115
            request = json.loads(line)
            process = os.fork()
            if process == 0:
                code = 1
                try:
                    names = [name for test in request["tests"] for name in files.get(test, [test])]
                    self.run([items[name] for name in dict.fromkeys(names) if name in items], request)
                    code = 0
                except BaseException:
                    traceback.print_exc()
                finally:
                    os._exit(code)
            self.say("process", process)
            self.say("ends", os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
        os._exit(0)

    def run(self, items, request):
        os.setpgid(0, 0)
        from nnlite import kernels

        kernels._threads._is_forked = False  # no kernel has run yet: there were no threads to lose
        if "file" in request:
            patch(patched(request["file"], request["old"], request["new"]))
        failed, request["seconds"] = 0, time.process_time() + request.get("seconds", math.inf)
        for item, following in zip(items, [*items[1:], None], strict=True):
            if time.process_time() > request["seconds"]:
                return
            os.kill(request["worker"], 0)  # an error where who asked has ended
            limit = int(time.process_time()) + HANGS
            resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
            self.say("begins", item.nodeid)
            before = item.session.testsfailed
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            failed += item.session.testsfailed > before
            if failed >= request["at_most"]:
                return

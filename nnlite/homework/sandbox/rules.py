"""What graded code may import and do, said in sentences: a finder of modules, and a hook for Python's audit events.

These explain; what a program gets past by tricks, the kernel forbids where it can (kernel.py). The child finds this
module without nnlite.
"""

import importlib.abc
import os
import sys
from collections.abc import Collection, Iterable
from typing import NoReturn

REFUSED = {
    "asyncio", "concurrent", "ctypes", "_ctypes", "faulthandler", "fcntl", "ftplib", "http", "imaplib", "mmap",
    "multiprocessing", "_multiprocessing", "_posixsubprocess", "pdb", "poplib", "pty", "resource", "select",
    "selectors", "shutil", "signal", "site", "smtplib", "socket", "_socket", "socketserver", "sqlite3", "ssl", "_ssl",
    "subprocess", "telnetlib", "tempfile", "urllib", "venv", "webbrowser", "xmlrpc",
}  # fmt: skip
NEVER = {"ctypes", "_ctypes", "mmap"}  # what they do at once is forbidden
ANSWERS = {"autograd", "flax", "jax", "keras", "mxnet", "nnlite", "tensorflow", "tinygrad", "torch", "theano"}

# What a program wants, by the beginnings of audit events.
WISHES = {
    "call C functions": "ctypes.",
    "start a program": "os.exec os.posix_spawn os.spawn os.startfile os.system pty. subprocess.",
    "start a process": "os.fork",
    "send signals": "os.kill os.killpg signal.pthread_kill",
    "use the network": "socket.",
    "watch Python": "sys.addaudithook sys.settrace sys.setprofile",
    "change files": "os.chmod os.chown os.link os.mkdir os.remove os.rename os.rmdir os.symlink os.truncate os.utime "
    "shutil.",
    "go to another folder": "os.chdir",
    "write files": "tempfile.",
    "map files": "mmap.",
    "read the registry": "winreg.",
}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
READERS = {"open", "os.listdir", "os.scandir", "os.walk", "glob.glob"}


class Imports(importlib.abc.MetaPathFinder):
    """The first finder: it refuses, and leaves all else to the next.

    What NumPy and Python's own modules import is their affair: `from numpy import *` imports subprocess on its way.
    """

    def __init__(self, own: Collection[str], libraries: tuple[str, ...]) -> None:
        self.own, self.libraries = own, libraries

    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in ANSWERS:
            raise ImportError(f"graded code may not import {top}: it would be {top}'s answer, and no longer yours")
        if top not in NEVER and self._is_for_a_library():
            return None
        if top in REFUSED:
            raise ImportError(f"graded code may not import {top}: it needs numpy and arithmetic alone")
        if top not in self.own and top != "numpy" and top not in sys.stdlib_module_names:
            raise ImportError(f"graded code may import numpy, Python's own modules and your own files, and not {top}")
        return None

    def _is_for_a_library(self):
        """Whether the import stands in a file of a library."""
        frame = sys._getframe(2)
        while "importlib" in frame.f_code.co_filename and frame.f_back:
            frame = frame.f_back
        return frame.f_code.co_filename.startswith(self.libraries)


def keep(readable: Iterable[str], own: Collection[str]) -> None:
    """Apply the rules, for good: files below `readable` may be read, and the modules `own` are the student's."""
    for name in list(sys.modules):
        if name.partition(".")[0] in REFUSED:
            del sys.modules[name]
    libraries = tuple(os.path.dirname(str(sys.modules[name].__file__)) for name in ("os", "numpy"))
    sys.meta_path.insert(0, Imports(own, libraries))
    folders = tuple(os.path.realpath(path) for path in readable)
    real, separator, forbidding = (
        os.path.realpath,
        os.sep,
        tuple((tuple(starts.split()), wish) for wish, starts in WISHES.items()),
    )

    def hook(event, args):
        if event in READERS:
            path, mode = args[0], args[1] if event == "open" and len(args) > 1 else "r"
            flags = args[2] if event == "open" and len(args) > 2 else 0
            if isinstance(path, int):
                if path > 2:
                    _refuse("open files by number")
                return
            if (isinstance(mode, str) and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & WRITING):
                _refuse("write files")
            place = real(os.fsdecode(path)) if path is not None else real(".")
            if not any(place == folder or place.startswith(folder + separator) for folder in folders):
                _refuse("read files of others")
            return
        for starts, wish in forbidding:
            if event.startswith(starts):
                _refuse(wish)

    sys.addaudithook(hook)


def _refuse(wish) -> NoReturn:
    raise PermissionError(f"graded code may not {wish}: it needs its arguments alone")

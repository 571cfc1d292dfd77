"""Limits that keep the kernels' sources readable: how many arguments a function takes.

What belongs together travels in a struct, whose lines say what each size is.
"""

import re
from pathlib import Path

import pytest

CSRC = Path(__file__).parent.parent / "csrc"
FILES = sorted(path for path in CSRC.glob("*") if path.suffix in (".pyx", ".pxd", ".h"))
pytestmark = pytest.mark.skipif(not FILES, reason="an installed nnlite has no csrc/")

DOOR, FUNCTION = 14, 10  # arguments, at most: of a kernel's `def`, and of all else

# Where a function is defined or declared, up to the parenthesis.
EXTERN = re.compile(r"^cdef extern .*\n((?: .*\n|\n)*)", re.MULTILINE)
DECLARATION = re.compile(r"^    (?!ctypedef)\w[\w *]*?(\w+)(?: \"\w+\" ?)?\(", re.MULTILINE)
CDEF = re.compile(r"^ *cdef (?!extern)[^=(\n]*?(\w+)\(", re.MULTILINE)
DOOR_OF_KERNEL = re.compile(r"^ *def (\w+)\(", re.MULTILINE)
C = re.compile(r"^(?!typedef)\w[\w *]*?\b(?:TYPED\((\w+)\)|(\w+))\(", re.MULTILINE)
MACRO = re.compile(r"^# *define (\w+)\(", re.MULTILINE)


def arguments(text, start):
    """The arguments from `start`, behind a parenthesis, to the one that closes it."""
    found, depth = [""], 0
    for letter in text[start:]:
        depth += (letter in "([{") - (letter in ")]}")
        if depth < 0:
            break
        if letter == "," and depth == 0:
            found.append("")
        else:
            found[-1] += letter
    return [argument.strip() for argument in found if argument.strip() not in ("", "void")]


def functions(source, suffix):
    """(name, arguments, whether it is a door) of each function and macro in a file's text."""
    if suffix == ".h":
        text = re.sub(r"/[*].*?[*]/", "", source, flags=re.DOTALL)
        text = re.sub(r"^__attribute__\(\(.*\)\) ", "", text, flags=re.MULTILINE)
        parts = [(text, C), (text, MACRO)]
    else:
        text = re.sub(r'""".*?"""', "", source, flags=re.DOTALL)
        text = re.sub(r"#.*", "", text)
        parts = [(part, DECLARATION) for part in EXTERN.findall(text)]
        parts += [(text, CDEF), (text, DOOR_OF_KERNEL)]
    return [
        (next(filter(None, match.groups())), arguments(part, match.end()), pattern is DOOR_OF_KERNEL)
        for part, pattern in parts
        for match in pattern.finditer(part)
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_function_takes_more_arguments_than_one_can_keep_apart(path):
    found = functions(path.read_text(encoding="utf-8"), path.suffix)
    too_many = [f"{name}: {len(args)}" for name, args, door in found if len(args) > (DOOR if door else FUNCTION)]
    assert not too_many, f"{path.name}: {', '.join(too_many)}: let sizes travel in a struct"


def test_functions_of_cython_are_found():
    source = """
cdef extern from "typed.h" nogil:
    ctypedef struct Tile:
        int rows
    void tile(const Tile *t, const void *a,
              void *c) noexcept

    double exp "exp_of" (double x) noexcept

cdef inline const floating *laid_out(const Repeated *p,  # (with, a, comment)
                                     floating[:, ::1] W) noexcept nogil:
    cdef Tile t = Tile(1, 2)
    for i in range(1, 2):
        tile(1, 2)

def forward(x, const floating[:, :, ::1] y,
            floating[::1] work):
    return tile(1, 2)
"""
    found = [(name, len(args), door) for name, args, door in functions(source, ".pyx")]
    assert found == [("tile", 3, False), ("exp", 1, False), ("laid_out", 2, False), ("forward", 3, True)]


def test_functions_of_c_are_found():
    source = """
/* int in_a_comment(int a); */
#define BY_TYPE(x, name) _Generic((x), float: name##_f32)
typedef REAL TYPED(vector) __attribute__((vector_size(BYTES)));
INLINE void TYPED(tile_of)(const int rows, const Tile *t,
                           REAL *c)
{
    UNROLL for (int i = 0; i < rows; i++)
        memcpy(a, b, c);
}
static inline float sigmoid_f32(float x) { return x; }
__attribute__((visibility("hidden"))) void wrapped(void (*loop)(void *), void *data) { }
static const char *nothing(void) { return ""; }
"""
    found = {name: len(args) for name, args, _ in functions(source, ".h")}
    assert found == {"BY_TYPE": 2, "tile_of": 3, "sigmoid_f32": 1, "wrapped": 2, "nothing": 0}


def test_a_function_of_eleven_arguments_is_too_many():
    args = ", ".join("abcdefghijk")
    for source, suffix in ((f"cdef void f({args}):", ".pxd"), (f"static void TYPED(f)({args})\n", ".h")):
        ((_, found, door),) = functions(source, suffix)
        assert len(found) == 11 > FUNCTION
        assert not door

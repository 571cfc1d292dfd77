"""What a mutant is, and all that can be made of a Python file, of Cython, and of a C header.

A mutant replaces a few bytes of one file: an operator by its neighbour, a number by the next one, two arguments by each
other, a call by nothing. Nothing that a program only says or declares is changed: no string, annotation or assertion,
and no message of an error.
"""

import ast
import itertools
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """The bytes start .. end of a file, replaced."""

    path: str
    start: int
    end: int
    new: bytes
    line: int

    def apply(self, text: bytes) -> bytes:
        return text[: self.start] + self.new + text[self.end :]

    def lines_of(self, text: bytes) -> tuple[str, ...]:
        """The lines that change, before and after: without their number, which other changes move."""
        first, last = text.rfind(b"\n", 0, self.start) + 1, text.find(b"\n", self.end)
        before, after = text[first:last], text[first : self.start] + self.new + text[self.end : last]
        return tuple(" ".join(part.decode().split()) for part in (before, after))


def mutants_of(root: Path, path: str) -> list[Mutant]:
    """All mutants of a file, in the order in which they stand in it."""
    text = (root / path).read_bytes()
    return sorted(set((_of_python if path.endswith(".py") else _of_kernel)(path, text)), key=repr)


OPERATORS = {
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "/"), ast.Div: ("/", "*"), ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"), ast.Pow: ("**", "*"), ast.LShift: ("<<", ">>"), ast.RShift: (">>", "<<"),
    ast.BitAnd: ("&", "|"), ast.BitOr: ("|", "&"), ast.BitXor: ("^", "|"),
    ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">"), ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="), ast.Is: ("is", "is not"), ast.IsNot: ("is not", "is"), ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"), ast.And: ("and", "or"), ast.Or: ("or", "and"),
}  # fmt: skip

# Calls whose arguments have no other order: it would be an error of Python's, or the same.
ONE_ORDER = {"isinstance", "issubclass", "getattr", "hasattr", "setattr", "cast"}
ANY_ORDER = {"max", "min", "maximum", "minimum", "gcd", "array_equal", "shares_memory", "may_share_memory"}

# Options that change nothing here: text is UTF-8 by default, and `strict` holds by construction.
NO_MATTER = {"encoding", "strict", "stacklevel", "category"}


class _of_python(ast.NodeVisitor):
    def __init__(self, path, text):
        self.path, self.text, self.mutants, self.equal = path, text, [], set()
        self.starts = [0, *itertools.accumulate(len(line) + 1 for line in text.split(b"\n"))]
        self.visit(ast.parse(text))

    def __iter__(self):
        return iter(self.mutants)

    def at(self, node):
        return self.starts[node.lineno - 1] + node.col_offset, self.starts[node.end_lineno - 1] + node.end_col_offset

    def add(self, start, end, new):
        new = new if isinstance(new, bytes) else new.encode()
        new += b"\n" * (self.text.count(b"\n", start, end) - new.count(b"\n"))  # what follows stays in its line
        self.mutants.append(Mutant(self.path, start, end, new, self.text.count(b"\n", 0, start) + 1))

    def between(self, left, right, op):
        """The operator between two operands."""
        old, new = OPERATORS.get(type(op), (None, None))
        if old:
            start, end = self.at(left)[1], self.at(right)[0]
            gap = re.sub(rb"#[^\n]*", lambda comment: b" " * len(comment[0]), self.text[start:end])
            start += gap.index(old.encode())
            self.add(start, start + len(old), new)

    def swap(self, first, second):
        (a, b), (c, d) = self.at(first), self.at(second)
        if self.text[a:b] != self.text[c:d]:
            self.add(a, d, self.text[c:d] + self.text[b:c] + self.text[a:b])

    # What is left alone.

    def visit_JoinedStr(self, node):
        pass

    visit_Assert = visit_Raise = visit_JoinedStr

    def visit_FunctionDef(self, node):
        for part in (*node.args.defaults, *node.args.kw_defaults, *node.body):
            if part is not None:
                self.visit(part)

    def visit_ClassDef(self, node):
        for statement in node.body:
            self.visit(statement)

    def visit_AnnAssign(self, node):
        if node.value is not None:
            self.visit(node.value)

    # What is changed.

    def visit_Assign(self, node):
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets):
            return
        for part in (*node.targets, node.value):
            elements = part.elts if isinstance(part, ast.Tuple) else []
            if all(isinstance(element, ast.Name | ast.Attribute | ast.Call) for element in elements):
                for pair in itertools.pairwise(elements):
                    self.swap(*pair)
        self.generic_visit(node)

    def visit_If(self, node):
        if "TYPE_CHECKING" in ast.unparse(node.test):
            return
        for statement in (*node.body, *node.orelse):
            if isinstance(statement, ast.Raise):
                self.add(*self.at(statement), "pass")
        self.generic_visit(node)

    def visit_Expr(self, node):
        if isinstance(node.value, ast.Constant):
            return  # a docstring
        if isinstance(node.value, ast.Call):
            self.add(*self.at(node), "pass")
        self.generic_visit(node)

    def visit_BinOp(self, node):
        self.between(node.left, node.right, node.op)
        self.generic_visit(node)

    def visit_BoolOp(self, node):
        for pair in itertools.pairwise(node.values):
            self.between(*pair, node.op)
        self.generic_visit(node)

    def visit_Compare(self, node):
        for (left, right), op in zip(itertools.pairwise([node.left, *node.comparators]), node.ops, strict=True):
            self.between(left, right, op)
        self.generic_visit(node)

    def visit_AugAssign(self, node):
        self.between(node.target, node.value, node.op)
        self.generic_visit(node)

    def visit_UnaryOp(self, node):
        if not isinstance(node.op, ast.UAdd):
            start, _ = self.at(node)
            self.add(start, start + (3 if isinstance(node.op, ast.Not) else 1), "")
        self.generic_visit(node)

    def visit_Break(self, node):
        self.add(*self.at(node), "continue")

    def visit_Continue(self, node):
        self.add(*self.at(node), "break")

    def visit_Constant(self, node):
        if node in self.equal:
            return
        if isinstance(node.value, bool):
            self.add(*self.at(node), str(not node.value))
        elif isinstance(node.value, int):
            self.add(*self.at(node), str(node.value + 1))
        elif isinstance(node.value, float):
            self.add(*self.at(node), repr(2 * node.value or 1.0))

    def visit_Call(self, node):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name == "TypeVar":
            return  # an annotation
        if name == "reshape":  # -2 is as good as -1
            signs = (part for part in ast.walk(node) if isinstance(part, ast.UnaryOp))
            self.equal |= {sign.operand for sign in signs if isinstance(sign.op, ast.USub)}
        if name not in ONE_ORDER | ANY_ORDER and not any(isinstance(arg, ast.Starred) for arg in node.args):
            for pair in itertools.pairwise(node.args):
                self.swap(*pair)
        for keyword in node.keywords:
            if keyword.arg and keyword.arg not in NO_MATTER:
                start, end = self.at(keyword)
                before = self.text[:start].rstrip()
                if before.endswith(b","):
                    self.add(len(before) - 1, end, "")
                else:
                    self.add(start, end + len(re.match(rb"(,\s*)?", self.text[end:])[0]), "")
        self.generic_visit(node)


# Cython and C, formatted as the linters want them: a binary operator has a space on both sides, a pointer's star not.
NEIGHBOURS = {
    b"+": b"-", b"-": b"+", b"*": b"+", b"/": b"*", b"<": b"<=", b"<=": b"<", b">": b">=", b">=": b">", b"==": b"!=",
    b"!=": b"==", b"&&": b"||", b"||": b"&&", b"+=": b"-=", b"-=": b"+=", b"and": b"or", b"or": b"and",
    b"min": b"max", b"max": b"min", b"True": b"False", b"False": b"True",
}  # fmt: skip
TOKENS = [
    (rb"(?<= )([-+*/<>]|[-+<>=!]=|&&|\|\||and|or)(?= )", NEIGHBOURS.__getitem__),
    (rb"\b(min|max|True|False)\b(?=[\s(),:])", NEIGHBOURS.__getitem__),
    (rb"(?:(?<=[(\[=,] )|(?<=[(\[]))(-|not )(?=\w)", lambda sign: b""),
    (rb"(?<![\w.:])(\d+)(?![\w.])", lambda number: str(int(number) + 1).encode()),
    (rb"(?<=[(,])(?: ?)(\w+, \w+)(?=[,)])", lambda names: b", ".join(reversed(names.split(b", ")))),
]

# Where only the speed changes: what is fetched early, how many threads share the work, where a loop is unrolled.
SPEED = re.compile(rb"prefetch|threads|schedule|UNROLL|__attribute__|__builtin_expect|aligned|PACK_AHEAD")
DECLARATION = re.compile(rb"\s*(#|cimport |from |import |ctypedef |cdef extern|typedef |@|def )")
COMMENT = {True: rb"/\*.*?\*/|//[^\n]*", False: rb'""".*?"""|#[^\n]*'}


def _of_kernel(path, text):
    """The mutants of a .pyx, .pxd or .h, found in its text without comments, strings and declarations."""
    silent = COMMENT[path.endswith(".h")] + rb'|"[^"\n]*"'
    code = re.sub(silent, lambda match: re.sub(rb"[^\n]", b" ", match[0]), text, flags=re.DOTALL)
    start, extern, speed = 0, False, 0
    for number, line in enumerate(code.split(b"\n"), 1):
        extern = line.startswith(b"cdef extern") or (extern and (not line.strip() or line.startswith(b"    ")))
        if speed > 0 or SPEED.search(line):  # up to the parenthesis that closes it
            speed += line.count(b"(") - line.count(b")")
        elif not (extern or DECLARATION.match(line)):
            for pattern, becomes in TOKENS:
                for match in re.finditer(pattern, line):
                    if b", " not in match[1] or _is_swap(line[: match.start(1)], *match[1].split(b", ")):
                        at = start + match.start(1), start + match.end(1)
                        yield Mutant(path, *at, becomes(match[1]), number)
        start += len(line) + 1


def _is_swap(before, first, second):
    """Whether two names behind a text are arguments, and their order is not indifferent."""
    is_call = before.count(b"(") > before.count(b")")
    return is_call and first != second and not re.search(rb"\b(?:max|min|MAX|MIN)\($", before)

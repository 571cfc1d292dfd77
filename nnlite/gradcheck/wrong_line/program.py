"""The text of a program with a call after each assignment, which sees what a line computes and may replace it.

    df = dc * c          df = dc * c
                         df = _watch(0, df, locals())

Site 0 is that line, with its variable df.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

WATCH = "_watch"
ADDERS, TAKERS = {"append", "appendleft", "insert"}, {"pop", "popleft"}  # methods of lists
MAKERS = {"copy", "empty", "empty_like", "full", "full_like", "ones", "ones_like", "zeros", "zeros_like"}


@dataclass(frozen=True)
class Site:
    """A place where a result is made.

    Attributes:
        line: its number.
        name: of the variable; "return" for what a function returns.
        function: around it.
        reads: the names in what it is made from.
        is_parameter: whether it is what the function was given.
        in_place: whether the array itself is changed, which others may see, too.
        moves: names of arrays that are given to a function as they are, such as one that chooses or joins.
        is_copy: whether it only makes an array, which is to be changed later on.
        returns: the variable that is returned as it is.
        takes: the variable of which this is a part, such as a list.
        is_kept: whether it becomes a part of a tuple, list or dict, which has the name.
        is_loop: whether it is what a loop goes through.
    """

    line: int
    name: str
    function: str
    reads: frozenset[str] = frozenset()
    is_parameter: bool = False
    in_place: bool = False
    moves: frozenset[str] = frozenset()
    is_copy: bool = False
    returns: str = ""
    takes: str = ""
    is_kept: bool = False
    is_loop: bool = False


@dataclass
class Program(ast.NodeTransformer):
    """Functions, their sites, and what the variables of their loops go through."""

    sites: list[Site] = field(default_factory=list)
    loops: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    function: str = ""
    tests: frozenset[str] = frozenset()  # the conditions around a line

    @classmethod
    def of(cls, texts: Iterable[tuple[str, int]]) -> tuple["Program", str]:
        """The program of some texts, each with the number of its first line, and its text with the calls."""
        program = cls()
        trees = [program.visit(ast.increment_lineno(ast.parse(text), first - 1)) for text, first in texts]
        return program, "\n".join(ast.unparse(ast.fix_missing_locations(tree)) for tree in trees)

    def sources(self, k: int) -> list[int]:
        """The sites of what a line computes with: of its variables, and of the functions that it calls."""
        site = self.sites[k]
        if site.is_parameter:
            calls = [other for other in self.sites if site.function in other.reads and other.function != site.function]
            return sorted({j for other in calls for j in self._read(other) if self.sites[j].function == other.function})
        return self._read(site)

    def _read(self, site):
        names, todo = set[str](), list(site.reads)
        while todo:
            if (name := todo.pop()) not in names:
                names.add(name)
                todo += self.loops.get((site.function, name), ())
        return [
            j for j, other in enumerate(self.sites)
            if (other.name in names and other.line != site.line if other.function == site.function
                else other.function in names)
        ]  # fmt: skip

    def visit_FunctionDef(self, node):
        before, self.function = self.function, node.name
        names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        head = [self._after(node, ast.Name(name), frozenset(), is_parameter=True) for name in names]
        first = ast.get_docstring(node) is not None
        self.generic_visit(node)
        node.body[first:first] = head
        self.function = before
        return node

    def visit_Lambda(self, node):
        return node

    def visit_For(self, node):
        for name in _names(node.target):
            self.loops[self.function, name] = self.loops.get((self.function, name), frozenset()) | _names(node.iter)
        head = [self._after(node, ast.Name(name), _names(node.iter), is_loop=True) for name in _names(node.target)]
        self.generic_visit(node)
        node.body[:0] = head
        return node

    def visit_If(self, node):
        if not self.function:  # if __name__ == "__main__"
            return self.generic_visit(node)
        before, name = self.tests, f"if, line {node.lineno}"
        node.test = self._call(node, name, ast.Call(ast.Name("bool"), [node.test], []), _names(node.test))
        self.tests |= {name}
        self.generic_visit(node)
        self.tests = before
        return node

    def visit_Assign(self, node):
        pairs = [pair for target in node.targets for pair in _pairs(target, node.value)]
        if self.function and all(value is node.value for _, value in pairs):
            node.value = self._kept(node, _root(node.targets[0]), node.value)
        return [node, *(call for part, value in pairs for call in self._assigned(node, part, value))]

    def visit_AnnAssign(self, node):
        return [node, *self._assigned(node, node.target, node.value)] if node.value else node

    def visit_AugAssign(self, node):
        return [node, *self._assigned(node, node.target, node.value, in_place=True)]

    def visit_Expr(self, node):
        """A call may write into its arguments; a list takes them."""
        function = getattr(node.value, "func", None)
        if self.function and isinstance(function, ast.Attribute) and function.attr in ADDERS:
            node.value.args = [self._kept(node, _root(function.value), part, True) for part in node.value.args]
            return node
        arguments = node.value.args if isinstance(node.value, ast.Call) else []
        written = [argument for argument in arguments if isinstance(argument, ast.Name)]
        return [node, *(self._after(node, name, _names(node.value) - {name.id}, in_place=True) for name in written)]

    def visit_Return(self, node):
        if isinstance(node.value, ast.Tuple | ast.List):
            node.value.elts = [self._returned(node, value) for value in node.value.elts]
        elif isinstance(node.value, ast.Dict):
            node.value.values = [self._returned(node, value) for value in node.value.values]
        elif node.value:
            node.value = self._returned(node, node.value)
        return node

    def _kept(self, node, name, value, is_part=False):
        """The parts of a tuple, list or dict: sites with the name of what keeps them."""
        if isinstance(value, ast.Tuple | ast.List):
            value.elts = [self._kept(node, name, part, is_part=True) for part in value.elts]
        elif isinstance(value, ast.Dict):
            value.values = [self._kept(node, name, part, is_part=True) for part in value.values]
        elif is_part and not isinstance(value, ast.Starred | ast.Constant):
            return self._call(node, name, value, _names(value), is_kept=True)
        return value

    def _returned(self, node, value):
        returns = value.id if isinstance(value, ast.Name) else ""
        return self._call(node, "return", value, _names(value), returns=returns, **_kind(value))

    def _assigned(self, node, target, value, in_place=False):
        """Of dz[t] = ... both this part and all of dz."""
        name, is_part = _root(target), isinstance(target, ast.Subscript)
        reads = (_names(value) | _names(target) - {name}) | ({name} if in_place else set())
        yield self._after(node, target, reads, in_place=in_place and not is_part, **_kind(value))
        if is_part:
            yield self._after(node, ast.parse(name, mode="eval").body, reads | {name}, in_place=True, **_kind(value))

    def _after(self, node, target, reads, **kind):
        text = ast.unparse(target)
        if not self.function:
            return ast.Pass()
        watched = self._call(node, _root(target), ast.parse(text, mode="eval").body, reads, **kind)
        return ast.parse(f"{text} = {ast.unparse(watched)}").body[0]

    def _call(self, node, name, value, reads, **kind):
        self.sites.append(Site(node.lineno, name, self.function, reads | self.tests, **kind))
        return ast.Call(
            ast.Name(WATCH), [ast.Constant(len(self.sites) - 1), value, ast.Call(ast.Name("locals"), [], [])], []
        )


def _names(node):
    return frozenset(part.id for part in ast.walk(node) if isinstance(part, ast.Name))


def _kind(value):
    found: dict[str, Any] = {"takes": _taken(value)}
    if isinstance(value, ast.Call):
        found["moves"] = frozenset(part.id for part in value.args if isinstance(part, ast.Name))
        found["is_copy"] = isinstance(value.func, ast.Attribute) and value.func.attr in MAKERS
    return found


def _taken(value):
    """The variable of which a value is a part: cache, of cache[t] and of cache.pop()."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in TAKERS:
        value = value.func.value
    while isinstance(value, ast.Subscript):
        value = value.value
    return value.id if isinstance(value, ast.Name) else ""


def _pairs(target, value):
    """The single targets of an assignment, each with what it is computed from."""
    if isinstance(target, ast.Starred):
        target = target.value
    if not isinstance(target, ast.Tuple | ast.List):
        return [] if isinstance(target, ast.Name) and target.id == "_" else [(target, value)]
    is_alike = isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts)
    values = value.elts if is_alike else [value] * len(target.elts)
    return [pair for part, of_part in zip(target.elts, values, strict=True) for pair in _pairs(part, of_part)]


def _root(target):
    """The variable that is written into: dz, of dz[t]."""
    while isinstance(target, ast.Subscript):
        target = target.value
    return ast.unparse(target)

"""A walk along the nodes of an ONNX graph, which becomes a chain of layers on the way.

ONNX has images as (N, C, H, W), and sequences as (T, N, F); nnlite's are (N, H, W, C) and (N, T, F). So a value on the
way is known by which of nnlite's axes each of its axes is. That of the input is open at first: the first node that
wants its axes in an order decides. A Transpose is no layer then, it only changes what is known.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from nnlite import AvgPool2D, Bidirectional, Conv2D, MaxPool2D, Reshape, TimeDistributed, ZeroPadding2D

from .onnx_fused import with_gelus

# What comes of a node that ONNX would not allow, or whose sizes do not fit.
MALFORMED = ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError
LARGEST = 2**26  # numbers in an array that is computed here: a file of a few bytes may ask for any number


class Refused(Exception):
    """Why a node is no layer of nnlite."""


class Value(NamedTuple):
    """What the layers so far give.

    Attributes:
        axes: of each axis, which one of nnlite's it is; "D" is that of the directions of a recurrent layer, "L" that of
            several layers, "R" that of the repetitions to come. While the order of the input's is open, its own axes.
        dims: the size of each of nnlite's axes, the batch first: numbers, or names of those that vary.
        at: how many layers there were.
        is_ids: whether it holds integers.
        order: after a Flatten of other axes than nnlite's, which of nnlite's features each one is.
        steps: the first two sizes, N and T, where they are one axis: each step is an example.
    """

    axes: tuple[Any, ...]
    dims: tuple[Any, ...]
    at: int
    is_ids: bool = False
    order: np.ndarray | None = None
    steps: tuple[Any, Any] | None = None


class Side(NamedTuple):
    """What comes from another input, such as an initial state.

    Attributes:
        kind: "input"; "zeros", of a size that is known at run time alone; or "computed".
    """

    kind: str


# What a recurrent layer keeps after its last step; of a node that was refused; what else a node tells.
STATE, LOST, LEFT_OUT = Side("state"), Side("lost"), Side("left out")


def floats(x: Value) -> Value:
    """x, unless it is ids."""
    if x.is_ids:
        raise Refused("it computes with integers: expected ids to go into Gather or OneHot")
    return x


KEEP = {
    "Squeeze",
    "Unsqueeze",
    "Expand",
    "Concat",
    "Transpose",
    "Identity",
    "Cast",
    "Slice",
    "Gather",
    "Reshape",
    "Min",
}


CHANGES_SIZES = AvgPool2D, Conv2D, MaxPool2D, Reshape, ZeroPadding2D


@dataclasses.dataclass
class Draft:
    """A layer to be: its class and arguments, its weights, the shape that it is built for."""

    kind: Callable[..., Any]
    node: str  # its name, which may be empty
    label: str  # what messages call it
    options: dict[str, Any]
    weights: dict[str, Any]
    shape: tuple[int | None, ...] | None
    at_steps: bool = False  # in a TimeDistributed
    backwards: str = ""  # why it cannot be, unless its steps are reversed next

    def made(self, name: str | None, dtype: np.dtype) -> Any:
        layer = self.kind(**self.options, dtype=dtype, name=name)
        if self.shape is not None:
            layer.build(self.shape)
        for key, array in self.weights.items():
            known = layer.statistics if key in layer.statistics else layer.params
            if known[key].shape != np.shape(array):
                raise ValueError(f"{key}: expected {known[key].shape}, got {np.shape(array)}")
            known[key][...] = array
        return TimeDistributed(layer, dtype=dtype, name=name) if self.at_steps else layer


def label(proto: Any) -> str:
    """What messages call a node."""
    return f"{proto.name or ', '.join(filter(None, proto.output))} ({proto.op_type})"


class Node:
    """A node: its operator, its name, what messages call it, its attributes, its inputs that are constant."""

    def __init__(self, proto: Any, given: list[Any], opset: int, consumers: dict[str, list[str]]) -> None:
        self.op, self.given, self.opset, self.outputs = proto.op_type, given, opset, proto.output
        self.name = proto.name
        self.label = label(proto)
        self._attributes = {a.name: helper.get_attribute_value(a) for a in proto.attribute}
        self._consumers = consumers

    def attribute(self, name: str, default: Any = None) -> Any:
        value = self._attributes.get(name, default)
        if isinstance(value, list) and value and isinstance(value[0], bytes):
            return [v.decode(errors="replace") for v in value]
        return value.decode(errors="replace") if isinstance(value, bytes) else value

    def flag(self, name: str, default: bool = False) -> bool:
        """An attribute that is 0 or 1."""
        value = self.attribute(name, int(default))
        if value not in (0, 1):
            raise Refused(f"expected {name}=0 or 1, got {value}")
        return value == 1

    def choice(self, name: str, default: str, *others: str) -> str:
        """An attribute that is one of these words."""
        value = self.attribute(name, default)
        if value not in (default, *others):
            raise Refused(f"expected {name}={' or '.join((default, *others))}, got {value}")
        return value

    def axis(self, rank: int, name: str = "axis", default: int = 0) -> int:
        """An attribute that is an axis of an array with this many."""
        return _axis(self.attribute(name, default), rank)

    def axes(self, place: int, rank: int) -> list[int] | None:
        """Axes of an array with this many, from an attribute or an input; None where there are none."""
        axes = self.ints("axes", place)
        return None if axes is None else sorted(_axis(axis, rank) for axis in axes)

    def number(self, name: str, default: float) -> float:
        """A float as it was typed: attributes are float32, and 0.001 is not 0.0010000000474974513."""
        return float(str(np.float32(self.attribute(name, default))))

    def consumers(self, output: int = 0) -> list[str]:
        """The operators that read an output; "output" is the graph itself."""
        return self._consumers.get(self.outputs[output], []) if output < len(self.outputs) else []

    def constant(self, place: int, what: str) -> np.ndarray | None:
        """An input that has to be constant; None where there is none."""
        value = self.given[place] if place < len(self.given) else None
        if isinstance(value, Value | Side) or (value is not None and value.dtype == object):
            raise Refused(f"its input {what} is computed, or an input of the graph: expected a constant")
        return value

    def weights(self, place: int, what: str) -> np.ndarray:
        value = self.constant(place, what)
        if value is None:
            raise Refused(f"it has no input {what}")
        return value

    def ints(self, name: str, place: int) -> list[int] | None:
        """Whole numbers that older opsets have as an attribute and newer ones as an input."""
        if name in self._attributes:
            return [int(v) for v in np.atleast_1d(self.attribute(name))]
        value = self.constant(place, name)
        return None if value is None else [int(v) for v in np.atleast_1d(value)]

    def only(self, **expected: Any) -> None:
        """Refuse attributes with other values than these."""
        for name, value in expected.items():
            if (got := self.attribute(name, value)) != value:
                raise Refused(f"expected {name}={value}, got {got}")


class Walk:
    """Goes along the graph; see above.

    Attributes:
        drafts: the layers so far.
        problems: of the nodes that are no layers, name and reason.
        left_out: outputs of the graph that are no array which a layer hands on, such as a mask.
        transposed: the last Transpose.
    """

    def __init__(self, model: Any, handlers: dict[str, "Handler"], folds: dict[str, Callable]) -> None:
        self.graph, self.handlers, self.folds = model.graph, handlers, folds
        self.opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)
        self.drafts: list[Draft] = []
        self.problems: list[tuple[str, str]] = []
        self.left_out: list[str] = []
        self.transposed = ""
        self.input_order: tuple[int, ...] | None = None
        self._number = itertools.count()
        arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in self.graph.initializer}
        self.found: dict[str, Any] = dict(arrays)
        self.defaults = {i.name for i in self.graph.input if i.name in arrays and model.ir_version >= 4}
        self.nodes = [*self._live(with_gelus(self.graph.node, arrays))]
        self.consumers = {o.name: ["output"] for o in self.graph.output}
        for node in self.nodes:
            for name in filter(None, node.input):
                self.consumers.setdefault(name, []).append(node.op_type)
        self.x, self.dtype = self._input(arrays)
        if model.producer_name == "nnlite":  # whose inputs have nnlite's axes
            self.input_order = self.x.axes

    def _live(self, nodes) -> Iterator[Any]:
        """Those nodes that the outputs depend on."""
        wanted, live = {output.name for output in self.graph.output}, []
        for node in reversed(nodes):
            if wanted & {*filter(None, node.output)}:
                wanted |= {*node.input}
                live.append(node)
        return reversed(live)

    def _input(self, arrays):
        """The first input of the graph, and the dtype of the model. Others are of use to recurrent layers alone."""
        given = [i for i in self.graph.input if i.name not in arrays]
        if not given:
            raise Refused("the graph has no input")
        self.found |= {i.name: Side("input") for i in given[1:]}
        tensor = given[0].type.tensor_type
        dims = [(d.dim_param or None) if d.HasField("dim_param") else d.dim_value for d in tensor.shape.dim]
        dims = [d if d and d != 0 else self.fresh() for d in dims]
        if not dims:
            raise Refused(f"its input {given[0].name} is a single number, or has no shape")
        types = [v.type.tensor_type.elem_type for v in (given[0], *self.graph.output)]
        types += [t.data_type for t in self.graph.initializer]
        is_ids = tensor.elem_type in (TensorProto.INT64, TensorProto.INT32)
        if not is_ids and tensor.elem_type not in (TensorProto.FLOAT, TensorProto.DOUBLE):
            raise Refused(
                f"its input {given[0].name} is {TensorProto.DataType.Name(tensor.elem_type)}: expected FLOAT or "
                f"DOUBLE, or INT32 or INT64 for ids"
            )
        double = TensorProto.DOUBLE in types
        self.found[given[0].name] = x = Value(tuple(range(len(dims))), tuple(dims), 0, is_ids)
        return x, np.dtype(np.float64 if double else np.float32)

    def fresh(self) -> str:
        """The name of a size that is not known."""
        return f"?{next(self._number)}"

    def run(self) -> Value | None:
        """Go along all nodes; returns what comes out, None if nothing does."""
        for proto in self.nodes:
            self._visit(proto)
        outputs = [self.found.get(output.name) for output in self.graph.output]
        values = [value for value in outputs if isinstance(value, Value)]
        for output, value in zip(self.graph.output, outputs, strict=True):
            is_aside = isinstance(value, Side) and value in (STATE, LOST, LEFT_OUT)
            if is_aside and value == LEFT_OUT:
                self.left_out.append(output.name)
            if not is_aside and not (values and value is values[0]):
                self.problems.append(
                    (output.name, "a second output: a model gives one array, and states in its layers")
                )
        return values[0] if values else None

    def _visit(self, proto):
        given = [self.found.get(name) if name else None for name in proto.input]
        node = Node(proto, given, self.opset, self.consumers)
        try:
            results = self._results(proto, node, given)
            for name in filter(None, proto.output[len(results) :]):
                if {*self.consumers.get(name, ())} - {"output"}:
                    raise Refused(f"another node reads its output {name}")
            results += [LEFT_OUT] * (len(proto.output) - len(results))
        except Refused as error:
            self.problems.append((node.label, str(error)))
            results = [LOST] * len(proto.output)
        except MALFORMED as error:
            self.problems.append((node.label, f"it does not fit what it is given: {error}"))
            results = [LOST] * len(proto.output)
        self.found |= {name: result for name, result in zip(proto.output, results, strict=False) if name}

    def _results(self, proto, node, given):
        is_known = proto.op_type in self.handlers or proto.op_type in self.folds
        if proto.domain not in ("", "ai.onnx") or not is_known:
            where = f" of {proto.domain}" if proto.domain not in ("", "ai.onnx") else ""
            raise Refused(f"nnlite has no layer for this operator{where}")
        values = [value for value in given if isinstance(value, Value)]
        lost = [value for value in given if isinstance(value, Side) and value == LOST]
        if len(values) + len(lost) > 1:
            raise Refused("it joins two branches: a Sequential is a chain")
        if lost:
            return lost * len(proto.output)
        if values and proto.op_type == "Shape":
            return [self._shape(node, values[0])]
        if values:
            return self._layer(proto, node, values)
        sides = [value for value in given if isinstance(value, Side)]
        if STATE in sides:
            return [STATE] * len(proto.output)
        return [self._aside(proto, node, given, sides)]

    def _layer(self, proto, node, values):
        if self._is_state(proto, values[0]):
            return [STATE]
        if values[0].at != len(self.drafts):
            raise Refused("it reads what another layer has read already: a Sequential is a chain")
        if node.op not in self.handlers:
            raise Refused("nnlite has no layer for this operator")
        results = self.handlers[node.op](self, node, values[0])
        return results if isinstance(results, list) else [results]

    def _is_state(self, proto, x):
        """Whether a node gives the final state as one more output of the graph, while others go on with it."""
        output = proto.output[0]
        is_last = self.consumers.get(output) == ["output"] and output != self.graph.output[0].name
        return is_last and "D" in x.axes and len(self.consumers[proto.input[0]]) > 1

    def _aside(self, proto, node, given, sides):
        """What is no array between layers: a constant, a shape, or what becomes of another input."""
        if not sides and node.op in self.folds:
            try:
                return self.folds[node.op](node, *given)
            except Unknown:
                if self.defaults & {*proto.input}:
                    return Side("input")
        if node.op == "ConstantOfShape":
            value = node.attribute("value")
            return Side("computed" if value is not None and numpy_helper.to_array(value).any() else "zeros")
        if node.op not in KEEP:
            return Side("computed")
        joins = node.op in ("Concat", "Min")
        data = given if joins else given[:1]  # the other inputs are sizes and places
        kinds = {value.kind for value in data if isinstance(value, Side)}
        others = [value for value in data if isinstance(value, np.ndarray) and value.dtype != object]
        if kinds <= {"zeros"} and not any(value.any() for value in others):
            return Side("zeros")
        return Side(kinds.pop() if len(kinds) == 1 and not others else "computed")

    def _shape(self, node, x):
        if "R" in x.axes or x.steps:
            sizes: list[Any] = [self.fresh() for _ in x.axes]
        elif "D" in x.axes:
            ways = 2 if self.drafts[-1].kind is Bidirectional else 1
            *before, units = x.dims  # of all directions
            by_axis: dict[Any, Any] = dict(enumerate([*before, units // ways]))
            by_axis["D"] = ways
            sizes = [by_axis[axis] for axis in x.axes]
        else:
            sizes = list(self.stored(x))
        return np.array(sizes, object)[slice(node.attribute("start", 0), node.attribute("end"))]

    # What handlers ask.

    def stored(self, x: Value) -> tuple[Any, ...]:
        """The sizes of x in the order in which ONNX has its axes."""
        return tuple(x.dims[axis] for axis in x.axes)

    def resolved(self, x: Value, wanted: tuple[Any, ...]) -> Value:
        """x, whose axes have to be in this order: the first node that wants one decides about the input."""
        if self.input_order is not None:
            if x.axes != wanted:
                raise Refused(f"its input has its axes as {_letters(x.axes)}, expected {_letters(wanted)}")
            return x
        order = tuple(x.axes[wanted.index(axis)] for axis in range(len(wanted)))
        rank = len(order)
        if order not in ((*range(rank),), (0, *range(2, rank), 1), (1, 0, *range(2, rank))):
            raise Refused(
                f"it reads the axes of the input in the order {order}: expected channels or time first, or last"
            )
        self.input_order = order
        return x._replace(axes=wanted, dims=tuple(x.dims[axis] for axis in order))

    def as_given(self, x: Value) -> Value:
        """x; if it is open yet, nnlite's axes are those of the input, in their order."""
        return self.resolved(x, x.axes) if self.input_order is None else x

    def plain(self, x: Value) -> Value:
        """x, whose axes have to be nnlite's."""
        return self.resolved(x, tuple(range(len(x.axes))))

    def features_last(self, x: Value) -> Value:
        """x, whose last axis has to be nnlite's last; the others as they may be."""
        rank = len(x.axes)
        return self.resolved(x, (*x.axes[:-1], rank - 1) if self.input_order is not None else tuple(range(rank)))

    def channels_second(self, x: Value) -> Value:
        """x, whose second axis has to be nnlite's last."""
        rank = len(x.axes)
        if self.input_order is not None and rank > 1 and x.axes[1] == rank - 1:
            return x
        return self.resolved(x, (0, rank - 1, *range(1, rank - 1)))

    def append(
        self, node: Node, x: Value, kind: Callable[..., Any], *, weights: Any = None, shape: Any = None,
        at_steps: bool = False, axes: Any = None, **options: Any,
    ) -> Value:  # fmt: skip
        """One more layer; returns what it gives, by default with the axes of x."""
        if self.drafts and self.drafts[-1].backwards:
            self.problems.append((self.drafts[-1].label, self.drafts[-1].backwards))
            self.drafts[-1].backwards = ""
        draft = Draft(kind, node.name, node.label, options, weights or {}, shape, at_steps or x.steps is not None)
        self.drafts.append(draft)
        layer = draft.kind(**options, dtype=self.dtype)
        layer = TimeDistributed(layer) if at_steps else layer
        before = [None if isinstance(size, str) else size for size in x.dims[1:]]
        sizes: tuple[Any, ...] = layer.output_shape(before)
        axes = x.axes if axes is None else axes
        stay = len(sizes) >= len(before) and kind not in CHANGES_SIZES  # then a size that is not known is the old one
        old = [*x.dims[1:]] + [None] * len(sizes)
        dims = [
            size if size is not None else was if stay and isinstance(was, str) else self.fresh()
            for size, was in zip(sizes, old, strict=False)
        ]
        return x._replace(axes=axes, dims=(x.dims[0], *dims), at=len(self.drafts), is_ids=False)


def _axis(axis, rank):
    if not -rank <= axis < rank:
        raise Refused(f"expected an axis of {rank}, got {axis}")
    return axis % rank


class Unknown(Exception):
    """A constant that depends on a size which is known at run time alone."""


def _letters(axes):
    return "(" + ", ".join({0: "batch"}.get(axis, str(axis)) for axis in axes) + ")"


Handler = Callable[[Walk, Node, Value], Any]  # gives a Value, or a list of what a node gives

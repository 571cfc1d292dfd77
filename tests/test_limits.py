"""Numbers that are arguments of constructors: the smallest and the largest that each takes, and what is beyond them."""

import ast
import math
from pathlib import Path

import numpy as np
import pytest

import nnlite
from nnlite import initializers, metrics, regularizers

BELOW_0, BELOW_1, ABOVE_1 = -5e-324, math.nextafter(1, 0), math.nextafter(1, 2)
TINY, LARGEST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float64).max)

# What is taken, and what is not.
COUNT = [1, 2**31], [0, -1, 1.5, math.nan]
COUNT_OR_0 = [0, 1], [-1, 0.5]
AMOUNT = [0, LARGEST], [BELOW_0, math.inf, math.nan, True]
ABOVE_0 = [TINY, LARGEST], [0, TINY / 2, math.inf, math.nan]
SHARE = [0, 1], [BELOW_0, ABOVE_1, math.nan]
SHARE_BELOW_1 = [0, BELOW_1], [BELOW_0, 1, math.nan]
ANY = [-math.inf, math.inf], [math.nan, "1"]
FINITE = [-LARGEST, LARGEST], [-math.inf, math.inf, math.nan]
NOTHING = [0, 0.0], [0.5, 2, -0.5, math.nan, "", [], {}, None]
LIMITS = {
    "Adagrad": {"initial_accumulator_value": AMOUNT, "epsilon": ABOVE_0},
    "Adam": {"beta_1": SHARE_BELOW_1, "beta_2": SHARE_BELOW_1, "epsilon": ABOVE_0, "weight_decay": AMOUNT},
    "AdamW": {"weight_decay": AMOUNT},
    "BackupAndRestore": {"save_freq": COUNT, "save_seconds": ([0, math.inf], [BELOW_0, math.nan])},
    "BatchNorm": {"momentum": SHARE, "epsilon": ABOVE_0},
    "BinaryAccuracy": {"threshold": ANY},
    "BinaryCrossentropy": {"label_smoothing": SHARE},
    "CategoricalCrossentropy": {"label_smoothing": SHARE},
    "Constant": {"learning_rate": AMOUNT},
    "Conv2D": {"filters": COUNT, "groups": ([1, 2], [0, -1, 1.5])},
    "CosineDecay": {"initial_learning_rate": AMOUNT, "decay_steps": COUNT, "alpha": AMOUNT},
    "Dense": {"units": COUNT},
    "Dropout": {"rate": SHARE_BELOW_1},
    "EarlyStopping": {
        "min_delta": AMOUNT, "patience": COUNT_OR_0, "start_from_epoch": COUNT_OR_0, "baseline": ANY,
    },
    "Embedding": {"vocabulary_size": COUNT, "units": COUNT},
    "GRU": {"units": COUNT, "dropout": SHARE_BELOW_1, "recurrent_dropout": NOTHING, "input_dim": COUNT},
    "JSONLogger": {"every": COUNT},
    "L1L2": {"l1": AMOUNT, "l2": AMOUNT},
    "LayerNorm": {"epsilon": ABOVE_0},
    "LeakyReLU": {"negative_slope": AMOUNT},
    "LiveCurve": {"seconds": ([0, math.inf], [BELOW_0, math.nan])},
    "LSTM": {"units": COUNT, "dropout": SHARE_BELOW_1, "recurrent_dropout": NOTHING, "input_dim": COUNT},
    "ModelCheckpoint": {"initial_value_threshold": ANY},
    "OneHot": {"vocabulary_size": COUNT},
    "RandomNormal": {"mean": FINITE, "stddev": AMOUNT},
    "RandomUniform": {"minval": FINITE, "maxval": ([-0.5, LARGEST], [-0.6, math.inf])},
    "ReduceLROnPlateau": {
        "factor": ([TINY, BELOW_1], [0, TINY / 2, 1]), "patience": COUNT_OR_0, "min_delta": AMOUNT,
        "cooldown": COUNT_OR_0, "min_lr": AMOUNT,
    },
    "RepeatVector": {"n": COUNT},
    "Reshape": {"target_shape": ([(1, -1), (2**31,)], [(0,), (-2,), (1.5,)])},
    "RMSprop": {"rho": SHARE_BELOW_1, "momentum": SHARE, "epsilon": ABOVE_0},
    "RNN": {"units": COUNT, "dropout": SHARE_BELOW_1, "recurrent_dropout": NOTHING, "input_dim": COUNT},
    "SGD": {
        "learning_rate": AMOUNT, "momentum": SHARE, "clipnorm": ABOVE_0, "clipvalue": ABOVE_0,
        "global_clipnorm": ABOVE_0,
    },
    "SparseTopKCategoricalAccuracy": {"k": COUNT},
    "TopKCategoricalAccuracy": {"k": COUNT},
    "VarianceScaling": {"scale": ABOVE_0},
    "WarmUp": {"warmup_steps": COUNT},
}  # fmt: skip

FOLDERS = "callbacks", "layers", "losses", "metrics", "optimizers"

# What else a constructor has to be given.
NEEDS = {
    "BackupAndRestore": {"path": "x"},
    "Conv2D": {"filters": 4, "kernel_size": 3},
    "CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 5},
    "Embedding": {"vocabulary_size": 3, "units": 2},
    **{kind: {"units": 3} for kind in ("GRU", "LSTM", "RNN")},
    "JSONLogger": {"path": "x"},
    "ModelCheckpoint": {"filepath": "x", "save_best_only": True},
    "RandomUniform": {"minval": -0.5, "maxval": LARGEST},
    "WarmUp": {"schedule": nnlite.Constant(0.1)},
}
CASES = [
    pytest.param(name, argument, value, refused, id=f"{name}({argument}={value!r})")
    for name, arguments in LIMITS.items()
    for argument, both in arguments.items()
    for refused, values in zip((False, True), both, strict=True)
    for value in values
]


def class_of(name):
    places = (nnlite, initializers, metrics, regularizers)
    return next(vars(place)[name] for place in places if name in vars(place))


@pytest.mark.parametrize(("name", "argument", "value", "refused"), CASES)
def test_it_takes_what_is_within_and_refuses_what_is_beyond(name, argument, value, refused):
    arguments = NEEDS.get(name, {}) | {argument: value}
    if refused:
        with pytest.raises((TypeError, ValueError), match=argument):
            class_of(name)(**arguments)
    else:
        thing = class_of(name)(**arguments)
        assert getattr(thing, argument, value) == value


@pytest.mark.parametrize("value", [10**400, -(10**400)], ids=["10^400", "-10^400"])
def test_integers_that_are_no_floats(value):
    for name, arguments in LIMITS.items():
        for argument, both in arguments.items():
            if both[0] and isinstance(both[0][0], float | int) and both not in (COUNT, COUNT_OR_0):
                given = NEEDS.get(name, {}) | {argument: value}
                with pytest.raises(ValueError, match=argument):
                    class_of(name)(**given)


def test_complex_numbers_are_no_numbers():
    with pytest.raises(TypeError, match=r"learning_rate: expected a number, got np\.complex64"):
        nnlite.SGD(np.complex64(0.1 + 3j))


@pytest.mark.parametrize("seed", ["3", 1.5, -1, (1, -2), {}, np.array(3), np.random])
def test_what_is_no_seed(seed):
    with pytest.raises((TypeError, ValueError), match=r"^seed: expected a whole number of at least 0, .*, got "):
        nnlite.Sequential([], seed=seed)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nnlite.Dense(3, dtype="\ud800"), "dtype: expected 'float32' or 'float64', got "),
        (lambda: nnlite.Bidirectional(nnlite.LSTM(3), merge_mode=["sum"]), r"merge_mode: expected .* got \['sum'\]"),
        (lambda: nnlite.Dense(3, bias_regularizer=5), "^bias_regularizer: expected a Regularizer"),
        (lambda: nnlite.Embedding(3, 2, embeddings_regularizer="l3"), "^embeddings_regularizer: expected a Reg"),
    ],
)
def test_other_values_that_are_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def small_model():
    return nnlite.Sequential([nnlite.Dense(2)], input_shape=(1,), seed=0)


WITH_A_PATH = {
    "path": (nnlite.load_model, small_model().save, nnlite.BackupAndRestore, nnlite.JSONLogger),
    "filename": (nnlite.CSVLogger,),
    "filepath": (nnlite.ModelCheckpoint,),
}


@pytest.mark.parametrize("value", [5, None, ["a"], "", "a\0b", "\ud800.safetensors"])
def test_what_is_no_path(value):
    for name, users in WITH_A_PATH.items():
        for use in users:
            with pytest.raises((TypeError, ValueError), match=f"^{name}: expected the path of a file"):
                use(value)


@pytest.mark.parametrize("place", [".", "/", "x" * 300 + ".safetensors", "/dev/null"])
@pytest.mark.parametrize("kind", [nnlite.ModelCheckpoint, nnlite.CSVLogger])
def test_no_epoch_is_spent_where_no_file_can_be(kind, place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = small_model()
    model.compile("sgd", "mse")
    with pytest.raises(OSError, match=r"(?i)a folder|too long|a device"):
        model.fit(np.ones((1, 1)), np.ones((1, 2)), callbacks=[kind(place)], verbose=0)
    assert model.optimizer.iterations == 0


def test_no_argument_is_left_out():
    """Those whose limits a constructor asks `checks` for by their names."""
    package = Path(nnlite.__file__).parent
    for file in (*package.glob("*.py"), *(file for folder in FOLDERS for file in (package / folder).rglob("*.py"))):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name in ("__init__", "__post_init__"):
                calls = [call for call in ast.walk(node) if isinstance(call, ast.Call) and len(call.args) > 1]
                asked = [c for c in calls if getattr(c.func, "attr", "") in ("between", "positive", "above_zero")]
                for call in asked:
                    if isinstance(call.args[0], ast.Constant):
                        argument = call.args[0].value
                        assert any(argument in arguments for arguments in LIMITS.values()), f"{file.name}: {argument}"

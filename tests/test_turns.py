"""Two threads and one model: each gets what it would have got alone, or an error before anything is computed."""

import copy
import os
import pickle
import queue
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numeric import assert_same_bits

import nnlite
from nnlite.callbacks import Callback
from nnlite.text import Vocabulary, generate
from nnlite.turns import computing

V = 11
VOCABULARY = Vocabulary("abcdefghij\n")
rng = np.random.default_rng(0)
IDS = rng.integers(V, size=(24, 12))
TEXTS = rng.integers(V, size=(40, 40))
FLOATS = rng.standard_normal((24, 12, 16)).astype("float32")
IMAGES = rng.standard_normal((24, 12, 12, 4)).astype("float32")


@pytest.fixture(autouse=True)
def _switch_often():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def writer(kind=nnlite.LSTM, units=40, **options):
    layers = [kind(units, return_sequences=True, input_dim=V, **options), nnlite.Dropout(0.3), nnlite.Dense(V)]
    model = nnlite.Sequential(layers, input_shape=(None,), seed=0)
    for param in model.params.values():
        param += rng.standard_normal(param.shape).astype("float32") / 8
    model.compile(nnlite.SGD(0.1), nnlite.SparseCategoricalCrossentropy(from_logits=True))
    return model


def at_once(calls, times=25):
    """What the calls return when each is called so often, all at once: a list of results for each."""
    start = threading.Barrier(len(calls))

    def repeat(call):
        start.wait()
        return [call() for _ in range(times)]

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(repeat, call) for call in calls]]


@pytest.mark.parametrize("kind", [nnlite.RNN, nnlite.GRU, nnlite.LSTM])
def test_predict_from_many_threads(kind):
    model = writer(kind, units=150)
    inputs = [TEXTS[2 * i : 2 * i + 32] for i in range(4)]  # of one shape: they would share scratch memory
    expected = [model.predict(x, batch_size=16) for x in inputs]
    found = at_once([lambda x=x: model.predict(x, batch_size=16) for x in inputs], times=20)
    for results, y in zip(found, expected, strict=True):
        for result in results:
            assert_same_bits(result, y)


@pytest.mark.parametrize("stateful", [False, True])
def test_generate_from_many_threads(stateful):
    model = writer(units=300, stateful=stateful)
    model.forward(IDS[:1])
    seeds = ["abc", "jihgf", "d", "eeee"]
    expected = [generate(model, VOCABULARY, seed, 40, rng=1) for seed in seeds]
    found = at_once([lambda seed=seed: generate(model, VOCABULARY, seed, 40, rng=1) for seed in seeds], times=10)
    assert found == [[text] * 10 for text in expected]


LAYERS = {
    "LSTM": (lambda: nnlite.LSTM(30, return_sequences=True), FLOATS),
    "GRU": (lambda: nnlite.GRU(30), FLOATS),
    "RNN": (lambda: nnlite.RNN(30), FLOATS),
    "Bidirectional": (lambda: nnlite.Bidirectional(nnlite.LSTM(20)), FLOATS),
    "Conv2D": (lambda: nnlite.Conv2D(9, 3), IMAGES),
    "MaxPool2D": (nnlite.MaxPool2D, IMAGES),
    "Dense": (lambda: nnlite.Dense(50), FLOATS),
    "LayerNorm": (nnlite.LayerNorm, FLOATS),
    "BatchNorm": (nnlite.BatchNorm, FLOATS),
    "Embedding": (lambda: nnlite.Embedding(V, 30), IDS),
    "Softmax": (nnlite.Softmax, FLOATS),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_in_many_threads(name):
    """The bits of one after the other; a backward pass whose forward another thread has pushed out is refused."""
    make, data = LAYERS[name]
    layer = make()
    layer.forward(data)
    inputs = [data[6 * i : 6 * i + 6] for i in range(3)]

    def passes(x):
        y = layer.forward(x)
        try:
            return y, layer.backward(np.ones_like(y))
        except RuntimeError as error:
            return y, str(error)

    expected = [passes(x) for x in inputs]
    for results, (y, dx) in zip(at_once([lambda x=x: passes(x) for x in inputs]), expected, strict=True):
        for got_y, got_dx in results:
            assert_same_bits(got_y, y)
            if isinstance(got_dx, str):
                assert "backward needs a forward in the same thread" in got_dx
            elif dx is not None:
                assert_same_bits(got_dx, dx)


METHODS = [(name, method) for name in LAYERS for method in ("forward", "backward")]
METHODS += [(name, "step") for name in ("LSTM", "GRU", "RNN", "Dense", "LayerNorm", "Embedding", "Softmax")]


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_a_second_thread_waits(name, method):
    make, data = LAYERS[name]
    layer = make()
    y = layer.forward(data)
    argument = {"forward": data, "step": data[:, 0]}.get(method, y)

    def call():
        if method == "backward":
            layer.forward(data)
        return getattr(layer, method)(argument)

    with ThreadPoolExecutor(1) as pool:
        with computing:
            result = pool.submit(call)
            with pytest.raises(TimeoutError):
                result.result(timeout=0.02)
        result.result(timeout=10)


@pytest.mark.parametrize("make", [*(make for make, _ in LAYERS.values()), lambda: nnlite.SGD(0.1, momentum=0.9)])
def test_a_copy_is_none_of_the_middle_of_a_step(make):
    original = make()
    with ThreadPoolExecutor(1) as pool:
        with computing:
            result = pool.submit(copy.deepcopy, original)
            with pytest.raises(TimeoutError):
                result.result(timeout=0.02)
        assert type(result.result(timeout=10)) is type(original)


def test_steps_of_many_threads_are_steps_of_one_state():
    def weighted():
        layer = nnlite.RNN(1, activation="relu")
        layer.build((None, 1))
        for name, value in (("Wx", 1), ("Wh", 1), ("b", 0)):
            layer.params[name][...] = value
        return layer

    layer, one = weighted(), np.ones((1, 1), "float32")
    at_once([lambda: layer.step(one)] * 4, times=50)
    assert layer.state[0].tolist() == [[200.0]]


def test_training_and_predicting_at_once():
    """Training ends at the bits of one that is alone, and every answer is that of the model between two steps."""
    alone, model = writer(), writer()
    for param, other in zip(alone.params.values(), model.params.values(), strict=True):
        other[...] = param
    x, y = IDS, np.roll(IDS, -1, axis=1)
    answers = set()

    class Ask(Callback):
        def on_train_begin(self, logs):
            answers.add(self.model.predict(x[:3]).tobytes())

        def on_train_batch_end(self, batch, logs):
            answers.add(self.model.predict(x[:3]).tobytes())

    alone.fit(x, y, batch_size=4, epochs=8, callbacks=[Ask()], verbose=0)
    done, found = threading.Event(), []

    def predict():
        while not done.is_set():
            found.append(model.predict(x[:3]).tobytes())

    thread = threading.Thread(target=predict)
    thread.start()
    model.fit(x, y, batch_size=4, epochs=8, verbose=0)
    done.set()
    thread.join()
    for name, param in alone.params.items():
        assert_same_bits(model.params[name], param, name)
    assert found
    assert set(found) <= answers


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict", "validation"])
@pytest.mark.parametrize("stateful", [False, True])
def test_a_generator_may_wait_for_a_thread_that_computes(method, stateful):
    """The batches come from another thread, which makes them with a model: also with the one that reads them."""
    model, x, y = writer(stateful=stateful), IDS[:8], np.roll(IDS[:8], -1, axis=1)
    expected = model.predict(np.concatenate([x, x, x]), batch_size=8)
    batch, made = x if method == "predict" else (x, y), queue.Queue()

    def make():
        for _ in range(3):
            model.predict(x)
            made.put(batch)

    def generator():
        yield batch  # the first is asked for before anything is computed
        threading.Thread(target=make).start()
        while True:
            yield made.get(timeout=10)

    if method == "predict":
        assert_same_bits(model.predict(generator(), steps=3), expected)
    elif method == "evaluate":
        model.evaluate(generator(), steps=3)
    elif method == "fit":
        model.fit(generator(), steps_per_epoch=3, verbose=0, shuffle=False)
    else:
        model.fit(x, y, validation_data=generator(), validation_steps=3, verbose=0, shuffle=False)


def test_two_calls_of_fit_are_refused():
    model, errors = writer(), []

    class Again(Callback):
        def on_epoch_end(self, epoch, logs):
            try:
                self.model.fit(IDS, IDS, verbose=0)
            except RuntimeError as error:
                errors.append(str(error))

    model.fit(IDS, IDS, epochs=2, verbose=0, callbacks=[Again()])
    assert len(errors) == 2  # the first has not made it free
    assert all("fit: sequential is being trained by another call of fit" in error for error in errors)
    model.fit(IDS, IDS, verbose=0)  # afterwards it goes on, also after an error
    with pytest.raises(IndexError):
        model.fit(IDS + V, IDS, verbose=0)
    model.fit(IDS, IDS, verbose=0)


def test_one_loss_in_two_models_in_two_threads():
    loss = nnlite.SparseCategoricalCrossentropy(from_logits=True)

    x, y = rng.standard_normal((6, 500, 16)).astype("float32"), rng.integers(200, size=(6, 500))

    def trained(own_loss):
        model = nnlite.Sequential([nnlite.Dense(200)], input_shape=(16,), seed=0)
        model.compile(nnlite.SGD(0.1), own_loss)
        return [model.train_on_batch(*batch) for batch in zip(x, y, strict=True)]

    expected = trained(nnlite.SparseCategoricalCrossentropy(from_logits=True))
    assert at_once([lambda: trained(loss)] * 3, times=5) == [[expected] * 5] * 3


def test_backward_in_another_thread_than_forward_is_refused():
    layer, errors = nnlite.Dense(2), []
    y = layer.forward(FLOATS)

    def backward():
        try:
            layer.backward(y)
        except RuntimeError as error:
            errors.append(str(error))

    thread = threading.Thread(target=backward)
    thread.start()
    thread.join()
    assert "backward needs a forward in the same thread" in errors[0]
    layer.backward(y)


def test_the_caller_may_reshape_x_between_forward_and_backward():
    layer, x = nnlite.Dense(2), np.ones((2, 3), "float32")
    y = layer.forward(x)
    x.shape = (3, 2)
    assert layer.backward(y).shape == (2, 3)


def test_the_states_that_a_layer_returns_are_those_of_its_call(monkeypatch):
    layer, one, other = nnlite.LSTM(2, return_state=True), FLOATS[:1], FLOATS[1:2]
    expected, forward = layer(one), nnlite.LSTM.forward

    def then_another_thread(*args):
        y = forward(*args)
        thread = threading.Thread(target=forward, args=(layer, other))
        thread.start()
        thread.join(0.2)  # it has to wait
        return y

    monkeypatch.setattr(nnlite.LSTM, "forward", then_another_thread)
    for array, same in zip(layer(one), expected, strict=True):
        assert_same_bits(array, same)


def test_two_models_with_common_layers_do_not_wait_for_each_other():
    first, second, third = (nnlite.Dense(16) for _ in range(3))
    models = [nnlite.Sequential(layers, seed=0) for layers in ([first, second, third], [third, second])]
    at_once([lambda model=model: model.predict(FLOATS) for model in models], times=40)


class Alternate(nnlite.Optimizer):
    def update(self, grad, param, slots, scale, clip):
        param[...] = self.iterations % 2


@pytest.mark.parametrize("make", [nnlite.Sequential, lambda: nnlite.Dense(2), nnlite.MeanSquaredError])
def test_a_copy_can_be_made_while_another_thread_sets_attributes(make):
    def set_them(original):
        for number in range(500):
            setattr(original, f"new_{number}", number)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(10):
            original = make()
            thread = threading.Thread(target=set_them, args=(original,))
            thread.start()
            while thread.is_alive():
                copy.copy(original)
                original.__getstate__()
            thread.join()
    finally:
        sys.setswitchinterval(interval)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a))])
def test_a_copy_made_while_another_thread_trains_is_that_of_a_whole_step(copied):
    model = nnlite.Sequential([nnlite.Dense(50) for _ in range(6)], input_shape=(50,))
    model.compile(Alternate(1), "mse")
    for param in model.params.values():
        param[...] = 0
    x, done, copies = np.zeros((2, 50), "float32"), threading.Event(), []

    def train():
        while not done.is_set():
            model.train_on_batch(x, x)

    thread = threading.Thread(target=train)
    thread.start()
    copies += [copied(model) for _ in range(60)]
    done.set()
    thread.join()
    for twin in copies:
        assert len({float(param.flat[0]) for param in twin.params.values()}) == 1
    copies[-1].train_on_batch(x, x)  # with its own optimizer


class Distillation:
    """A loss that asks another model."""

    def __init__(self):
        self.other = None

    def forward(self, y_true, y_pred):
        self.difference = y_pred - self.other.predict(FLOATS[:, 0])
        return float((self.difference**2).mean())

    def backward(self):
        return 2 * self.difference / self.difference.size


def test_two_models_that_use_each_other_do_not_wait_for_each_other():
    losses = Distillation(), Distillation()
    models = [nnlite.Sequential([nnlite.Dense(4)], input_shape=(16,)) for _ in range(2)]
    for model, loss, other in zip(models, losses, reversed(models), strict=True):
        model.compile("sgd", loss)
        loss.other = other
    at_once([lambda model=model: model.train_on_batch(FLOATS[:, 0], IDS[:, :4]) for model in models], times=30)


class Doubles:
    """A mixin that knows nothing of turns."""

    def forward(self, x, training=False):
        self.x = x
        time.sleep(0)
        return self.x * 2


class Doubled(Doubles, nnlite.Layer):
    pass


class OwnLock(nnlite.Layer):
    def __init__(self):
        super().__init__()
        self._lock = threading.Lock()

    def forward(self, x, training=False):
        with self._lock:
            self.kept = x
            return x

    def backward(self, dy):
        return self.kept * dy


def test_a_pass_that_a_mixin_brings_takes_turns():
    layer = Doubled()
    ones, twos = (np.full((1, 1), value, "float32") for value in (1, 2))
    for results, expected in zip(
        at_once([lambda: layer.forward(ones), lambda: layer.forward(twos)], 200), (2, 4), strict=True
    ):
        assert {y.item() for y in results} == {expected}


@pytest.mark.parametrize(
    ("base", "method"),
    [(nnlite.Layer, "forward"), (nnlite.Layer, "backward"), (nnlite.Layer, "step"), (nnlite.Optimizer, "apply")],
)
def test_every_pass_that_a_mixin_brings_is_marked(base, method):
    mixin = type("Mixin", (), {method: lambda self, x: x})
    assert getattr(type("Mixed", (mixin, base), {}), method).takes_turns


def test_a_layer_of_ones_own_has_what_attributes_it_likes():
    layer = OwnLock()
    assert layer.forward(FLOATS) is FLOATS
    assert_same_bits(layer.backward(FLOATS), FLOATS * FLOATS)

    class Static(nnlite.losses.Loss):
        @staticmethod
        def forward(y_true, y_pred):
            return 0.5

    assert Static().forward(1, 2) == 0.5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_that_is_forked_while_a_thread_trains_computes():
    code = """
import os, threading, time, numpy as np, nnlite
nnlite.set_num_threads(1)
model = nnlite.Sequential([nnlite.Dense(200), nnlite.Dense(200)], input_shape=(200,))
model.compile("adam", "mse")
x = np.ones((64, 200), "float32")
threading.Thread(target=lambda: model.fit(x, x, batch_size=8, epochs=10**6, verbose=0), daemon=True).start()
time.sleep(0.2)
for _ in range(10):
    child = os.fork()
    if child == 0:
        model.predict(x[:4])
        os._exit(7)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
os._exit(0)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.stdout == "7\n" * 10, result.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals are sent between processes")
def test_ctrl_c_reaches_a_main_thread_that_waits_for_one_that_trains():
    code = """
import os, signal, threading, numpy as np, nnlite
model = nnlite.Sequential([nnlite.Dense(400), nnlite.Dense(400)], input_shape=(400,))
model.compile("adam", "mse")
x = np.ones((8, 400), "float32")
threading.Thread(target=lambda: model.fit(x, x, batch_size=1, epochs=10**6, verbose=0), daemon=True).start()
seen = 0
for _ in range(10):
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        threading.Event().wait(20)
    except KeyboardInterrupt:
        seen += 1
print(seen, flush=True)
os._exit(0)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert result.stdout == "10\n", result.stderr


def test_a_model_is_freed_at_once():
    model = nnlite.Sequential([nnlite.Dense(2)], input_shape=(2,))
    model.predict(np.ones((1, 2), "float32"))
    gone = weakref.ref(model)
    del model
    assert gone() is None

"""What fingers know from Keras and PyTorch: it works, or it stops with a message from which the next attempt works."""

import re

import numpy as np
import pytest

import nnlite
from nnlite import callbacks, layers, losses, metrics, optimizers, utils

NAMES = {
    "np": np, "nnlite": nnlite, "nn": nnlite, "layers": layers, "losses": losses, "optimizers": optimizers,
    "metrics": metrics, "callbacks": callbacks, "utils": utils,
    **{name: getattr(nnlite, name) for name in nnlite.__all__},
    "x": np.random.default_rng(0).normal(size=(24, 4)), "y": np.arange(24) % 3,
    "ids": np.arange(48).reshape(8, 6) % 7, "images": np.random.default_rng(1).integers(0, 9, (4, 8, 8, 3)),
}  # fmt: skip


def model(*last, loss="sparse_categorical_crossentropy", optimizer="adam"):
    """A small model on 4 numbers, compiled; by default one of three classes."""
    made = nnlite.Sequential([nnlite.Dense(8), nnlite.ReLU(), *(last or (nnlite.Dense(3), nnlite.Softmax()))])
    made.compile(optimizer, loss)
    return made


WORKS = [
    # Numbers of any kind.
    "model().fit(x.tolist(), y.tolist(), verbose=0)",
    "model().fit(x.astype('float16'), y.astype('uint8')[:, None], verbose=0)",
    "model().fit((x > 0), y, verbose=0)",
    "model().predict([[1, 2, 3, 4]])",
    "Dense(3)([[1, 2]])",
    "Dense(3)(np.ones((2, 2)))",
    "Conv2D(4, 3)(images)",
    "LSTM(4)(np.ones((2, 3, 4), int))",
    "gradcheck(Dense(3), np.arange(8).reshape(2, 4))",
    "SparseCategoricalCrossentropy()([0, 1], [[0.5, 0.5], [0.1, 0.9]])",
    # Layers.
    "Dense(8, activation='relu')(x)",
    "Dense(8, 'relu')(x)",
    "Dense(8, activation=ReLU())(x)",
    "Dense(units=8, use_bias=False)(x)",
    "Conv2D(8, (3, 3), activation='relu', padding='same')(images)",
    "Conv2D(filters=8, kernel_size=3, strides=2)(images)",
    "layers.MaxPooling2D(pool_size=(2, 2))(images)",
    "layers.AveragePooling2D()(images)",
    "layers.GlobalMaxPooling2D()(images)",
    "layers.BatchNormalization()(x)",
    "layers.LayerNormalization(epsilon=1e-6)(x)",
    "layers.SimpleRNN(4, return_sequences=True)(np.ones((2, 3, 4)))",
    "layers.Activation('tanh')(x)",
    "layers.RepeatVector(3)(x)",
    "layers.TimeDistributed(Dense(2))(np.ones((2, 3, 4)))",
    "layers.Embedding(input_dim=7, output_dim=3)(ids)",
    "GRU(4, reset_after=False)(np.ones((2, 3, 4)))",
    "LSTM(4, return_state=True)(np.ones((2, 3, 4)))",
    "LSTM(4, go_backwards=True, dropout=0.1)(np.ones((2, 3, 4)))",
    "Dense(4, kernel_initializer='he_normal', bias_initializer='zeros')(x)",
    "Dense(4, kernel_regularizer='l2')(x)",
    # Models.
    "m = Sequential(); m.add(Dense(4, input_shape=(4,))); m.add(Dense(2)); m.pop(); m(x)",
    "m = Sequential([nnlite.Input((4,)), Dense(3)]); m.summary(); m.count_params(); m.layers[0]; m.get_layer('dense')",
    "m = Sequential([Sequential([Dense(4), ReLU()]), Dense(2)]); m(x)",
    "m = model(); m.fit(x, y, verbose=0); m.set_weights(m.get_weights())",
    "model().fit(x, y, validation_split=0.25, verbose=0, epochs=2, initial_epoch=1)",
    "model().fit(x, y, class_weight={0: 1, 1: 2, 2: 1}, verbose=0)",
    "model().fit(x, y, sample_weight=np.ones(24), verbose=0)",
    "m = model(); m.evaluate(x, y, verbose=0); m.predict(x, verbose=0)",
    "m = model(Dense(1), loss='mse'); m.fit(x, x[:, :1], verbose=0)",
    "m = model(Dense(1), loss='mae'); m.fit(x, x[:, :1], verbose=0)",
    "m = model(Dense(1), Sigmoid(), loss='binary_crossentropy'); m.fit(x, x[:, :1] > 0, verbose=0)",
    "m = model(loss='categorical_crossentropy'); m.fit(x, utils.to_categorical(y, 3), verbose=0)",
    "m = model(); m.compile('Adam', 'sparse_categorical_crossentropy', ['acc']); m.fit(x, y, verbose=0)",
    "optimizers.Adam(learning_rate=1e-3, weight_decay=1e-2); optimizers.SGD(0.1, momentum=0.9, nesterov=True)",
    "m = model(optimizer=optimizers.Adam(nnlite.CosineDecay(0.01, 10))); m.fit(x, y, verbose=0)",
    "model().fit(x, y, validation_split=0.25, verbose=0, callbacks=callbacks.EarlyStopping())",
    "model().fit(x, y, verbose=0, callbacks=[callbacks.LearningRateScheduler(lambda epoch: 0.1 * 0.5**epoch)])",
]


@pytest.mark.parametrize("code", WORKS)
def test_it_works(code):
    exec(code, {**NAMES, "model": model})


STOPS = [
    # The loss and the last layer.
    ("model(Dense(3)).fit(x, y, verbose=0)", r"Softmax\(\).*from_logits=True"),
    ("model(Dense(3)).train_on_batch(x, y)", r"Softmax\(\).*from_logits=True"),
    ("model(Dense(3)).evaluate(x, y)", r"Softmax\(\).*from_logits=True"),
    (
        "model(Dense(3), Softmax(), loss=SparseCategoricalCrossentropy(from_logits=True)).fit(x, y, verbose=0)",
        "from_logits",
    ),
    ("SparseCategoricalCrossentropy()(y[:2], np.array([[2.0, -1.0], [0.5, 0.5]]))", "from_logits=True"),
    ("SparseCategoricalCrossentropy()(np.full((3, 3), 1 / 3), y[:3])", "y_true, y_pred"),
    ("model().fit(x, utils.to_categorical(y, 3), verbose=0)", "argmax"),
    ("model().fit(x, np.array(list('abc') * 8), verbose=0)", r"np\.unique"),
    ("model().fit(x, y + 5, verbose=0)", "0 .. 2"),
    # Arguments in another order, with other names, of other types.
    ("LSTM(64, 'relu')", "activation='relu': .*leave it out"),
    ("LSTM(10, 20, 2)", "units"),
    ("GRU(10, 20)", "units"),
    ("RNN(64, 'tanh', True)", "activation="),
    ("LayerNorm(64)", "64: the size of the input is found from it: leave it out"),
    ("BatchNorm(1)", "1: the size of the input is found from it: leave it out"),
    ("SGD(nesterov='no')", "True or False"),
    ("Dense(3, use_bias='false')", "True or False"),
    ("Dense(8, activaton='relu')", "activation"),
    ("Dense(8, 4)", r"4 is the size of the output, .*write Dense\(4\)"),
    ("Dense(8, activation='rellu')", "relu"),
    ("Dense(8, activation='swish')", r"GELU\(\)"),
    ("model().fit(x, y, shuffle='batch', verbose=0)", "True or False, got 'batch'$"),
    ("Sequential([Dense(3)]).predict(x[0])", r"single sample use x\[None\], \(1, 4\)"),
    ("model().compile('adam', 'mse', metrics=[Dense(3)])", "functions of .y_true, y_pred., got Dense"),
    ("layers.StringLookup()", r"np\.unique"),
    ("nnlite.random.normal((2,))", r"np\.random\.default_rng"),
    ("Conv2D(8, 3, stride=2)", "strides"),
    ("Conv2D(3, 8, 5, 1, 2)", "filters"),
    ("Adam(lr=0.1)", "learning_rate"),
    ("Dropout(p=0.5)", "rate"),
    ("Dropout(50)", r"\[0, 1"),
    ("Embedding(num_embeddings=7, embedding_dim=3)", "input_dim|vocabulary_size"),
    # Names of others.
    ("nn.Linear(4, 3)", "Dense"),
    ("nn.MaxPooling2d(2)", "MaxPool"),
    ("nn.Conv2d(3, 8, 5)", "Conv2D"),
    ("nn.CrossEntropyLoss()", "SparseCategoricalCrossentropy"),
    ("layers.Conv1D(8, 3)", "Conv2D|not"),
    ("Adam().step()", "apply"),
    ("Adam().zero_grad()", "backward writes new gradients .* leave it out"),
    ("model().parameters()", "params"),
    ("model().fit(x, y, batchsize=8)", "batch_size"),
    ("model().fit(x, y, nb_epoch=8)", "epochs"),
    ("model().compile('adam', 'sparse_categorical_crossentropi')", "sparse_categorical_crossentropy"),
    ("model().compile('adam', 'CrossEntropyLoss')", r"SparseCategoricalCrossentropy\(from_logits=True\)"),
    ("model().compile('adam', 'cross_entropy')", "use 'sparse_categorical_crossentropy'"),
    ("model().compile('adan', 'mse')", "adam"),
    ("Sequential([Dense(3)]).compile(optimizer=optimizers.Adam, loss='mse')", r"Adam\(\)"),
    ("Sequential(Dense(3))", r"\[Dense"),
    ("model().save('m.h5')", "use 'm.safetensors'"),
    ("callbacks.ModelCheckpoint('best.keras')", "filepath: .* use 'best.safetensors'"),
    # Shapes, and layers that do not follow each other.
    ("Sequential([LSTM(4, input_dim=7), LSTM(4)])(ids)", "lstm_1.*return_sequences=True"),
    ("Sequential([Dense(4), Conv2D(3, 3)])(x)", "conv2d.*dense"),
    ("m = model(); m(x); m(x[:, :3])", "dense.*4"),
    ("Conv2D(3, 5)(images[:, :3])", "larger than the padded image"),
    ("Sequential([Dense(3)]).parameter_count + 1", "input_shape|build|None"),
    ("nnlite.text.windows('shall i', 3)", "encode"),
    ("nnlite.text.Vocabulary('shall i')", "from_text"),
    ("model().fit(np.where(x > 2, np.nan, x), y, verbose=0)", "NaN|nan"),
    ("model().fit(x, y[:5])", "24"),
    ("model().fit(np.array(['a', 'b']), y[:2])", "numbers"),
    ("LSTM(4)(np.ones((2, 3)))", r"\(N, T, F\)"),
    ("LSTM(4, input_dim=7)(ids + 9)", "0 .. 6"),
    (
        "Sequential([Conv2D(3, 3)], input_shape=(8, 8, 1))(np.zeros((2, 1, 8, 8)))",
        "moveaxis",
    ),
    # Modules, helpers and bases of Keras that are not here.
    ("from nnlite.preprocessing.sequence import pad_sequences", "nnlite.text.pad_sequences"),
    ("from nnlite.datasets import mnist", "nnlite.images.load_digits"),
    ("import nnlite.nn as nn", "nnlite.Dense"),
    ("from nnlite.utils import pad_sequences", r"nnlite.text.pad_sequences.* lengths=lengths"),
    ("from nnlite.layers import SpatialDropout1D", r"Dropout\(rate\)"),
    ("nnlite.activations.relu", "activation='relu'"),
    ("nnlite.backend.clear_session()", "leave clear_session.* out"),
    ("nnlite.set_random_seed(1)", "nnlite.utils.set_random_seed"),
    ("nnlite.utils.plot_model(model())", "summary"),
    ("nnlite.models.clone_model(model())", "from_config"),
    ("nnlite.saving.load_model('a')", "nnlite.load_model"),
    ("from nnlite.models import Model", "use Sequential"),
    ("nnlite.Input(batch_shape=(4, 1, 3))", "use shape=..., without the batch axis"),
    ("nnlite.metrics.Mean()", "np.mean"),
    ("nnlite.metrics.Accuracy()", "SparseCategoricalAccuracy"),
    ("class Own(nnlite.metrics.Metric): pass", "NamedMetric"),
    ("nnlite.losses.Huber()", "forward.*backward"),
    ("class Own(nnlite.Layer):\n def call(self, x): return x\nOwn()(x)", "Keras' call: write forward, and backward"),
    (
        "class Own(nnlite.losses.Loss):\n def call(self, y_true, y_pred): return 0\nOwn()(x, x)",
        "Keras' call: write forward.* and backward",
    ),
    ("model().compile('adam', lambda t, p: 0)", "forward and backward.*write a class with both"),
    ("model().summary(line_length=80)", "line_length.*leave it out"),
    ("model().predict(x, steps=2)", "steps is for generators"),
    ("Conv2D(3, 3, border_mode='same')", "use padding"),
    ("from nnlite.layers.recurrent import LSTM", "from nnlite.layers import"),
    ("from nnlite.utils import np_utils", "nnlite.utils.to_categorical"),
    ("from nnlite.wrappers.scikit_learn import KerasClassifier", "use the model itself"),
    ("m = model(); m(x); m.layers[0].W", r"params\['W'\]"),
    ("model().reset_metrics()", "leave it out"),
    ("m = Sequential([Dense(1)]); m.compile('adam'); m.fit(x, y)", r"got None: .*compile\(optimizer, loss\)"),
    ("model().compile('adam', 'mean_squared_logarithmic_error')", "it is not here: write a class"),
    ("model().compile('adam', 'hinge')", "it is not here: write a class"),
    ("model().compile('adam', 'mse', metrics=['mape'])", "write a function of"),
    ("model().compile('adam', 'mse', metrics=['rmse'])", "use 'mse', and take its root"),
    # What is an attribute, a tensor or a variable there.
    ("model().optimizer.learning_rate.assign(0.1)", "set it by optimizer.learning_rate = ..., to your number"),
    ("model().optimizer.learning_rate.numpy()", "it is a float already: leave it out"),
    (
        "o = nnlite.Adam(nnlite.CosineDecay(0.1, 9)); o.learning_rate.assign(0.1)",
        r"a schedule gives it: set another by optimizer.learning_rate = CosineDecay\(...\), or .* Adam\(0.001\)",
    ),
    ("model().optimizer.iterations.numpy()", "it is an int already: leave it out"),
    ("model().optimizer.iterations.assign(0)", "set it by optimizer.iterations = ..., to your number"),
    ("Dense(3).output_shape == (None, 3)", r"Dense.output_shape: call it, .*layer.output_shape\(input_shape\)"),
    ("Sequential([Dense(3)]).output_shape != (None, 3)", r"Sequential.output_shape: call it, model.output_shape\(\)"),
    ("len(Dense(3).output_shape)", r"call it, .*layer.output_shape\(input_shape\)"),
    ("model().compile('adam', 'mse', metrics=[object()])", r"write a function of them with `def`, or give its class a"),
    (
        "model().compile('adam', 'mse', metrics=[nnlite.MeanSquaredError()])",
        "give it a name for the logs, an attribute",
    ),
    (
        "class Own(LSTM):\n def __init__(self, units, initial=0): super().__init__(units, initial=initial)\nOwn(3)",
        r"Own: its __init__ hands initial on, and Layer takes no initial: keep it, such as by self.initial = initial",
    ),
    ("Dense(3).output_shape[1:]", r"call it, .*layer.output_shape\(input_shape\).* leave \[1:\] out"),
    ("batch, units = Sequential([Dense(3)], input_shape=(4,)).output_shape", r"call it, model.output_shape\(\)"),
    ("Dense(3).input_shape", r"model.shapes\(\)"),
    ("Dense(3).build(8)", r"input_shape: expected a tuple without the batch axis, .*got 8: write \(8,\)"),
    ("LSTM(3).build(8)", r"input_shape: expected a tuple without the batch axis, .*got 8: write \(8,\)"),
    # Names that are nearly there.
    ("nnlite.text.window([1, 2, 3], 2)", "did you mean 'windows'"),
    ("from nnlite.images import shift", "did you mean 'shifted'"),
    ("from nnlite.plot import learning_curve", "did you mean 'learning_curves'"),
]


@pytest.mark.parametrize(("code", "message"), STOPS, ids=[code for code, _ in STOPS])
def test_it_stops_and_says_what_to_type(code, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        (TypeError, ValueError, IndexError, AttributeError, ImportError, RuntimeError, FloatingPointError)
    ) as raised:
        exec(code, {**NAMES, "model": model})
    text = str(raised.value) + " ".join(getattr(raised.value, "__notes__", []))
    assert re.search(message, text, re.DOTALL), text

"""Names of classes and functions: those that mean the same as one of ours, and those that are told what to use."""

import difflib
import importlib.util
import opcode
import sys
from collections.abc import Callable, Iterable
from typing import NoReturn

# The names of losses, and the classes.
LOSSES = {
    "binary_crossentropy": "BinaryCrossentropy",
    "bce": "BinaryCrossentropy",
    "categorical_crossentropy": "CategoricalCrossentropy",
    "cce": "CategoricalCrossentropy",
    "mean_absolute_error": "MeanAbsoluteError",
    "mae": "MeanAbsoluteError",
    "mean_squared_error": "MeanSquaredError",
    "mse": "MeanSquaredError",
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
}

_FOUND = "the size of the input is found from it"
_ONE_D = "there is no 1-D layer here: make x (N, T, 1, C) with Reshape, and use"
_FUNCTION = "a layer here, in the list of Sequential:"
_NOT_HERE = "it is not here"
_NO_RUN = "there is no session and no device to choose: leave it out"

# Other names, and what to type.
NAMES = {
    # PyTorch's layers
    "Linear": f"use Dense(out_features): {_FOUND}",
    "Conv2d": f"use Conv2D(filters, kernel_size): filters is out_channels, {_FOUND}, and images are (N, H, W, C)",
    **dict.fromkeys(("MaxPool2d", "MaxPooling2d"), "use MaxPool2D(pool_size), with images (N, H, W, C)"),
    "AvgPool2d": "use AvgPool2D(pool_size), with images (N, H, W, C)",
    "AdaptiveAvgPool2d": "AdaptiveAvgPool2d(1) is GlobalAvgPool2D() here; other sizes are not here",
    "AdaptiveMaxPool2d": "AdaptiveMaxPool2d(1) is GlobalMaxPool2D() here; other sizes are not here",
    **dict.fromkeys(("BatchNorm1d", "BatchNorm2d"), f"use BatchNorm(): {_FOUND}, and momentum is 1 - PyTorch's"),
    "Dropout1d": "use Dropout(rate)",
    "Dropout2d": "use Dropout(rate), which drops single numbers, not channels",
    "ZeroPad2d": "use ZeroPadding2D(((top, bottom), (left, right)))",
    "Unflatten": "use Reshape(target_shape)",
    "Identity": "leave it out: a layer that does nothing needs no place in the list",
    "LogSoftmax": "leave it out, and use the loss SparseCategoricalCrossentropy(from_logits=True)",
    "RNNCell": "use RNN(units), whose step(x) is one step",
    "LSTMCell": "use LSTM(units), whose step(x) is one step",
    "GRUCell": "use GRU(units), whose step(x) is one step",
    "Module": "derive from nnlite.Layer, with forward(self, x, training=False) and backward(self, dy)",
    "Parameter": "put the array into self.params['W'] and one for its gradient into self.grads['W']",
    "ModuleList": "use Sequential([...])",
    "nn": "the layers are in nnlite itself, such as nnlite.Dense",
    "functional": f"use {_FUNCTION} ReLU(), Softmax()",
    # Keras' layers
    **dict.fromkeys(("Conv1D", "Conv1d"), f"{_ONE_D} Conv2D(filters, (size, 1))"),
    "MaxPooling1D": f"{_ONE_D} MaxPool2D((size, 1))",
    "AveragePooling1D": f"{_ONE_D} AvgPool2D((size, 1))",
    "GlobalMaxPooling1D": f"{_ONE_D} GlobalMaxPool2D()",
    "GlobalAveragePooling1D": f"{_ONE_D} GlobalAvgPool2D()",
    "DepthwiseConv2D": "use Conv2D(filters, kernel_size, groups=C) with filters a multiple of the C channels",
    "SeparableConv2D": "use Conv2D(C, kernel_size, groups=C, use_bias=False) and Conv2D(filters, 1)",
    "Permute": f"{_NOT_HERE}: use np.transpose on x before it is given to the model",
    "PReLU": f"{_NOT_HERE}: use LeakyReLU(negative_slope), whose slope is not learned",
    **dict.fromkeys(("ELU", "SELU"), f"{_NOT_HERE}: use LeakyReLU() or GELU()"),
    **dict.fromkeys(("SiLU", "Swish", "Mish"), f"{_NOT_HERE}: use GELU(), which is similar"),
    "Softplus": f"{_NOT_HERE}: use ReLU(), which is similar",
    "AlphaDropout": "use Dropout(rate)",
    "CuDNNLSTM": "use LSTM(units)",
    "CuDNNGRU": "use GRU(units)",
    "Cropping2D": f"{_NOT_HERE}: cut x before it is given to the model, x[:, 1:-1, 1:-1]",
    "Lambda": "write a class that derives from nnlite.Layer, with forward and backward",
    "Rescaling": "divide x before it is given to the model, x / 255",
    "Normalization": "scale x before it is given to the model, (x - x.mean(axis=0)) / x.std(axis=0)",
    "Masking": "give fit, evaluate and predict lengths=..., how many steps of each sequence are real",
    "GaussianNoise": f"{_NOT_HERE}: add noise to x, or use Dropout(rate)",
    **dict.fromkeys(
        ("SpatialDropout1D", "SpatialDropout2D"), "use Dropout(rate), which drops single numbers, not channels"
    ),
    "UpSampling2D": f"{_NOT_HERE}: np.repeat enlarges images before they are given to the model",
    # Losses, optimizers and callbacks
    "CrossEntropyLoss": "use SparseCategoricalCrossentropy(from_logits=True), called as loss(y_true, y_pred)",
    "NLLLoss": "use Softmax() as the last layer and SparseCategoricalCrossentropy()",
    "MSELoss": "use MeanSquaredError(), called as loss(y_true, y_pred)",
    "L1Loss": "use MeanAbsoluteError(), called as loss(y_true, y_pred)",
    "BCELoss": "use BinaryCrossentropy(), called as loss(y_true, y_pred)",
    "BCEWithLogitsLoss": "use BinaryCrossentropy(from_logits=True), called as loss(y_true, y_pred)",
    "optim": "the optimizers are in nnlite.optimizers, such as nnlite.optimizers.Adam",
    "StepLR": "give the optimizer a schedule: Adam(StepDecay(...))",
    "ExponentialLR": "give the optimizer a schedule: Adam(ExponentialDecay(...))",
    "CosineAnnealingLR": "give the optimizer a schedule: Adam(CosineDecay(...))",
    "RMSProp": "use RMSprop",
    **dict.fromkeys(("Ftrl", "Lion", "Lamb", "Adafactor"), f"{_NOT_HERE}: use Adam or AdamW"),
    **dict.fromkeys(
        (
            *("Huber", "LogCosh", "KLDivergence", "Hinge", "CosineSimilarity", "Poisson"),
            *("huber", "log_cosh", "kl_divergence", "hinge", "cosine_similarity", "poisson"),
            *("mape", "mean_absolute_percentage_error", "msle", "mean_squared_logarithmic_error"),
        ),
        f"{_NOT_HERE}: write a class with forward(y_true, y_pred) and backward(), as in help(nnlite.losses.Loss)",
    ),
    "Mean": "use np.mean of the numbers",
    "Accuracy": "use 'accuracy', or SparseCategoricalAccuracy() of labels",
    "RootMeanSquaredError": "use MeanSquaredError(), and take its root",
    "Metric": "use nnlite.metrics.NamedMetric, and write __call__(self, y_true, y_pred)",
    "ProgbarLogger": "leave it out: fit shows its progress itself, with verbose=1",
    "Adadelta": f"{_NOT_HERE}: use Adagrad, RMSprop or Adam",
    "Adamax": f"{_NOT_HERE}: use Adam",
    "Nadam": f"{_NOT_HERE}: use Adam",
    "TensorBoard": "use CSVLogger or JSONLogger, and nnlite.plot.learning_curves",
    # Data and the rest
    **dict.fromkeys(("DataLoader", "Dataset", "TensorDataset"), "give fit the arrays, and batch_size= and shuffle="),
    "Tensor": "use a NumPy array",
    "tensor": "use a NumPy array, np.array(...)",
    "from_numpy": "use the NumPy array itself",
    "no_grad": "leave it out: gradients are computed by backward alone",
    "manual_seed": "use nnlite.utils.set_random_seed(seed), or give the model a seed: Sequential([...], seed=0)",
    "datasets": "nnlite.images.load_digits() has pictures of digits, nnlite.text the sonnets",
    "Model": "Model(inputs, outputs) is not here, nor a class derived from it: use Sequential([...])",
    "preprocessing": "nnlite.text.pad_sequences pads, and nnlite.images reads pictures",
    "pad_sequences": "use x, lengths = nnlite.text.pad_sequences([s[-maxlen:] for s in sequences]), and fit(x, y, "
    "lengths=lengths): they end in padding, which is not read",
    "StringLookup": "use np.unique(names, return_inverse=True), which gives names and labels",
    "random": "use np.random.default_rng(seed)",
    **dict.fromkeys(("Tokenizer", "TextVectorization"), "use nnlite.text.Vocabulary.from_text(text), of characters"),
    **dict.fromkeys(("ImageDataGenerator", "RandomFlip", "RandomRotation"), "give fit a generator of changed images"),
    "PyDataset": "write the class without a base: __len__ and __getitem__ are enough",
    "np_utils": "use nnlite.utils.to_categorical",
    **dict.fromkeys(("wrappers", "KerasClassifier", "KerasRegressor"), f"{_NOT_HERE}: use the model itself"),
    "normalize": "divide by the length: x / np.linalg.norm(x, axis=-1, keepdims=True)",
    "image_dataset_from_directory": "read files with matplotlib.pyplot.imread, and put them into one array",
    "set_random_seed": "use nnlite.utils.set_random_seed(seed)",
    **dict.fromkeys(("plot_model", "model_to_dot"), "use model.summary(), or model.explain()"),
    "clone_model": "use Sequential.from_config(model.get_config()), with new weights, or copy.deepcopy(model)",
    "model_from_json": "use Sequential.from_config(json.loads(text))",
    "activations": "use activation='relu' of Dense and Conv2D, or layers: ReLU(), Sigmoid(), Softmax(), Tanh(), GELU()",
    **dict.fromkeys(("constraints", "applications", "ops"), f"{_NOT_HERE}: docs/guides/coming_from.md says what is"),
    **dict.fromkeys(("cuda", "device", "clear_session"), _NO_RUN),
    "GradientTape": "y = model.forward(x); loss.forward(y_true, y); model.backward(loss.backward()) fills model.grads",
    "Variable": "use a NumPy array; weights are in params",
    "backend": "use NumPy; there is no session, leave clear_session() out; learning_rate is a float of the optimizer",
    "keras": "the layers are in nnlite itself, such as nnlite.Dense",
    **{
        name: f"use nnlite.interop.{name}"
        for side in ("keras", "npz", "onnx", "torch")
        for name in (f"from_{side}", f"to_{side}")
    },
    "DataParallel": "use nnlite.distributed.DataParallel: model.compile(DataParallel(Adam()), loss)",
    "DistributedDataParallel": "use nnlite.distributed.DataParallel: model.compile(DataParallel(Adam()), loss)",
    "save": "use model.save(path)",
    "load": "use load_model(path)",
}
for _name in ("Conv3D", "Conv2DTranspose", "Conv3d", "ConvTranspose2d", "MaxPool3D", "ConvLSTM2D"):
    NAMES[_name] = f"{_NOT_HERE}: of convolutions there is Conv2D"
for _name in ("MultiHeadAttention", "MultiheadAttention", "Attention", "Transformer", "TransformerEncoder"):
    NAMES[_name] = f"{_NOT_HERE}: for sequences there are LSTM, GRU and RNN"
for _name in ("Add", "Concatenate", "Multiply", "Average", "Subtract", "Dot", "Maximum"):
    NAMES[_name] = f"{_NOT_HERE}: a layer has one input: the layers stand in a row, in Sequential"
for _name, _loss in {**LOSSES, "l1_loss": "MeanAbsoluteError", "mse_loss": "MeanSquaredError"}.items():
    NAMES[_name] = f"use {_loss}(), called as loss(y_true, y_pred)"
for _name in ("cross_entropy", "crossentropy"):
    NAMES[_name] = "use 'sparse_categorical_crossentropy', for scores SparseCategoricalCrossentropy(from_logits=True)"
for _name, _layer in (("relu", "ReLU"), ("sigmoid", "Sigmoid"), ("tanh", "Tanh"), ("softmax", "Softmax")):
    NAMES[_name] = f"use {_FUNCTION} {_layer}(), or the argument activation={_name!r} of Dense and Conv2D"


def advice(name: str) -> str:
    """What to do without a class or a function of Keras or PyTorch, to follow what says that it is not here.

    Example:
        >>> advice("ELU"), advice("elu"), advice("NoSuchThing")
        (': use LeakyReLU() or GELU()', ': use LeakyReLU() or GELU()', '')
    """
    near = {"swish": "SiLU", **{other.lower(): other for other in ("ELU", "SELU", "SiLU", "Softplus", "Mish")}}
    hint = NAMES.get(near.get(name, name), "").removeprefix(f"{_NOT_HERE}: ")
    return f": {hint}" if hint else ""


def missing(module: str, name: str, there: Iterable[str]) -> Exception:
    """The error for a name that a module does not have, with what it is called here.

    Args:
        module: such as "nnlite.layers".
        there: the names that it has.

    Returns:
        An AttributeError; for `from nnlite import NAME` an ImportError, as Python would hide the message of the other.

    Example:
        >>> str(missing("nnlite", "Linear", ["Dense"]))
        "module 'nnlite' has no attribute 'Linear': use Dense(out_features): the size of the input is found from it"
    """
    message = f"module {module!r} has no attribute {name!r}"
    hint = NAMES.get(name)
    if hint is None and not name.startswith("_"):
        near = difflib.get_close_matches(name.lower(), sorted({n.lower() for n in there}), n=1, cutoff=0.75)
        found = [n for n in there if near and n.lower() == near[0]]
        hint = f"did you mean {found[0]!r}?" if found else None
    if hint is None:
        return AttributeError(message)
    if _is_import(sys._getframe(2)) and (name in NAMES or not _is_submodule(module, name)):
        return ImportError(f"cannot import name {name!r} from {module!r}: {hint}")
    return AttributeError(f"{message}: {hint}")


def getter(module: str, there: Iterable[str]) -> Callable[[str], NoReturn]:
    """The `__getattr__` of a module, which raises `missing`."""

    def __getattr__(name: str) -> NoReturn:
        raise missing(module, name, there)

    return __getattr__


def _is_import(caller):
    """Whether a module's __getattr__ was called for `from module import name`."""
    if caller.f_code.co_name == "_handle_fromlist":  # importlib's, which asks a package first
        return True
    return caller.f_lasti >= 0 and caller.f_code.co_code[caller.f_lasti] == opcode.opmap["IMPORT_FROM"]


def _is_submodule(module, name):
    return hasattr(sys.modules[module], "__path__") and importlib.util.find_spec(f"{module}.{name}") is not None


_IN_LAYERS = "all layers are in nnlite.layers itself, from nnlite.layers import Dense"
_OLD_MODULES = ("core", "recurrent", "convolutional", "pooling", "normalization", "embeddings", "advanced_activations")


class _ModulesElsewhere:
    """Explains `from nnlite.preprocessing.text import ...`: asked last, after Python has looked for the module."""

    def find_spec(self, module: str, path: object = None, target: object = None) -> None:
        package, _, name = module.rpartition(".")
        hint = {"nnlite": NAMES.get(name), "nnlite.layers": _IN_LAYERS if name in _OLD_MODULES else None}.get(package)
        if hint:
            raise ModuleNotFoundError(f"no module named {module!r}: {hint}", name=module)


sys.meta_path.append(_ModulesElsewhere())

"""The texts of derivations: whole tiny examples, as on a slide."""

import math
import re

import numpy as np
import pytest
from pooling import CORNERS, block_in_a_corner

from nnlite import (
    GELU,
    GRU,
    LSTM,
    RNN,
    AvgPool2D,
    Conv2D,
    Dense,
    LayerNorm,
    LeakyReLU,
    MaxPool2D,
    MeanSquaredError,
    Sigmoid,
    Softmax,
    SparseCategoricalCrossentropy,
    Tanh,
    derive,
)


def convolution():
    layer = Conv2D(1, 2)
    layer.build((3, 3, 1))
    layer.params["W"][:, :, 0, 0], layer.params["b"][0] = [[1, 0], [2, -1]], 0.5
    return derive.forward(layer, np.arange(1, 10, dtype="float32").reshape(1, 3, 3, 1))


def max_pooling():
    x = np.array([[1, 3, 0], [2, 4, 4]], "float32").reshape(1, 2, 3, 1)
    return derive.backward(MaxPool2D(2, strides=1), x, np.array([5, -6], "float32").reshape(1, 1, 2, 1))


def one_unit():
    layer = LSTM(1, dtype="float64")
    layer.build((1, 1))
    layer.params["Wx"][0] = [1, 0.5, 2, -1]
    layer.params["Wh"][0] = [0, -2, 1, 0.5]
    return layer, np.array([[[0.5]]]), [np.array([[0.25]]), np.array([[-1.0]])]


def lstm():
    layer, x, state = one_unit()
    return derive.forward(layer, x, initial_state=state)


def lstm_backward():
    layer, x, state = one_unit()
    dstate = [np.array([[0.0]]), np.array([[-0.5]])]
    return derive.backward(layer, x, np.array([[2.0]]), initial_state=state, dstate=dstate, precision=3)


CONVOLUTION = """\
Conv2D(filters=1, kernel_size=2), forward, float32

  y[n,h,w,f] = b[f] + sum over i, j, c of x[n,r,s,c] W[i,j,c,f]
  r = S h + D i - P = h + i
  s = S w + D j - P = w + j

x[0,:,:,0]  0  1  2      W[:,:,0,0]  0   1      b    0
         0  1  2  3               0  1   0         0.5
         1  4  5  6               1  2  -1
         2  7  8  9

y[0,0,0,0] = b[0]                                          = 0.5
           + x[0,0,0,0] W[0,0,0,0] + x[0,0,1,0] W[0,1,0,0] + 1*1 + 2*0
           + x[0,1,0,0] W[1,0,0,0] + x[0,1,1,0] W[1,1,0,0] + 4*2 + 5*(-1) = 4.5

y[0,0,1,0] = b[0]                                          = 0.5
           + x[0,0,1,0] W[0,0,0,0] + x[0,0,2,0] W[0,1,0,0] + 2*1 + 3*0
           + x[0,1,1,0] W[1,0,0,0] + x[0,1,2,0] W[1,1,0,0] + 5*2 + 6*(-1) = 6.5

y[0,1,0,0] = b[0]                                          = 0.5
           + x[0,1,0,0] W[0,0,0,0] + x[0,1,1,0] W[0,1,0,0] + 4*1 + 5*0
           + x[0,2,0,0] W[1,0,0,0] + x[0,2,1,0] W[1,1,0,0] + 7*2 + 8*(-1) = 10.5

y[0,1,1,0] = b[0]                                          = 0.5
           + x[0,1,1,0] W[0,0,0,0] + x[0,1,2,0] W[0,1,0,0] + 5*1 + 6*0
           + x[0,2,1,0] W[1,0,0,0] + x[0,2,2,0] W[1,1,0,0] + 8*2 + 9*(-1) = 12.5

y[0,:,:,0]     0     1      kernel     0     1
         0   4.5   6.5           0   4.5   6.5
         1  10.5  12.5           1  10.5  12.5

The layer computes the same.
   numbers  largest difference  allowed there  at         derived  kernel
y  4        0                   3e-05          [0,0,0,0]  4.5      4.5"""

MAX_POOLING = """\
MaxPool2D(strides=1), backward, float32

  dx[n,h,w,c] = sum of dy[n,i,j,c] over the windows i, j whose largest number is x[n,h,w,c]

x[0,:,:,0]  0  1  2      dy[0,:,:,0]  0   1
         0  1  3  0                0  5  -6
         1  2  4  4

y[0,0,0,0] = max(x[0,0,0,0], x[0,0,1,0], x[0,1,0,0], x[0,1,1,0]) = max(1, 3, 2, 4) = 4
  so dy[0,0,0,0] goes to dx[0,1,1,0]
y[0,0,1,0] = max(x[0,0,1,0], x[0,0,2,0], x[0,1,1,0], x[0,1,2,0]) = max(3, 0, 4, 4) = 4
  so dy[0,0,1,0] goes to dx[0,1,1,0]

dx[0,0,0,0]                                        = 0
dx[0,0,1,0]                                        = 0
dx[0,0,2,0]                                        = 0
dx[0,1,0,0]                                        = 0
dx[0,1,1,0] = dy[0,0,0,0] + dy[0,0,1,0] = 5 + (-6) = -1
dx[0,1,2,0]                                        = 0

dx[0,:,:,0]  0   1  2      kernel  0   1  2
          0  0   0  0           0  0   0  0
          1  0  -1  0           1  0  -1  0

The layer computes the same.
    numbers  largest difference  allowed there  at         derived  kernel
dx  6        0                   0              [0,0,0,0]  0        0"""

LSTM_FORWARD = """\
LSTM(units=1), forward, float64

  z_t = x_t Wx + b + h_{t-1} Wh               four blocks of H columns: z_i, z_f, z_g, z_o
  i, f, o = sigmoid(z_i, z_f, z_o)            the input, forget and output gates
  g = tanh(z_g)                               the candidate
  c_t = f * c_{t-1} + i * g                   the cell state
  h_t = o * tanh(c_t)                         the output

Wx  0    1  2   3      Wh  0   1  2    3      b  0  1  2  3
 0  1  0.5  2  -1       0  0  -2  1  0.5         0  1  0  0

sample n = 0, step t = 0

x_t    0      h_{t-1}     0      c_{t-1}   0
     0.5               0.25               -1

z_i[0] = x_t[0] Wx[0,0] + b[0] + h_{t-1}[0] Wh[0,0] = 0.5*1 + 0 + 0.25*0      = 0.5
z_f[0] = x_t[0] Wx[0,1] + b[1] + h_{t-1}[0] Wh[0,1] = 0.5*0.5 + 1 + 0.25*(-2) = 0.75
z_g[0] = x_t[0] Wx[0,2] + b[2] + h_{t-1}[0] Wh[0,2] = 0.5*2 + 0 + 0.25*1      = 1.25
z_o[0] = x_t[0] Wx[0,3] + b[3] + h_{t-1}[0] Wh[0,3] = 0.5*(-1) + 0 + 0.25*0.5 = -0.375
i[0]   = sigmoid(z_i[0])                 = sigmoid(0.5)                = 0.6225
f[0]   = sigmoid(z_f[0])                 = sigmoid(0.75)               = 0.6792
o[0]   = sigmoid(z_o[0])                 = sigmoid(-0.375)             = 0.4073
g[0]   = tanh(z_g[0])                    = tanh(1.25)                  = 0.8483
c_t[0] = f[0] * c_{t-1}[0] + i[0] * g[0] = 0.6792*(-1) + 0.6225*0.8483 = -0.1512
h_t[0] = o[0] * tanh(c_t[0])             = 0.4073*tanh(-0.1512)        = -0.06111

y         0      kernel         0
0  -0.06111           0  -0.06111

c_last        0      kernel        0
     0  -0.1512           0  -0.1512

Numbers are printed with 4 digits; the computation keeps all.
The layer computes the same."""

LSTM_BACKWARD = """\
sample n = 0, step t = 0

dh_t[0] = dy_t[0] + dh_next[0] = 2 + 0 = 2
dc_t[0] = dh_t[0] * o[0] * (1 - tanh(c_t[0])^2) + dc_next[0]
        = 2*0.407*(1 - tanh(-0.151)^2) + (-0.5) = 0.296
do[0]       = dh_t[0] * tanh(c_t[0])    = 2*tanh(-0.151)             = -0.3
di[0]       = dc_t[0] * g[0]            = 0.296*0.848                = 0.251
df[0]       = dc_t[0] * c_{t-1}[0]      = 0.296*(-1)                 = -0.296
dg[0]       = dc_t[0] * i[0]            = 0.296*0.622                = 0.184
dz_i[0]     = di[0] * i[0] * (1 - i[0]) = 0.251*0.622*(1 - 0.622)    = 0.0591
dz_f[0]     = df[0] * f[0] * (1 - f[0]) = (-0.296)*0.679*(1 - 0.679) = -0.0646
dz_o[0]     = do[0] * o[0] * (1 - o[0]) = (-0.3)*0.407*(1 - 0.407)   = -0.0724
dz_g[0]     = dg[0] * (1 - g[0]^2)      = 0.184*(1 - 0.848^2)        = 0.0517
dc_{t-1}[0] = dc_t[0] * f[0]            = 0.296*0.679                = 0.201

dh_{t-1}[0] = dz_i[0] Wh[0,0] + dz_f[0] Wh[0,1] + dz_g[0] Wh[0,2] + dz_o[0] Wh[0,3]
            = 0.0591*0 + (-0.0646)*(-2) + 0.0517*1 + (-0.0724)*0.5 = 0.145"""


@pytest.mark.parametrize(
    ("derivation", "text"), [(convolution, CONVOLUTION), (max_pooling, MAX_POOLING)], ids=["convolution", "max pooling"]
)
def test_whole_texts_of_numbers_that_are_exact(derivation, text):
    assert str(derivation()) == text


def test_a_step_of_an_lstm():
    head, end, _ = str(lstm()).partition("The layer computes the same.")
    assert head + end == LSTM_FORWARD  # what follows are the last digits, which differ between machines


def test_the_way_back_through_a_step_of_an_lstm():
    assert LSTM_BACKWARD in str(lstm_backward())


@pytest.mark.parametrize("corner", CORNERS)
def test_the_pooled_corners(corner):
    image, means = block_in_a_corner(corner)
    average, largest = (derive.forward(layer, image).check() for layer in (AvgPool2D(2), MaxPool2D(2)))
    assert average.y[0, :, :, 0].tolist() == means
    assert largest.y[0, :, :, 0].tolist() == [[1, 1], [1, 1]]
    window = " + ".join(f"{v:g}" for v in image[0, :2, :2, 0].ravel())
    assert f"/ 4 = ({window})/4 = {means[0][0]:g}" in average.text


def test_one_number_of_a_convolution_with_608_parameters():
    layer = Conv2D(8, 5, seed=0)
    x = np.random.default_rng(0).random((1, 32, 32, 3)).astype("float32")
    derivation = derive.forward(layer, x, at=(0, 27, 27, 7)).check()
    assert layer.parameter_count == 608
    lines = derivation.text.splitlines()
    assert len(lines) < 50
    assert "y[0,27,27,7] = b[7]" in lines
    assert any(
        "+ x[0,31,27,0] W[4,0,0,7] + x[0,31,27,1] W[4,0,1,7] + ... + x[0,31,31,2] W[4,4,2,7]" in s for s in lines
    )
    products = derivation.text.partition("           = 0\n")[2].partition("\n\n")[0]
    assert products.count("*") == 75
    assert "1 of 6272" in lines[-1]


def test_an_equation_is_quoted_to_its_end_although_its_equals_sign_stands_far_to_the_right():
    x, dy = np.zeros((1, 3, 3, 1), "float32"), np.zeros((1, 2, 2, 1), "float32")
    lines = derive.backward(Conv2D(1, 2), x, dy, at={"db": ()}).text.splitlines()
    assert "  db[f]       = sum over n, h, w of dy[n,h,w,f]" in lines


def test_padding_is_shown_as_zeros_around_the_image():
    layer = Conv2D(1, 3, padding="same", seed=0)
    text = str(derive.forward(layer, np.array([[7, 8]], "float32").reshape(1, 1, 2, 1), at=(0, 0, 0)))
    assert "x is 0 outside the image." in text
    lines = [line[:24].rstrip() for line in text.splitlines()]
    start = lines.index("x[0,:,:,0]  -1  0  1  2")
    assert lines[start + 1 : start + 4] == [
        "        -1   0  0  0  0",
        "         0   0  7  8  0",
        "         1   0  0  0  0",
    ]
    assert "x[0,-1,-1,0] W[0,0,0,0]" in text


def test_each_step_says_what_it_starts_from():
    text = str(derive.forward(LSTM(1, input_dim=3, seed=0), np.array([[2, 0], [1, 1]]), at=(1, 1)))
    assert "sample n = 1, step t = 1: x_t is the id 1" in text
    assert "sample n = 0" not in text
    assert "Wx[1,0] + b[0] + h_{t-1}[0] Wh[0,0]" in text


def test_groups_say_which_filters_see_which_channels():
    layer, x = Conv2D(4, 1, groups=2, seed=0), np.ones((1, 1, 1, 4), "float32")
    assert "  Groups: filters 0 to 1 on channels 0 to 1, filters 2 to 3 on channels 2 to 3." in str(
        derive.forward(layer, x)
    )
    text = str(derive.forward(Conv2D(2, 1, groups=2, seed=0), x[..., :2]))
    assert "  Groups: filter 0 on channel 0, filter 1 on channel 1." in text


def test_precision_is_that_of_print_alone():
    layer, x = Dense(1, dtype="float64"), np.array([[1 / 3, 2.0]])
    layer.build((2,))
    layer.params["W"][...] = [[1], [0.1]]
    short, long = (derive.forward(layer, x, precision=p).check() for p in (2, 12))
    assert "0.33*1 + 2*0.1 + 0 = 0.53" in short.text
    assert "0.333333333333*1 + 2*0.1 + 0 = 0.533333333333" in long.text
    assert short.y == long.y == layer(x)
    assert "Numbers are printed with 2 digits; the computation keeps all." in short.text


def test_rounding_is_mentioned_only_if_it_happens():
    x = np.array([[0.1, 0.25, -3, 123456]], "float32")
    assert "Numbers are printed with" not in str(derive.forward(MaxPool2D(1), x.reshape(1, 1, 4, 1)))
    assert "Numbers are printed with" in str(derive.forward(Softmax(), x[:, :3]))


FUNCTIONS = {
    "e": math.e,
    "tanh": math.tanh,
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "Phi": lambda x: math.erfc(-x / math.sqrt(2)) / 2,
    "phi": lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi),
    "max": max,
    "log": math.log,
    "sqrt": math.sqrt,
}


def examples():
    """Texts of layers of every kind, with all digits."""
    x = np.random.default_rng(3).normal(size=(1, 2, 2))
    cells, curves = (LSTM(1), GRU(1), RNN(1)), (Tanh(), Sigmoid(), GELU(), GELU(True), LeakyReLU())
    for layer in (*cells, *curves, Dense(1), Softmax(), LayerNorm()):
        layer = type(layer).from_config({**layer.get_config(), "dtype": "float64"})
        y = layer(x)
        yield derive.forward(layer, x, precision=17, max_lines=999)
        yield derive.backward(layer, x, np.cos(y), precision=17, max_lines=999)
    for loss in (SparseCategoricalCrossentropy(True), SparseCategoricalCrossentropy()):
        yield derive.loss(loss, np.array([[1, 0]]), np.abs(x) / 4, precision=17)
    yield derive.loss(MeanSquaredError(), x, np.cos(x), precision=17)
    image = x.reshape(1, 2, 2, 1)
    for layer in (Conv2D(1, 2, padding=1, dtype="float64"), AvgPool2D(2, 1, "same", dtype="float64")):
        yield derive.forward(layer, image, precision=17)
        yield derive.backward(layer, image, np.cos(layer(image)), precision=17, max_lines=999)


def equations(text):
    """Pairs (numbers, value) of the equations that stand on a line, or have their numbers on one."""
    for line in text.splitlines():
        parts = line.split(" = ")
        if len(parts) == 4 and line[0] != " ":  # name = letters = numbers = value
            yield parts[2:]
        elif len(parts) == 3 and not parts[0].strip():  # numbers = value, below the name and the letters
            yield parts[1:]


def test_the_numbers_in_an_equation_come_to_what_it_says():
    """Whoever types what is printed into a calculator gets what is printed behind the last equals sign."""
    count = 0
    for derivation in examples():
        for numbers, value in equations(derivation.check().text):
            expected = eval(numbers.replace("^", "**"), {"__builtins__": {}}, FUNCTIONS)
            assert float(value) == pytest.approx(expected, rel=1e-9, abs=1e-12), f"{numbers} = {value}"
            count += 1
    assert count > 100


def test_a_table_in_halves_stands_beside_the_same_numbers_of_the_kernel():
    """The kernel's zeros fit into one table, the derived numbers need two."""

    class Zeros(Tanh):
        def forward(self, x, training=False):
            return np.zeros_like(super().forward(x, training))

    x = np.linspace(-2, 2, 24, dtype="float32").reshape(2, 1, 12)
    tables = derive.forward(Zeros(), x).text.partition("The layer computes")[0]
    expected = ["y[0,:,:]", "kernel", "y[0,:,:]", "y[1,:,:]", "kernel", "y[1,:,:]"]
    assert re.findall(r"y\[\d,:,:\]|kernel", tables) == expected

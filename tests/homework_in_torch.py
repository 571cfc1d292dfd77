"""The homework's answers without nnlite: by PyTorch in float64, and by plain Python where there is no network."""

import collections
import itertools
import re

import numpy as np
import torch
from torch.nn import functional as F

torch.set_num_threads(1)  # arrays this small take longer in several


def answers(kind, question, numbers):
    """The answers to a question with these numbers."""
    return globals()[kind](question, **numbers)


def tensor(numbers):
    return torch.tensor(numbers, dtype=torch.float64, requires_grad=True)


def conv_shapes(_, height, width, channels, filters, kernel, stride, padding):
    layer = torch.nn.Conv2d(channels, filters, kernel, stride, padding)
    y = layer(torch.zeros(1, channels, height, width))[0]
    return {
        "parameters": sum(parameter.numel() for parameter in layer.parameters()),
        "output": [*y.shape[1:], y.shape[0]],
        "multiplications": y.numel() * layer.weight[0].numel(),
    }


def pooled_corners(_, block, rest, corners):
    images = torch.full((4, 1, 4, 4), float(rest), dtype=torch.float64)
    for image, corner in zip(images, corners, strict=True):
        vertical, horizontal = corner.split()
        rows = slice(0, 3) if vertical == "top" else slice(1, 4)
        columns = slice(0, 3) if horizontal == "left" else slice(1, 4)
        image[0, rows, columns] = block
    return {"average": F.avg_pool2d(images, 2)[:, 0], "maximum": F.max_pool2d(images, 2)[:, 0]}


def convolution(question, x, W, b, dy):
    x, W, b = tensor([[x]]), tensor([[W]]), tensor([float(b)])
    y = F.conv2d(x, W, b, stride=question.stride, padding=question.padding)
    dx, dW, db = torch.autograd.grad(y, (x, W, b), torch.tensor([[dy]], dtype=torch.float64))
    return {"y": y[0, 0], "dx": dx[0, 0], "dW": dW[0, 0], "db": db[0]}


def lstm_step(question, x, h_before, c_before, Wx, Wh, b, Wy, label, dh_next, dc_next):
    given = [tensor(value) for value in (x, h_before, c_before, Wx, Wh, b, Wy, dh_next, dc_next)]
    x, h_before, c_before, Wx, Wh, b, Wy, dh_next, dc_next = given
    i, f, g, o = (x @ Wx + h_before @ Wh + b).split(question.units)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    c = f * c_before + i * g
    h = o * c.tanh()
    logits = h @ Wy
    loss = F.cross_entropy(logits, torch.tensor(label)) + h @ dh_next + c @ dc_next  # whose last two bring these back
    dh, dc, do, di, df = torch.autograd.grad(loss, (h, c, o, i, f))

    cell = torch.nn.LSTMCell(question.features, question.units, dtype=torch.float64)
    parameters = {"weight_ih": Wx.T, "weight_hh": Wh.T, "bias_ih": b, "bias_hh": torch.zeros_like(b)}
    cell.load_state_dict(parameters)
    for ours, theirs in zip((h, c), cell(x, (h_before, c_before)), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-14)
    forward = {"i": i, "f": f, "o": o, "g": g, "c": c, "h": h, "p": logits.softmax(0)}
    return forward | {"dh": dh, "dc": dc, "do": do, "di": di, "df": df}


def gradient_flow(_, T, b_f, b_o, c, dh, w_small, w_large):
    cell = torch.nn.LSTMCell(1, 1, dtype=torch.float64)
    closed = -1e9
    parameters = {"weight_ih": torch.zeros(4, 1), "weight_hh": torch.zeros(4, 1), "bias_hh": torch.zeros(4)}
    cell.load_state_dict(parameters | {"bias_ih": torch.tensor([closed, b_f, 0, b_o], dtype=torch.float64)})
    f, o = torch.sigmoid(tensor([b_f, b_o])).tolist()
    cells = [tensor([[c / f**T]])]
    for _ in range(T):
        h, after = cell(torch.zeros(1, 1, dtype=torch.float64), (torch.zeros(1, 1, dtype=torch.float64), cells[-1]))
        cells.append(after)
    dc_first, dc_last = torch.autograd.grad(dh * h.sum(), (cells[0], cells[-1]))
    small, large = (_rnn_gradient(w, T) for w in (w_small, w_large))
    steps = next(n for n in itertools.count(1) if w_small**n < 0.01)
    return {
        "gates": [f, o],
        "dc_last": dc_last.item(),
        "dc_first": dc_first.item(),
        "rnn_small": small,
        "rnn_large": large,
        "steps": steps,
    }


def _rnn_gradient(w, T):
    start = h = tensor(0.0)
    for _ in range(T):
        h = torch.tanh(w * h)
    return torch.autograd.grad(h, start)[0].item()


def cleaning(_, raw, letter, word):
    kept = [line.rstrip().lower() for line in raw.split("\n") if re.search("[A-Za-z]", line)]
    cleaned = "\n".join(kept) + "\n"
    counts = collections.Counter(cleaned)
    order = "".join(sorted(counts))
    return {
        "characters": sum(counts.values()),
        "different": len(counts),
        "count": counts[letter],
        "percentage": counts[letter] / sum(counts.values()) * 100,
        "ids": [order.index(character) for character in word],
    }


def minimal_recipe(_, units, characters, length, w, gradients):
    layers = torch.nn.RNN(characters, units, bias=False), torch.nn.Linear(units, characters)
    count = sum(parameter.numel() for layer in layers for parameter in layer.parameters()) + units
    logits, targets = torch.zeros(40, characters, dtype=torch.float64), torch.zeros(40, dtype=torch.int64)
    return {
        "parameters": count,
        "first_loss": F.cross_entropy(logits, targets, reduction="sum").item(),
        "passes": 30_000 / (length / 40),
        "adagrad": _updates(w, gradients, lambda weights: torch.optim.Adagrad(weights, lr=0.1, eps=1e-9)),
        "sgd": _updates(w, gradients, lambda weights: torch.optim.SGD(weights, lr=0.1)),
    }


def _updates(w, gradients, make):
    weight, found = torch.nn.Parameter(torch.tensor(w, dtype=torch.float64)), []
    optimizer = make([weight])
    for gradient in gradients:
        weight.grad = torch.tensor(float(gradient), dtype=torch.float64)
        torch.nn.utils.clip_grad_value_([weight], 5)
        optimizer.step()
        found.append(weight.item())
    return found


def temperature(_, z, u):
    p = torch.stack([torch.softmax(tensor(z) / t, 0) for t in (1.5, 0.75, 0.25)]).detach()
    return {
        "p": p,
        "drawn": [int((row.cumsum(0) <= u).sum()) for row in p],
        "entropy": torch.distributions.Categorical(probs=p).entropy(),
    }


def cnn_shapes(_, height, width, channels, filters, kernels, padding, classes):
    (first, second), (K, L) = filters, kernels
    x, shapes = torch.zeros(1, channels, height, width), []
    layers = [
        torch.nn.Conv2d(channels, first, K, padding=padding),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(first, second, L),
        torch.nn.MaxPool2d(2),
    ]
    for layer in layers:
        x = layer(x)
        shapes.append([*x.shape[2:], x.shape[1]])
    layers.append(torch.nn.Linear(x.numel(), classes))
    parameters = [sum(parameter.numel() for parameter in layer.parameters()) for layer in layers]
    named = {f"after_{number}": shape for number, shape in enumerate(shapes, 1)}
    return named | {"parameters": parameters, "row": x.numel()}


def pool_gradient(_, x, dy):
    x, dy = tensor([[x]]), torch.tensor([[dy]], dtype=torch.float64)
    found = {"maximum": F.max_pool2d(x, 2), "average": F.avg_pool2d(x, 2)}
    gradients = {f"dx_{name}": torch.autograd.grad(y, x, dy)[0] for name, y in found.items()}
    return {name: value[0, 0] for name, value in (found | gradients).items()}


def cross_entropy(_, logits, labels):
    logits = tensor(logits)
    loss = F.cross_entropy(logits, torch.tensor(labels) - 1)
    return {"p": logits.softmax(1), "loss": loss, "dlogits": torch.autograd.grad(loss, logits)[0]}


def as_array(value):
    return value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)

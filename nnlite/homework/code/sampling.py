"""Sampling with temperature."""

from typing import Any

import numpy as np

import nnlite

from .question import Case, CodeQuestion

APART = 1e-3  # least distance of a u from a boundary: there rounding decides


def sample(logits: Any, temperature: float, u: Any) -> tuple[np.ndarray, ...]:
    """The ids that numbers draw."""
    logits = np.asarray(logits, np.float64)
    return (np.array([nnlite.sample(logits, temperature, float(one)) for one in u], np.int64),)


def _probabilities(logits, temperature):
    scaled = np.asarray(logits, np.float64) / temperature
    e = np.exp(scaled - scaled.max())
    return e / e.sum()


def _cases(rng):
    cases = []
    for name, temperature, scale in (
        ("temperature 1", 1.0, 1.0), ("temperature 0.25", 0.25, 0.7), ("temperature 1.5", 1.5, 2.0),
        ("logits of hundreds", 0.75, 300.0), ("all logits near -1000", 1.0, 1.0), ("float32", 0.75, 1.0),
    ):  # fmt: skip
        V = int(rng.integers(6, 10))
        logits = scale * rng.normal(size=V) - (998 if "-1000" in name else 0)
        if "hundreds" in name:  # two that are likely, far above and below 0
            logits = np.array([900.0, -900, 900.5, 850, -700, 899.7])[rng.permutation(6)]
        sums = np.concatenate([[0], _probabilities(logits, temperature).cumsum()])
        u = rng.uniform(size=60)
        u = u[np.abs(u[:, None] - sums).min(axis=1) > APART]
        logits = logits.astype(np.float32) if name == "float32" else logits
        cases.append(Case(name, {"logits": logits, "temperature": temperature, "u": u}))
    return cases


# What students write instead.


def _multiplied(logits, temperature, u):
    return sample(logits, 1 / temperature, u)


def _cold(logits, temperature, u):
    return sample(logits, 1.0, u)


def _likeliest(logits, temperature, u):
    return (np.full(len(u), np.argmax(logits)),)


def _unnormalised(logits, temperature, u):
    scaled = np.asarray(logits, np.float64) / temperature
    sums = np.exp(scaled - scaled.max()).cumsum()
    return (np.minimum(sums.searchsorted(u, side="right"), len(sums) - 1),)


def _overflowing(logits, temperature, u):
    e = np.exp(np.asarray(logits) / temperature)
    return ((e / e.sum()).cumsum().searchsorted(u, side="right"),)


def _one_further(logits, temperature, u):
    return (sample(logits, temperature, u)[0] + 1,)


def _backwards(logits, temperature, u):
    (ids,) = sample(logits[::-1], temperature, u)
    return (len(logits) - 1 - ids,)


SAMPLE = CodeQuestion(
    name="sample",
    title="Sampling with temperature",
    statement="Write `sample(logits, temperature, u)`: the ids that uniform numbers draw from a softmax "
    "with temperature.",
    file="sampling.py",
    results=("ids",),
    right=sample,
    draw=_cases,
    mistakes=(
        ("the logits are multiplied by the temperature: divide", _multiplied),
        ("the temperature is not used", _cold),
        ("the likeliest id is always taken: draw", _likeliest),
        ("the probabilities are not normalised before one is drawn: they should sum to 1", _unnormalised),
        ("exp overflows: subtract the largest logit from all, which changes no probability", _overflowing),
        ("ids are one too large: they begin at 0", _one_further),
        ("the cumulative sum begins at the last id", _backwards),
    ),
)

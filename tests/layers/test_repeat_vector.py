"""RepeatVector, held by the chain of trust; it needs no kernel."""

import numpy as np
import pytest
from chain import Case, ChainOfTrust

from nnlite import RepeatVector


class TestRepeatVector(ChainOfTrust):
    cases = (
        Case("once", lambda **kw: RepeatVector(1, **kw), (3, 4)),
        Case("often", lambda **kw: RepeatVector(7, **kw), (2, 5)),
    )

    def witness(self, torch, layer, x, **params):
        return {"y": x[:, None].expand(-1, layer.n, -1)}


def test_sequences_are_refused():
    with pytest.raises(ValueError, match=r"x: expected shape \(N, F\), got \(2, 3, 4\) with 3 axes"):
        RepeatVector(2).forward(np.ones((2, 3, 4)))
    with pytest.raises(ValueError, match=r"RepeatVector: expected input_shape \(F,\), got \(3, 4\)"):
        RepeatVector(2).output_shape((3, 4))
    with pytest.raises(ValueError, match="n: expected a whole number of at least 1, got 0"):
        RepeatVector(0)

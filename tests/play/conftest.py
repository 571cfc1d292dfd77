"""What tests of live pages share."""

import pytest
from chain import threads
from extras import import_extra

from nnlite.experiment import Digits


@pytest.fixture(scope="session")
def trained_digits(tmp_path_factory):
    """The model of `nnlite digits`."""
    import_extra("sklearn", "digits")
    run = Digits(tmp_path_factory.mktemp("trained") / "digits")
    run.create()
    with threads(1):
        run.fit(verbose=0)
    return run.saved_model()

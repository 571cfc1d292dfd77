"""What a contract of nnlite.testing says of something that breaks it."""

import re

import pytest

from nnlite.testing import ContractError


def assert_caught(check, message, call):
    """Assert that the call fails by this check, with this message."""
    with pytest.raises(ContractError) as raised:
        call()
    report = raised.value.report
    assert check in report.failed, report
    assert re.search(message, report[check].text, re.DOTALL), report[check].text


def alone(contract, check):
    """All other checks of a contract, to be left out."""
    return [name for name in contract.checks if name != check]

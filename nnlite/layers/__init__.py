"""The layers, one file each."""

from .dense import Dense

__all__ = ["Dense"]

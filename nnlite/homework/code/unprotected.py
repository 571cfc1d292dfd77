"""Functions called in this process, as a notebook's and an audit's are: for code that is trusted."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from ..sandbox import DEFAULT, Limits, SandboxError
from ..sandbox.toy import REPLACED


class Unprotected:
    """Stands in for `Sandbox`: it runs a file's text here."""

    def __init__(self, files: Mapping[str, str], file: str, limits: Limits = DEFAULT, **_: Any) -> None:
        self.names: dict[str, Any] = {"__name__": file.removesuffix(".py")}
        try:
            exec(compile(files[file], file, "exec"), self.names)
        except Exception as error:
            raise SandboxError(f"{type(error).__name__}: {error}") from error

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Callable[..., "Unprotected"]:
        """One that has this function, whatever the file."""

        def box(files: Mapping[str, str], file: str, *args: Any, **options: Any) -> "Unprotected":
            found = cls({file: ""}, file)
            found.names[function.__name__] = function
            return found

        return box

    def __enter__(self) -> "Unprotected":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def call(self, function: str, arguments: Mapping[str, Any]) -> tuple[Any, list[str]]:
        """What a function returns. Which arguments it changes is not looked at."""
        own = {name: REPLACED.get(value, value) if isinstance(value, str) else copy.deepcopy(value)
               for name, value in arguments.items()}  # fmt: skip
        try:
            result = self.names[function](*own.values())
        except Exception as error:
            raise SandboxError(f"{type(error).__name__}: {error}") from error
        return (list(result) if isinstance(result, tuple) else result), []

"""Parts of nnlite-learn that are installed on demand, and what to install where one is missing."""

import importlib.util

# Extra of nnlite-learn -> the module that it is installed for.
MODULES = {
    "cli": "typer",
    "digits": "sklearn",
    "graphemes": "regex",
    "images": "PIL",
    "ladder": "Cython",
    "plot": "matplotlib",
    "report": "jinja2",
    "sweep": "joblib",
}


def require(*extras: str) -> None:
    """Say what to install, before any work is done for nothing.

    Raises:
        ImportError: the module of one of these extras is not installed.

    Example:
        >>> from nnlite import extras
        >>> extras.require("cli", "plot")  # nothing to say
    """
    missing = [extra for extra in extras if importlib.util.find_spec(MODULES[extra]) is None]
    if missing:
        modules = " and ".join(MODULES[extra] for extra in missing)
        raise ImportError(
            f'{modules}: expected to be installed: pip install "nnlite-learn[{",".join(missing)}]", '
            f'or every part: pip install "nnlite-learn[all]"'
        )

"""Names of files that are written: what ends otherwise is another file, which is not to be lost."""

import os
from typing import Any


def check_path(what: str, path: Any, ending: str, hint: str = "") -> None:
    """Refuse to write what is no path, or a name that does not end as such files do.

    Args:
        what: begins the message, such as "to_npz: path".
        ending: such as ".npz".
        hint: what else to do about such a name.

    Raises:
        TypeError: it is no path.
        ValueError: the name has another ending.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"{what}: expected the path of a file to write, got {type(path).__name__}{hint}")
    name = os.fsdecode(path)
    if not name.lower().endswith(ending):
        raise ValueError(
            f"{what}: expected a name that ends in {ending}, as that is what is written, got {name!r}: use "
            f"{os.path.splitext(name)[0] + ending!r}{hint}"
        )

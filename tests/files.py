"""Files that tests write many times."""

from pathlib import Path


def write_over(path: Path, data: bytes) -> None:
    """Write the file, without emptying it first: ext4 brings a file that was emptied to the disk at once, which takes a
    millisecond."""
    with open(path, "r+b" if path.exists() else "wb") as file:
        file.write(data)
        file.truncate()

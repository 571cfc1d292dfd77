"""Make a wheel of this machine one for every Linux that is not older: `python wheels/repair.py WHEEL FOLDER`.

auditwheel puts the libraries that the kernels need into the wheel, and says for which Linuxes it is. With a library
comes its licence: wheels/licenses/ has those of libgomp, GCC's OpenMP. A wheel with any other library is refused.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

LICENSES = Path(__file__).parent / "licenses"
OURS, WITH_LIBGOMP = "BSD-3-Clause", "BSD-3-Clause AND GPL-3.0-or-later WITH GCC-exception-3.1"
NOTICE = """\
{names}, in this wheel, is the OpenMP library of GCC, https://gcc.gnu.org, where its source is, unchanged but for its
name. Copyright the Free Software Foundation. Its licence is the GNU General Public License, version 3 or later, with
the GCC Runtime Library Exception, version 3.1: both texts are beside this one.
"""


def repair(wheel: Path, folder: Path) -> None:
    """Write the repaired wheel into the folder."""
    with tempfile.TemporaryDirectory() as scratch:
        run("auditwheel", "repair", wheel, "--wheel-dir", scratch)
        (repaired,) = Path(scratch).glob("*.whl")
        run("wheel", "unpack", repaired, "--dest", scratch)
        (content,) = (path for path in Path(scratch).iterdir() if path.is_dir())
        add_licenses(content)
        run("wheel", "pack", content, "--dest-dir", folder)


def add_licenses(content: Path) -> None:
    """Put the licences of the libraries into the dist-info of an unpacked wheel."""
    libraries = [path.name for path in content.glob("*.libs/*")]
    if unknown := [name for name in libraries if not name.startswith("libgomp-")]:
        sys.exit(f"wheels/repair.py: expected no library but libgomp, got {', '.join(unknown)}: add its licence")
    if not libraries:  # compiled without OpenMP
        return
    (info,) = content.glob("*.dist-info")
    texts = {path.name: path.read_text() for path in LICENSES.iterdir()}
    texts["NOTICE.txt"] = NOTICE.format(names=", ".join(libraries))
    (info / "licenses" / "libgomp").mkdir()
    for name, text in texts.items():
        (info / "licenses" / "libgomp" / name).write_text(text)
    metadata, files = (info / "METADATA").read_text(), "".join(f"License-File: libgomp/{n}\n" for n in sorted(texts))
    for old, new in (
        (f"License-Expression: {OURS}\n", f"License-Expression: {WITH_LIBGOMP}\n"),
        ("License-File: LICENSE\n", f"License-File: LICENSE\n{files}"),
    ):
        if metadata.count(old) != 1:
            sys.exit(f"wheels/repair.py: expected {old.strip()!r} once in METADATA, got {metadata.count(old)} times")
        metadata = metadata.replace(old, new)
    (info / "METADATA").write_text(metadata)


def run(*command: str | Path) -> None:
    """Run a tool that is installed beside this Python; show what it says only if it fails."""
    folders = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(command, env={**os.environ, "PATH": folders}, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"wheels/repair.py: {' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    repair(Path(sys.argv[1]), Path(sys.argv[2]))

"""The first minutes with an nnlite that was installed, away from the checkout: `python tests/smoke.py BACKEND`.

It trains, saves, loads, and runs a command of each kind; where a part is missing, what is said must name it.
`make test-package` runs it on every way to install; it needs nothing but nnlite.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import nnlite
from nnlite.extras import MODULES, require

TINY = ["--units", "8", "--epochs", "1", "--step", "400", "--out", "poems"]
# Each with the extras that it needs beside the command line.
COMMANDS = {
    "--version": (),
    "info": (),
    "train " + " ".join(TINY): ("plot", "report"),
    "train --resume --epochs 2 --out poems": ("plot", "report"),
    "sample poems --length 20 --temperature 0.5": ("plot", "report"),
    "next poems": ("plot", "report"),
    "stats poems --length 100": ("plot", "report"),
    "minimal-rnn --iterations 20 --out minimal": ("plot",),
    "reproduce minimal-rnn --iterations 3": (),
    "sweep --units 4 --adagrad 0.1 --sgd 0.1 --iterations 20 --out sweep": ("plot", "sweep"),
    "digits --filters 2 --epochs 1 --out digits": ("digits", "plot"),
}


def use(backend: str) -> None:
    """Train, save and load in Python."""
    expect(nnlite.get_backend(), backend)
    x = np.random.default_rng(0).normal(size=(64, 4))
    model = nnlite.Sequential([nnlite.Dense(8, activation="tanh"), nnlite.Dense(1)], seed=0)
    model.compile("adam", "mse")
    before, *_, after = model.fit(x, x[:, :1], epochs=20, verbose=0).history["loss"]
    expect(after < before, True)
    nnlite.save_model(model, "model.safetensors")
    expect(np.array_equal(nnlite.load_model("model.safetensors").predict(x), model.predict(x)), True)
    images = np.zeros((2, 8, 8, 1))
    expect(nnlite.Conv2D(3, 3)(images).shape, (2, 6, 6, 3))
    expect(nnlite.LSTM(5)(images[..., 0]).shape, (2, 5))
    model.summary()


def command(line: str, extras: tuple[str, ...]) -> None:
    """Run `nnlite LINE`, which has to work, or to say in one line which extra it lacks."""
    program = Path(sys.executable).with_name("nnlite")
    done = subprocess.run([program, *line.split()], capture_output=True, text=True, timeout=300)
    said = [text for text in done.stderr.splitlines() if not text.startswith("nnlite runs on NumPy")]
    missing = [extra for extra in ("cli", *extras) if not installed(extra)]
    if missing:
        named = missing[:1] if missing[0] == "cli" else missing
        expect((done.returncode, len(said), f"nnlite-learn[{','.join(named)}]" in done.stderr), (1, 1, True), said)
    else:
        expect(done.returncode, 0, done.stderr)
    print(f"nnlite {line}: {f'lacks {missing[0]}, and says so' if missing else 'works'}")


def installed(extra: str) -> bool:
    """Whether the module of an extra is there."""
    try:
        require(extra)
    except ImportError:
        return False
    return True


def expect(found: object, wanted: object, said: object = "") -> None:
    """Stop at what is not as it should be."""
    if found != wanted:
        sys.exit(f"tests/smoke.py: expected {wanted!r}, got {found!r} {said}")


if __name__ == "__main__":
    if (Path(nnlite.__file__).parents[1] / "csrc").is_dir():
        sys.exit("tests/smoke.py: expected an nnlite that was installed, got that of the checkout")
    print(f"nnlite {nnlite.__version__} with {' '.join(filter(installed, MODULES)) or 'no extras'}:")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        use(sys.argv[1])
        print(f"nnlite trains, saves and loads on the backend {sys.argv[1]}")
        for line, extras in COMMANDS.items():
            command(line, extras)

"""What the command says: its name, its version, and lines that break between words."""

import io
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import typer
from commands import COMMAND

import nnlite
from nnlite.cli import UsageError, main, print_line
from nnlite.cli.runs import Output, command
from nnlite.cli.standard_output import StandardOutput

unix = pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def in_terminal(*arguments, columns=60, cwd=None, command=COMMAND):
    """What a command writes, stdout and stderr, in a terminal of that width."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        [*command, *map(str, arguments)], stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd,
        env={**environment, "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(theirs)
    output = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # on Linux the end
            break
        if not part:
            break
        output += part
    process.wait(timeout=60)
    os.close(ours)
    return output.decode()


def test_version(nnlite_command):
    assert nnlite_command("--version") == (
        0,
        f"nnlite {nnlite.__version__}, kernels {nnlite.machine.describe()['kernels']}\n",
        "",
    )


@pytest.mark.parametrize(("line", "listed"), [([], "minimal-rnn"), (["homework"], "grade")])
def test_alone_it_prints_its_help(line, listed, nnlite_command):
    code, output, error = nnlite_command(*line)
    assert (code, error) == (2, "")
    assert re.search(rf"^\W*{listed} ", output, re.MULTILINE)
    assert "completion" not in output  # of which nothing is installed


@pytest.mark.parametrize("line", ["train --recipe minimal-rnn", "train --recipe=sonnets"])
def test_an_option_that_became_a_command(line, nnlite_command):
    code, _, error = nnlite_command(*line.split())
    assert code == 2
    assert error.startswith("nnlite: No such option: --recipe: a recipe is a command of its own: ")
    assert error.endswith(" minimal-rnn\n")


def test_an_error_without_a_text_is_told(monkeypatch, nnlite_command):
    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr("nnlite.cli.app", fail)
    assert nnlite_command("train") == (1, "", "nnlite: not enough memory: ask for less, or end other programs\n")


def raised_from(error, *causes):
    """The error, whose cause is the next one, and so on."""
    if causes:
        error.__cause__ = raised_from(*causes)
    return error


def noted(error, *notes):
    for note in notes:
        error.add_note(note)
    return error


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (KeyboardInterrupt(), 130, ""),
        (typer.Abort(), 130, ""),
        (raised_from(TypeError(), TypeError(), KeyboardInterrupt()), 130, ""),
        (noted(ValueError("a\n  b"), "c", "d"), 1, "nnlite: a b c d\n"),
        (ValueError(), 1, "nnlite: ValueError\n"),
        (raised_from(ValueError("a"), ValueError("b")), 1, "nnlite: a\n"),
        (MemoryError("12 bytes"), 1, "nnlite: 12 bytes\n"),
        (OSError(28, "No space left", "a.txt"), 1, "nnlite: a.txt: No space left\n"),
        (OSError("a socket"), 1, "nnlite: a socket\n"),
        (FileNotFoundError(2, "No such file", "a.txt"), 1, "nnlite: a.txt: No such file\n"),
        (ImportError("no module"), 1, "nnlite: no module\n"),
        (UsageError("What is meant?"), 2, "nnlite: What is meant? Help: "),
        (UsageError("Not this."), 2, "nnlite: Not this. Help: "),
        (UsageError(""), 2, ""),
    ],
    ids=repr,
)
def test_each_error_has_its_line_and_its_code(error, code, line, monkeypatch, nnlite_command):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("nnlite.cli.app", fail)
    found = nnlite_command()
    assert found[:2] == (code, "")
    assert found[2].startswith(line)
    assert found[2].endswith(" --help\n") if line.endswith("Help: ") else found[2] == line


@pytest.mark.parametrize(("error", "variable"), [(RuntimeError("a fault"), ""), (ValueError("a"), "1")], ids=repr)
def test_a_fault_of_the_program_has_its_traceback_and_ends_all_ranks(error, variable, monkeypatch):
    def fail(*_, **__):
        raise error

    ended = []
    monkeypatch.setattr("nnlite.cli.app", fail)
    monkeypatch.setattr("nnlite.distributed.mpi.abort_at_exit", lambda: ended.append(1))
    monkeypatch.setenv("NNLITE_TRACEBACK", variable)
    with pytest.raises(type(error)) as raised:
        main([])
    assert raised.value is error
    assert ended == [1]


@pytest.mark.filterwarnings("always")
def test_a_warning_is_a_line_and_comes_once(monkeypatch, nnlite_command):
    def warn(*_, standalone_mode, **__):
        for message in ("one", "two", "one"):
            warnings.warn(message, stacklevel=1)
        print("all of it")
        return 3 if not standalone_mode else 4

    monkeypatch.setattr("nnlite.cli.app", warn)
    assert nnlite_command() == (3, "all of it\n", "nnlite: one\nnnlite: two\n")


def test_a_line_for_a_closed_or_full_standard_error_is_lost(monkeypatch):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    for stream in (None, Full()):
        monkeypatch.setattr("sys.stderr", stream)
        print_line("a message")


@pytest.mark.parametrize(("errors", "shown"), [("strict", rb"\u53e4"), ("replace", b"?")])
def test_a_character_that_standard_output_lacks_stops_nothing(errors, shown):
    raw = io.BytesIO()
    output = StandardOutput(io.TextIOWrapper(raw, "ascii", errors), pytest.fail)
    assert output.write("古") == 1
    output.flush()
    assert raw.getvalue() == shown
    assert output.encoding == "ascii"


@pytest.mark.parametrize(
    ("word", "written"), [(Path("-a"), "./-a"), ("-a", "-a"), (Path("a b"), "'a b'"), (Path("a"), "a"), (0.5, "0.5")]
)
def test_a_word_of_a_command_can_be_pasted(word, written):
    assert command(word).endswith(f" {written}") or command(word).endswith(f"nnlite {written}")


@unix
def test_in_a_folder_that_was_removed(tmp_path, monkeypatch, nnlite_command):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    (tmp_path / "text.txt").write_text("to be, or not to be\n" * 99)
    for line in (["zoo", "lstm-07"], ["play"], ["train", "--text", tmp_path / "text.txt"], ["stats", "text.txt"]):
        code, _, error = nnlite_command(*line)
        assert (code, error.splitlines()[-1]) == (
            1,
            "nnlite: the folder that this terminal is in was removed: change to another one",
        )
    code, _, error = nnlite_command("stats", tmp_path / "none.txt")
    assert (code, error) == (1, f"nnlite: {tmp_path / 'none.txt'}: No such file or directory\n")


@unix
@pytest.mark.parametrize(
    "closed", ["<&- >&- 2>&-", *(pytest.param(one, marks=pytest.mark.long) for one in (">&-", "2>&-"))]
)
def test_a_sweep_needs_no_standard_streams(closed, tmp_path):
    line = "sweep", "--units=4", "--adagrad=0.1", "--sgd=0.01", "--iterations=5", "--out", tmp_path / "sweep"
    shell = "sh", "-c", f'"$@" {closed}', "sh"
    assert subprocess.run([*shell, *COMMAND, *line], capture_output=True).returncode == 0
    assert (tmp_path / "sweep" / "curves.png").exists()


def test_a_backend_of_matplotlib_that_is_none_changes_nothing(tmp_path):
    (tmp_path / "poem.txt").write_text("shall i compare thee\n")
    done = subprocess.run(
        [*COMMAND, "stats", "poem.txt"], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "MPLBACKEND": "nonsense"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@unix
def test_ctrl_c_before_the_command_is_imported_is_silent():
    program = (
        "import os, signal; from nnlite import __main__, extras;"
        "extras.require = lambda *_: os.kill(os.getpid(), signal.SIGINT); __main__.main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_no_garbage_is_looked_for_while_the_command_is_imported():
    program = (
        "import gc, sys; from nnlite import start, __main__; start.begin(); off = not gc.isenabled();"
        "from nnlite import cli; cli.main = lambda: sys.exit(not (off and gc.isenabled() and gc.get_freeze_count()))"
        "; __main__.main()"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


@pytest.fixture(params=["nnlite", "python -m nnlite"])
def entry(request, tmp_path):
    """The command as pip installs it, and as a module."""
    if request.param != "nnlite":
        return COMMAND
    (tmp_path / "nnlite").write_text("from nnlite.__main__ import main\nmain()\n")
    return [sys.executable, tmp_path / "nnlite"]


def with_environment(**variables):
    path = os.pathsep.join([str(Path(nnlite.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, **variables}


@pytest.mark.parametrize("wrong", [{"NNLITE_BACKEND": "x"}, {"NNLITE_NUM_THREADS": "0"}])
def test_a_wrong_environment_is_a_line(entry, wrong):
    done = subprocess.run([*entry, "info"], capture_output=True, text=True, env=with_environment(**wrong))
    assert (done.returncode, done.stdout) == (1, "")
    (name,) = wrong
    assert re.fullmatch(rf"nnlite: {name}: expected .*\n", done.stderr)


@unix
def test_ctrl_c_while_the_package_is_imported_is_silent(entry, tmp_path):
    (tmp_path / "numpy.py").write_text("import signal; signal.raise_signal(signal.SIGINT)")
    environment = with_environment()
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), environment["PYTHONPATH"]])
    done = subprocess.run([*entry, "info"], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


class TestWrapping:
    def words_of(self, output):
        return ESCAPE.sub("", output).split()

    @unix
    def test_an_error_breaks_between_words(self, tmp_path):
        output = in_terminal("train", "--text", "nothing.txt", "--dropout", "0.5", cwd=tmp_path, columns=30)
        error = subprocess.run(
            [*COMMAND, "train", "--text", "nothing.txt"], cwd=tmp_path, capture_output=True, text=True
        ).stderr
        assert error.count("\n") == 1
        assert self.words_of(output) == error.split()
        assert output.count("\n") > 1
        assert max(map(len, output.splitlines())) <= 30

    @unix
    def test_a_path_stays_whole(self, tmp_path):
        name = "a-very-long-name" * 4
        assert name in in_terminal("train", "--text", name, cwd=tmp_path, columns=30)

    @unix
    def test_other_lines_break_between_words(self, tmp_path):
        output = ESCAPE.sub("", in_terminal("reproduce", "minimal-rnn", "--iterations=2", "--units=4", columns=50))
        assert "Largest difference in 2 iterations" in output
        assert max(len(line.rstrip()) for line in output.splitlines()) <= 50
        flat = " ".join(output.split())
        assert re.search(r"between two gradients, \S+ between two weights after an update\.", flat)

    def test_elsewhere_nothing_breaks(self):
        done = subprocess.run(
            [*COMMAND, "reproduce", "minimal-rnn", "--iterations=2", "--units=4"],
            capture_output=True, text=True, env={**os.environ, "COLUMNS": "50"},
        )  # fmt: skip
        assert re.search("\nLargest difference .* after an update[.]\n", done.stdout)

    def test_a_command_to_copy_stays_whole(self):
        output = Output(file=io.StringIO(), force_terminal=True, width=10)
        output.print("nnlite train --resume", soft_wrap=True)
        assert output.file.getvalue() == "nnlite train --resume\n"


@pytest.mark.parametrize(
    "sizes",
    [
        {"COLUMNS": "0", "LINES": "0"}, {"COLUMNS": "²", "LINES": "9" * 5000},
        {"COLUMNS": "1" + "0" * 400, "TERMINAL_WIDTH": "wide"}, {"COLUMNS": "100000000", "LINES": "²"},
        {"COLUMNS": "1"}, {"COLUMNS": "039", "TERMINAL_WIDTH": "7"},
    ],
)  # fmt: skip
def test_a_terminal_without_a_size_has_the_usual_one(sizes):
    done = subprocess.run(
        [*COMMAND, "--help"], capture_output=True, text=True, encoding="utf-8", timeout=30,
        env={**os.environ, "PYTHONUTF8": "1", **sizes},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "Learn Shakespeare's sonnets" in done.stdout
    assert max(map(len, done.stdout.splitlines())) == 80


class TestTheNameOfTheProgram:
    def started_as(self, monkeypatch, program, path=""):
        monkeypatch.setattr(sys, "argv", [program])
        monkeypatch.setenv("PATH", path)

    def test_as_it_was_typed(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        program = tmp_path / ".venv/bin/nnlite"
        program.parent.mkdir(parents=True)
        program.touch(mode=0o755)
        for typed in (".venv/bin/nnlite", str(program)):
            self.started_as(monkeypatch, typed)
            assert command("train") == f"{Path('.venv/bin/nnlite')} train"
        self.started_as(monkeypatch, str(program), path=str(program.parent))
        assert command("train") == "nnlite train"
        monkeypatch.chdir(program.parent)
        self.started_as(monkeypatch, str(program))
        assert command("train") == "./nnlite train"  # a shell does not look in its own folder
        for module in ("-c", str(Path(nnlite.__path__[0], "__main__.py"))):
            self.started_as(monkeypatch, module)
            assert command("train").endswith(" -m nnlite train")

    @unix
    def test_in_a_folder_that_was_removed(self, tmp_path, monkeypatch):
        (tmp_path / "gone").mkdir()
        monkeypatch.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        self.started_as(monkeypatch, "/opt/bin/nnlite")
        assert command("train") == "/opt/bin/nnlite train"
        monkeypatch.chdir(tmp_path)  # which can be gone back to

    @pytest.mark.skipif(os.name == "nt", reason="a script with a first line that names its interpreter")
    @pytest.mark.parametrize(
        ("arguments", "line"),
        [
            (["trian"], "Help: bin/nnlite --help"),
            (["train", "--unit", "3"], "Help: bin/nnlite train --help"),
            (["train", "--help"], "Usage: bin/nnlite train [OPTIONS]"),
            (["train", "--help"], "  bin/nnlite train --text faust.txt"),
            (["--help"], "Start with bin/nnlite train:"),
            (["stats"], "no run under runs/ yet: bin/nnlite train makes one"),
            (["sample"], "that nnlite ships with. bin/nnlite train trains your own."),
            (["train", "--recipe", "minimal-rnn"], "command of its own: bin/nnlite minimal-rnn"),
        ],
    )
    def test_in_all_that_is_printed(self, arguments, line, tmp_path):
        program = tmp_path / "bin/nnlite"
        program.parent.mkdir()
        program.write_text(f"#!{sys.executable}\nfrom nnlite.cli import main\nmain()\n")
        program.chmod(0o755)
        done = subprocess.run(["bin/nnlite", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert line in done.stdout + done.stderr
        assert not re.search(r"(?<!bin/)(?<!^)nnlite (train|--help|sample)", done.stdout + done.stderr)


def screen(output):
    """What a terminal shows of it: text that is redrawn in place is gone."""
    lines, row, column = [""], 0, 0
    for token in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|.|\n", output, re.DOTALL):
        if token == "\n":
            row += 1
        elif token == "\r":
            column = 0
        elif token.startswith("\x1b"):
            if token.endswith("A"):
                row -= int(token[2:-1] or 1)
            elif token.endswith("K"):
                lines[row] = ""
        else:
            lines[row] = lines[row][:column].ljust(column) + token + lines[row][column + 1 :]
            column += 1
        lines += [""] * (row + 1 - len(lines))
    return [line.rstrip() for line in lines]


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """What the minimal recipe writes in a terminal."""
    arguments = "minimal-rnn", "--units=20", "--iterations=4000"
    return in_terminal(*arguments, columns=100, cwd=tmp_path_factory.mktemp("bar"))


@unix
class TestTheMinimalRecipesBar:
    def test_samples_begin_on_a_line_of_their_own(self, output):
        lines = screen(output)
        for number in range(5):
            thousands = f"{number:},000" if number else "0"
            assert any(line.startswith(f"iteration {thousands}: ") for line in lines), number

    def test_the_bar_leaves_nothing_behind(self, output):
        assert "━" in output
        assert not any("━" in line and "layer" not in line and "┏" not in line and "┡" not in line
                       for line in screen(output))  # fmt: skip

    def test_all_losses_are_per_character(self, output):
        shown = re.findall(r"loss (\d+\.\d+)", ESCAPE.sub("", output)) + re.findall(r": (\d+\.\d+) nats", output)
        assert len(shown) > 10
        assert all(1.5 < float(loss) < 4 for loss in shown)

"""The benchmarks' tables, and what is told of their results. What is timed is not run here."""

import importlib
import json
from pathlib import Path

import bench_import
import compare
import pytest
import report
import work

ROOT = Path(__file__).parent.parent


def row(ratio, dtype="float32", peer="PyTorch", threads=1, operations=2e9):
    times = {"nnlite": [0.002, 0.001, 0.004], peer: [0.002 * ratio, 0.001 * ratio, 0.004 * ratio]}
    one = work.Work(f"a product of {dtype} beside {peer}", {}, operations, dtype=dtype)
    return compare.row_of("dense", one, threads, times, peak=4e12)


def test_no_two_rows_have_one_name():
    modules = [importlib.import_module(path.stem) for path in (ROOT / "bench").glob("bench_*.py")]
    assert bench_import in modules
    assert len(work.all_works()) == sum(len(module.WORKS) for module in modules)


def test_imports_are_of_bytecode(monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    bench_import.importing("sys; assert not sys.dont_write_bytecode")()()


def test_every_contestant_is_nnlite_or_a_known_peer():
    assert {name for one in work.all_works().values() for name in one.contestants} == work.PACKAGES.keys() - {
        "reference"
    }


def test_a_row_tells_ratio_share_and_limit():
    told = row(1.5, threads=2)
    assert told["seconds"]["nnlite"] == 0.002
    assert (told["peer"], told["ratio"], told["share"]) == ("PyTorch", pytest.approx(1.5), pytest.approx(0.125))
    assert told["limit"] == pytest.approx(1.5 / 0.125)


@pytest.mark.parametrize(
    ("ratio", "dtype", "peer", "loses"),
    [
        *((1.01, "float32", "PyTorch", False), (0.99, "float32", "JAX", True), (0.4, "float32", "NumPy", False)),
        *((0.95, "float64", "PyTorch", False), (0.89, "float64", "PyTorch", True)),
    ],
)
def test_a_row_loses_below_1_or_in_float64_below_0_9(ratio, dtype, peer, loses):
    assert row(ratio, dtype, peer)["loses"] is loses


def test_the_mean_is_geometric_and_leaves_numpy_out():
    told = report.summary([row(0.5), row(8.0), row(100.0, peer="NumPy"), row(2.0, threads=2)])
    assert told.startswith("Geometric mean of 3 ratios: 2.00 (2.00 with 1 thread, 2.00 with 2 threads).")
    assert told.endswith("Below 1.0 (0.9 in float64): 1.")


def test_the_table_fits_120_columns(capsys):
    report.show([row(0.5), row(800.0, peer="ONNX Runtime", dtype="float64")])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 120
    assert ["0.50 <" in line for line in lines if "a product" in line] == [True, False]


def test_json_and_picture_are_saved(tmp_path):
    rows = [row(0.5), row(2.0, threads=2), row(0.5, peer="NumPy")]
    report.save(tmp_path / "new" / "speed.json", {"CPU": "a CPU"}, rows)
    assert json.loads((tmp_path / "new" / "speed.json").read_text())["rows"] == rows
    assert (tmp_path / "new" / "speed.png").read_bytes().startswith(b"\x89PNG")

"""IDX files: what was written is read, what is damaged is refused, and no file makes the reader take much memory."""

import gzip
import os
import struct
import tracemalloc

import numpy as np
import pytest
from files import write_over
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nnlite.images import IDXError, load_idx

CODES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}

any_array = arrays.arrays(
    st.sampled_from([*CODES]).map(np.dtype), arrays.array_shapes(min_dims=0, max_dims=6, min_side=0, max_side=4)
)
IMAGES = np.random.default_rng(0).integers(256, size=(5, 4, 3)).astype("uint8")


def idx(array):
    """The bytes of an IDX file, by the description of the format."""
    header = struct.pack(">BBBB", 0, 0, CODES[array.dtype.name], array.ndim)
    sizes = b"".join(struct.pack(">I", size) for size in array.shape)
    return header + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()


def header(code, *sizes):
    return struct.pack(f">BBBB{len(sizes)}I", 0, 0, code, len(sizes), *sizes)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Of a file that tests write anew."""
    return tmp_path_factory.mktemp("idx") / "file"


def read(path, data):
    write_over(path, data)
    return load_idx(path)


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


# What is read


@given(array=any_array, zipped=st.booleans())
def test_round_trip(path, array, zipped):
    data = idx(array)
    found = read(path, gzip.compress(data, 1) if zipped else data)
    assert same(found, array)
    assert found.dtype.isnative
    assert found.flags.c_contiguous
    assert found.flags.writeable


def test_the_bytes_of_a_known_file(path):
    """So that reader and writer cannot be wrong together."""
    assert read(path, bytes.fromhex("00000b01 00000003 0001 8000 fffe")).tolist() == [1, -32768, -2]
    assert read(path, bytes.fromhex("00000c02 00000001 00000002 00000100 ffffffff")).tolist() == [[256, -1]]
    assert read(path, bytes.fromhex("00000d01 00000001 3fc00000")).tolist() == [1.5]
    assert read(path, bytes.fromhex("00000e01 00000001 c000000000000000")).tolist() == [-2.0]
    assert read(path, bytes.fromhex("00000902 00000002 00000001 7f80")).tolist() == [[127], [-128]]
    assert read(path, bytes.fromhex("00000803 00000001 00000002 00000001 00ff")).tolist() == [[[0], [255]]]


def test_the_name_does_not_matter(tmp_path):
    for name, data in (("plain.gz", idx(IMAGES)), ("zipped-idx3-ubyte", gzip.compress(idx(IMAGES)))):
        (tmp_path / name).write_bytes(data)
        for path in (tmp_path / name, str(tmp_path / name), os.fsencode(tmp_path / name)):
            assert same(load_idx(path), IMAGES)


def test_gzip_in_several_members(path):
    data = idx(IMAGES)
    assert same(read(path, gzip.compress(data[:9]) + gzip.compress(b"") + gzip.compress(data[9:])), IMAGES)


def test_more_than_one_piece(path):
    array = np.arange(300_000, dtype="float64").reshape(3, 100_000)
    for data in (idx(array), gzip.compress(idx(array), 1)):
        assert same(read(path, data), array)


# What is refused

REFUSED = {
    "empty": (b"", "expected an IDX file, gzipped or not, .*got a file that is empty"),
    "short": (b"\0\0\x08", "expected an IDX file.*got a file that begins with"),
    "text": (b"<!DOCTYPE html>", r"expected an IDX file, .* two zero bytes.*got a file that begins with b'<!DO'"),
    "zip": (b"PK\x03\x04" + bytes(50), "expected an IDX file"),
    "type": (header(0x0A, 1) + b"\0", "expected .*one of 0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e"),
    "byte order": (b"\x03\x08\0\0" + bytes(12), "expected an IDX file"),
    "sizes missing": (header(0x08, 3, 2)[:9], "promises 2 axes, but the file ends before their sizes"),
    "numbers missing": (idx(IMAGES)[:-1], r"promises 60 bytes, uint8 of shape \(5, 4, 3\), but the file ends after 59"),
    "half a number": (idx(np.zeros(3, "int32"))[:-2], "promises 12 bytes.* ends after 10"),
    "too long": (idx(IMAGES) + b"\0", "promises 60 bytes.* continues after them"),
    "axes": (header(0x08, *[1] * 33) + b"\0", "expected at most 32 axes, got a header that promises 33"),
    "4 GiB": (header(0x08, 2**32 - 1) + bytes(92), r"at most max_bytes=1,073,741,824, .*4294967295"),
    "beyond all numbers": (header(0x0E, *[2**32 - 1] * 32), "expected at most max_bytes"),
    "nothing of much": (header(0x0E, 0, *[2**32 - 1] * 31), "expected at most max_bytes"),
    "gzip cut off": (gzip.compress(idx(IMAGES))[:-9], "gzip data end too early"),
    "gzip without its end": (gzip.compress(idx(IMAGES))[:-8], "gzip data end too early"),
    "gzip header alone": (b"\x1f\x8b", "gzip data"),
    "gzip of nothing": (gzip.compress(b""), "got a file that is empty"),
    "gzip of text": (gzip.compress(b"hello"), "begins with b'hell'"),
    "gzip and more": (gzip.compress(idx(IMAGES)) + b"more", "gzip data are damaged"),
    "gzip twice": (gzip.compress(gzip.compress(idx(IMAGES))), "expected an IDX file"),
    "gzip of too much": (gzip.compress(idx(IMAGES) + b"\0"), "continues after them"),
    "checksum": (gzip.compress(idx(IMAGES))[:-8] + bytes(8), "gzip data are damaged: CRC check failed"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses(path, name):
    data, message = REFUSED[name]
    with pytest.raises(IDXError, match=message) as caught:
        read(path, data)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_files_that_cannot_be_opened(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_idx(tmp_path / "nothing")
    with pytest.raises(OSError, match=str(tmp_path)):
        load_idx(tmp_path)
    with pytest.raises(TypeError):
        load_idx(3)


@given(array=any_array, zipped=st.booleans(), data=st.data())
def test_cut_off_anywhere(path, array, zipped, data):
    whole = gzip.compress(idx(array), 1) if zipped else idx(array)
    with pytest.raises(IDXError):
        read(path, whole[: data.draw(st.integers(0, len(whole) - 1))])


@settings(max_examples=300)
@given(array=any_array, zipped=st.booleans(), data=st.data())
def test_any_byte_changed(path, array, zipped, data):
    """Either the file is refused, or it is the file of another array; gzipped ones notice what changes the numbers."""
    changed = bytearray(gzip.compress(idx(array), 1) if zipped else idx(array))
    at = data.draw(st.integers(0, len(changed) - 1))
    changed[at] ^= data.draw(st.integers(1, 255))
    try:
        found = read(path, changed)
    except IDXError:
        return
    assert same(found, array) if zipped else idx(found) == bytes(changed)


@given(data=st.binary(max_size=60))
def test_any_bytes(path, data):
    for start in (b"", b"\0\0\x08\1", b"\x1f\x8b\x08\0"):
        try:
            assert idx(read(path, start + data)) == start + data
        except IDXError:
            continue


# How much memory it takes


def peak(path):
    """The most memory that was taken to refuse a file."""
    tracemalloc.start()
    try:
        with pytest.raises(IDXError):
            load_idx(path, max_bytes=2**40)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_promise_costs_nothing(path):
    for data in (header(0x08, 2**32 - 1) + bytes(92), gzip.compress(header(0x0E, 2**16, 2**16) + bytes(92))):
        path.write_bytes(data)
        assert peak(path) < 2**20


def test_a_gzip_bomb_is_not_unpacked(path):
    """A file of 64 kB that unpacks to 64 MiB: no more of it is read than it promises, and one byte."""
    path.write_bytes(gzip.compress(header(0x08, 10) + bytes(2**26)))
    assert path.stat().st_size < 2**17
    assert peak(path) < 2**20


def test_max_bytes(path):
    path.write_bytes(idx(IMAGES))
    assert same(load_idx(path, max_bytes=60), IMAGES)
    with pytest.raises(IDXError, match=r"at most max_bytes=59, .*: if the file is really that large"):
        load_idx(path, max_bytes=59)

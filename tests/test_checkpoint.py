"""Checkpoints: every value back as it was, and no damage that goes unnoticed."""

import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
from disk import disk_full_after

from kerasgan import backend, checkpoint
from kerasgan.errors import InputError

DTYPES = ["float32", "float16", "bfloat16", "int32", "int64", "uint8", "uint32", "bool"]
SHAPES = [(), (7,), (3, 1, 2), (0, 4), (70, 50)]


def variable(shape, dtype, seed):
    values = np.random.default_rng(seed).uniform(0, 200, shape)
    return keras.Variable(values > 100 if dtype == "bool" else values.astype(dtype), dtype=dtype, trainable=False)


def numbers(variables):
    return [keras.ops.convert_to_numpy(v) for v in variables]


def training(folder, steps=(1, 2), length=5000):
    """Variables, a checkpoint of each of some moments, and the variables' values then."""
    variables = [variable((length,), "float32", 0), variable((), "int32", 1)]
    paths, values = [], []
    for step in steps:
        variables[0].assign(np.full(length, step))
        variables[1].assign(step)
        paths.append(checkpoint.write(folder, variables, {"steps": step, "epoch": -step}))
        values.append(numbers(variables))
    return variables, paths, values


def assert_read(found, values, step):
    arrays, meta = found
    assert (meta["steps"], meta["epoch"]) == (step, -step)
    for array, value in zip(arrays, values, strict=True):
        np.testing.assert_array_equal(array, value, strict=True)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_values_come_back_with_their_dtype_and_shape(tmp_path, dtype, shape):
    if (backend.NAME, dtype) == ("jax", "int64"):
        pytest.skip("JAX has no int64 unless asked for")
    variables = [variable(shape, dtype, seed) for seed in (0, 1)]
    before = numbers(variables)
    checkpoint.write(tmp_path, variables, {"steps": 3, "note": "ü"})
    values, meta = checkpoint.read_newest(tmp_path)
    assert (meta["steps"], meta["note"]) == (3, "ü")
    for value, kept in zip(values, before, strict=True):
        np.testing.assert_array_equal(value, kept, strict=True)
    for v in variables:
        v.assign(np.zeros(shape, v.dtype))
    checkpoint.restore(variables, values)
    for now, kept in zip(numbers(variables), before, strict=True):
        np.testing.assert_array_equal(now, kept, strict=True)


@pytest.mark.parametrize("special", [np.nan, np.inf, -0.0, 1e-45, 3.4e38])
def test_special_values_come_back_bit_for_bit(tmp_path, special):
    v = keras.Variable(np.array([special, 1.0], "float32"), trainable=False)
    bits = numbers([v])[0].tobytes()
    checkpoint.write(tmp_path, [v], {"steps": 0})
    assert checkpoint.read_newest(tmp_path)[0][0].tobytes() == bits


def test_the_newest_two_are_kept_and_the_newest_is_read(tmp_path):
    # Numbers whose names sort differently as text and as numbers, were they not padded.
    _, paths, values = training(tmp_path, steps=(8, 9, 10, 100))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint-000000010.npz", "checkpoint-000000100.npz"]
    assert paths[-1] == tmp_path / "checkpoint-000000100.npz"
    assert_read(checkpoint.read_newest(tmp_path), values[-1], 100)


def test_writing_the_same_moment_again_replaces_it(tmp_path):
    training(tmp_path, steps=(1,), length=3)
    _, _, values = training(tmp_path, steps=(1,), length=4)
    assert_read(checkpoint.read_newest(tmp_path), values[0], 1)


@pytest.mark.parametrize("exists", [True, False])
def test_a_folder_without_checkpoints_gives_none(tmp_path, exists):
    folder = tmp_path if exists else tmp_path / "absent"
    assert checkpoint.read_newest(folder) is None


def truncated(content):
    return content[: len(content) // 2]


def one_byte_short(content):
    return content[:-1]


def emptied(content):
    return b""


def flipped_in_array(content):
    return flipped(content, len(content) // 2, 0x01)


def flipped_in_meta(content):
    return flipped(content, content.index(b"e\0\0\0p\0\0\0o\0\0\0c\0\0\0h"), 0x01)


def flipped_in_array_shape(content):
    """(5000,) to (1000,): NumPy then reads the first part of the array only, and no checksum."""
    return flipped(content, content.index(b"(5000,)") + 1, 0x04)


def flipped_in_directory(content):
    """The compression method in the archive's table of contents."""
    return flipped(content, content.rindex(b"PK\x01\x02") + 10, 0x01)


def zeroed_in_array(content):
    """A page the disk never received."""
    return content[:8192] + bytes(4096) + content[12288:]


def flipped(content, index, mask):
    return content[:index] + bytes([content[index] ^ mask]) + content[index + 1 :]


DAMAGES = [
    truncated,
    one_byte_short,
    emptied,
    flipped_in_array,
    flipped_in_meta,
    flipped_in_array_shape,
    flipped_in_directory,
    zeroed_in_array,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_and_the_one_before_is_used(tmp_path, damage):
    _, paths, values = training(tmp_path)
    paths[1].write_bytes(damage(paths[1].read_bytes()))
    with pytest.warns(RuntimeWarning, match="checkpoint-000000002.npz' is damaged .*trying the one before it"):
        assert_read(checkpoint.read_newest(tmp_path), values[0], 1)


def test_no_flipped_byte_changes_what_is_read(tmp_path):
    _, paths, values = training(tmp_path, length=9)
    content = paths[1].read_bytes()
    steps_read = []
    for index in range(0, len(content), 3):
        paths[1].write_bytes(flipped(content, index, 0xFF))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            found = checkpoint.read_newest(tmp_path)
        steps_read.append(found[1]["steps"])
        assert_read(found, values[steps_read[-1] - 1], steps_read[-1])
    assert set(steps_read) == {1, 2}  # some bytes, a date say, mean nothing


def test_damage_to_all_of_them_is_an_error(tmp_path):
    _, paths, _ = training(tmp_path)
    for path in paths:
        path.write_bytes(truncated(path.read_bytes()))
    with (
        pytest.warns(RuntimeWarning, match="is damaged") as found,
        pytest.raises(InputError, match=r"Every checkpoint in '.*' is damaged"),
    ):
        checkpoint.read_newest(tmp_path)
    assert [Path(p.name).name in str(w.message) for p, w in zip(paths[::-1], found, strict=True)] == [True, True]


@pytest.mark.parametrize("shapes", [[(5000,)], [(5000,), (), ()], [(5000,), (1,)], [(), (5000,)]])
def test_values_of_another_model_are_refused_and_nothing_is_assigned(tmp_path, shapes):
    training(tmp_path)
    values, _ = checkpoint.read_newest(tmp_path)
    others = [variable(shape, "float32", seed=5) for shape in shapes]
    before = numbers(others)
    with pytest.raises(InputError, match=f"written by another model: it holds 2 variables, this one has {len(shapes)}"):
        checkpoint.restore(others, values)
    for now, kept in zip(numbers(others), before, strict=True):
        np.testing.assert_array_equal(now, kept)


@pytest.mark.parametrize("written", [0.0, 0.5, 0.99])
def test_a_full_disk_leaves_the_older_ones_intact(tmp_path, written):
    variables, paths, values = training(tmp_path)
    contents = [p.read_bytes() for p in paths]
    variables[1].assign(3)
    with pytest.raises(OSError), disk_full_after(int(written * len(contents[0]))):
        checkpoint.write(tmp_path, variables, {"steps": 3})
    assert sorted(tmp_path.iterdir()) == paths
    assert [p.read_bytes() for p in paths] == contents
    assert_read(checkpoint.read_newest(tmp_path), values[1], 2)

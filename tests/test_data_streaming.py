"""A set larger than the memory limit: decoded once into a memory-mapped file of the cache."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from kerasgan import data
from kerasgan.errors import InputError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "data"


@pytest.fixture
def folder(tmp_path):
    for i in range(6):
        path = tmp_path / f"set/{'ab'[i % 2]}/{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), (i, 2 * i, 255 - i)).save(path)
    return tmp_path / "set"


def test_a_set_beyond_the_limit_is_a_memory_map_of_the_same_content(folder, cache):
    small = data.from_directory(folder)
    large = data.from_directory(folder, memory_limit=6 * 32 * 32 * 3 - 1)
    assert isinstance(large.x, np.memmap)
    assert not large.x.flags.writeable
    assert (large.x == small.x).all()
    assert large.y.tolist() == small.y.tolist()
    assert large.fingerprint == small.fingerprint
    assert repr(large).endswith("2 classes, memory-mapped)")
    assert not isinstance(data.from_directory(folder, memory_limit=6 * 32 * 32 * 3).x, np.memmap)


def test_it_is_decoded_once(folder, cache, monkeypatch):
    first = data.from_directory(folder, memory_limit=0)
    monkeypatch.setattr("kerasgan.data.decoding.decode", lambda *_: 1 / 0)
    again = data.from_directory(folder, memory_limit=0)
    assert again.x.filename == first.x.filename
    assert (again.x == first.x).all()


def test_a_change_of_files_size_or_fit_is_noticed(folder, cache):
    options = {"memory_limit": 0, "image_shape": (16, 8, 3)}
    first = data.from_directory(folder, **options)
    names = {first.x.filename}
    names.add(data.from_directory(folder, **options, fit="pad").x.filename)
    names.add(data.from_directory(folder, memory_limit=0, image_shape=(8, 16, 3)).x.filename)
    Image.new("RGB", (32, 32), "white").save(folder / "a/0.png")
    os.utime(folder / "a/0.png", (1, 1))
    changed = data.from_directory(folder, **options)
    names.add(changed.x.filename)
    assert len(names) == 4
    assert (changed.x[0] == 255).all()


def test_an_interruption_leaves_nothing(folder, cache, monkeypatch):
    from kerasgan.data import store

    def interrupted(pictures, count):
        yield next(iter(pictures))
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "_with_progress", interrupted)
    with pytest.raises(KeyboardInterrupt):
        data.from_directory(folder, memory_limit=0)
    assert list(cache.iterdir()) == []


def test_a_damaged_picture_leaves_nothing(folder, cache):
    (folder / "b/5.png").write_text("not a picture")
    with pytest.raises(InputError, match=r"5\.png cannot be read"):
        data.from_directory(folder, image_shape=(32, 32, 3), memory_limit=0)
    assert list(cache.iterdir()) == []


def test_too_small_a_disk_is_noticed_before_decoding(folder, cache, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(OSError, match=r"Cannot keep 1.84e-05 GB .* only 1e-06 GB are free.*KERASGAN_CACHE"):
        data.from_directory(folder, memory_limit=0)
    assert list(cache.iterdir()) == []


def test_a_disk_that_fills_up_leaves_nothing(folder, cache):
    """A limit on file sizes stands for the full disk: the system refuses the write in the same way."""
    code = f"""
import resource
from kerasgan import data
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    data.from_directory(r"{folder}", memory_limit=0)
except OSError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "File too large. Free some space, set KERASGAN_CACHE" in done.stdout, done.stderr
    assert list(cache.iterdir()) == []

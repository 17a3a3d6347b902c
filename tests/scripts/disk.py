"""A disk that fills up."""

import contextlib

import pytest


@contextlib.contextmanager
def disk_full_after(size):
    """No file may grow beyond `size` bytes: the system refuses the write, as on a full disk."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

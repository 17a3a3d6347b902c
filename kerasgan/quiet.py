"""Silence for other people's tools while they convert."""

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator

_TALKERS = ("tensorflow", "tf2onnx", "absl")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Holds back Python warnings and log lines of TensorFlow, tf2onnx and absl; errors still raise."""
    loggers = [logging.getLogger(name) for name in _TALKERS]
    levels = [logger.level for logger in loggers]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for logger in loggers:
                logger.setLevel(logging.CRITICAL + 1)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextlib.contextmanager
def without_native_log() -> Iterator[None]:
    """Closes the process' standard error: TensorFlow's C++ code logs there, at a level fixed when it was imported."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)

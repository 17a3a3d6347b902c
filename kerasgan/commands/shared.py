"""What several commands do alike. Everything heavy is imported inside."""

import os
from pathlib import Path

from kerasgan.quiet import without_native_log


def start_keras():
    """Imports Keras and wakes its backend, without the lines TensorFlow's C++ code prints on its way."""
    # TensorFlow turns oneDNN's convolutions on by itself only where a processor has AVX-512.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with without_native_log():
        import keras

        keras.ops.zeros(1)


def open_sampler(source: Path):
    """The Sampler of a run folder or a `.keras` file."""
    start_keras()
    from kerasgan.sampler import Sampler

    return Sampler.load(source / "sampler.keras" if source.is_dir() else source)

"""Images per second of a generator in Keras and in every exported format, in turn in one process.

    python bench/export.py dcgan_digits dcgan_mnist --rounds 7

An entry without published weights is timed untrained: speed does not depend on them. Every runtime gets the same
number of threads, takes NumPy latents and gives NumPy images; SavedModel and LiteRT make `image_uint8` as well, next to
no work. Each round gives every contender a turn of `--seconds` after one call that is not counted, so a
machine that slows down slows all. Printed are images per second as median (min-max), and the same for the ratio, round
by round, to Keras predict or another `--base`. predict is what people call, and has a fixed cost for each call: where
the batch is small, "Keras tf.function" says more about the network.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import numpy as np
import tensorflow as tf

from kerasgan import export, zoo
from kerasgan.errors import InputError
from kerasgan.export import litert


def in_keras(generator):
    """The ways people call a Keras model; each takes [latents] or [latents, labels]."""

    def tensors(inputs):
        return inputs if len(inputs) > 1 else inputs[0]

    graph = tf.function(lambda inputs: generator(inputs, training=False))
    xla = tf.function(lambda inputs: generator(inputs, training=False), jit_compile=True)
    return {
        "Keras predict": lambda *inputs: generator.predict(tensors(inputs), batch_size=len(inputs[0]), verbose=0),
        "Keras predict_on_batch": lambda *inputs: generator.predict_on_batch(tensors(inputs)),
        "Keras model(x)": lambda *inputs: generator(tensors(inputs), training=False).numpy(),
        "Keras tf.function": lambda *inputs: graph(tensors([tf.constant(x) for x in inputs])).numpy(),
        "Keras tf.function, XLA": lambda *inputs: xla(tensors([tf.constant(x) for x in inputs])).numpy(),
    }


def named(inputs):
    return {**dict(zip(("latent", "label"), inputs, strict=False)), "truncation": np.array(1.0, "float32")}


def saved_model(path, threads):
    serve = tf.saved_model.load(str(path)).signatures["serving_default"]

    def run(*inputs):
        return serve(**{name: tf.constant(value) for name, value in named(inputs).items()})["image"].numpy()

    run.keep = serve
    return run


def onnx(path, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda *inputs: session.run(["image"], named(inputs))[0]


def lite(path, threads):
    interpreter = litert._interpreter()(str(path), num_threads=threads)
    generate = interpreter.get_signature_runner(litert.SIGNATURE)
    return lambda *inputs: generate(**named(inputs))["image"]


FORMATS = [
    ("SavedModel", export.to_saved_model, saved_model, "saved", ["float32"]),
    ("ONNX Runtime", export.to_onnx, onnx, "generator.{}.onnx", ["float32", "float16", "int8"]),
    ("LiteRT", export.to_litert, lite, "generator.{}.tflite", ["float32", "float16", "int8"]),
]


def contenders(sampler, folder, threads):
    """{name: function of NumPy inputs}, and a line for each format that was not written."""
    runs, missing = in_keras(sampler.generator), []
    for name, write, load, file, dtypes in FORMATS:
        for dtype in dtypes:
            full = name if dtype == "float32" else f"{name} {dtype}"
            options = {} if dtype == "float32" else {"dtype": dtype}
            try:
                runs[full] = load(write(sampler, folder / file.format(dtype), **options).path, threads)
            except (InputError, export.ParityError) as error:
                missing.append(f"{full}: not written. {error}")
    return runs, missing


def turn(run, inputs, seconds):
    """Images per second."""
    run(*inputs)
    calls, start = 0, time.perf_counter()
    while (took := time.perf_counter() - start) < seconds or not calls:
        run(*inputs)
        calls += 1
    return calls * len(inputs[0]) / took


def spread(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def load(name):
    try:
        return zoo.load(name), "published weights"
    except InputError:
        return zoo.build(name).sampler(), "untrained"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("entries", nargs="*", default=["dcgan_digits", "dcgan_mnist"])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5, help="of one turn")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--base", default="Keras predict", help="whom the others are compared with")
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    for name in options.entries:
        sampler, weights = load(name)
        shape = "x".join(map(str, sampler.spec.image_shape))
        print(
            f"\n{name}, {weights}, {sampler.generator.count_params():,} parameters, {shape}, {options.threads} threads"
        )
        with tempfile.TemporaryDirectory() as folder:
            runs, missing = contenders(sampler, Path(folder), options.threads)
        for batch in options.batches:
            labels = sampler.labels(None, batch)
            inputs = [sampler.latents(batch, 0), *([] if labels is None else [labels])]
            speeds = {contender: [] for contender in runs}
            for _ in range(options.rounds):
                for contender, run in runs.items():
                    speeds[contender].append(turn(run, inputs, options.seconds))
            print(f"\n{f'batch {batch}':26}{'images/s':>26}{f'ratio to {options.base}':>28}")
            for contender, values in speeds.items():
                ratios = [value / base for value, base in zip(values, speeds[options.base], strict=True)]
                print(f"{contender:26}{spread(values, 0):>26}{spread(ratios, 2):>28}")
        print(*missing, sep="\n")


if __name__ == "__main__":
    main()

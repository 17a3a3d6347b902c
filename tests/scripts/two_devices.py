"""Two steps on one of two logical devices, and on both with the same total batch; writes the weights they lead to."""

import contextlib
import os
import sys
from pathlib import Path

import numpy as np

if os.environ["KERAS_BACKEND"] == "jax":
    os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"

import keras
import tiny

import kerasgan as kg


def on_both():
    """The scope to build in, and how many devices it uses."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
        return strategy.scope, strategy.num_replicas_in_sync
    keras.distribution.set_distribution(keras.distribution.DataParallel())
    return contextlib.nullcontext, keras.distribution.distribution().device_mesh.devices.size


def trained(scope):
    x, y = tiny.batch(16, 3)
    out = {}
    for way in ("shared", "two_draws"):
        with scope():
            gan = tiny.gan(
                num_classes=3,
                generator_options={"batch_norm": False},
                share_fakes=way == "shared",
                mismatched=0.3,
                compile_options={
                    "penalties": [{"name": "wgan_gp", "interval": 2}],
                    "augment": "color,translation",
                    "weight_clip": 0.5,
                },
            )
        history = gan.fit(x, y, batch_size=8, epochs=1, verbose=0, shuffle=False).history
        rest = kg.data.from_arrays(x[:11], y[:11])  # which two devices cannot share evenly
        assert np.isfinite(list(gan.evaluate(rest, verbose=0, batch_size=4, return_dict=True).values())).all()
        found = {**tiny.weights(gan), "steps": gan.step_count, "d_loss": history["d_loss"][0]}
        out |= {f"{way}/{name}": value for name, value in found.items()}
    with scope():
        gan = spectral()
    gan.fit(x, batch_size=8, epochs=1, verbose=0, shuffle=False)
    return out | {f"spectral/{name}": value for name, value in tiny.weights(gan).items()}


def spectral():
    """A discriminator whose layers keep a state of their own, seen by a penalty at some steps only."""
    image = keras.Input(tiny.SHAPE)
    x = keras.ops.softplus(kg.layers.SpectralConv2D(6, 3, strides=2, padding="same")(image))
    discriminator = keras.Model(image, kg.layers.SpectralDense(1)(keras.layers.Flatten()(x)))
    generator = tiny.generator(batch_norm=False)
    tiny.set_weights(generator, 1)
    tiny.set_weights(discriminator, 2)
    for layer in discriminator.layers:
        if hasattr(layer, "u"):
            layer.u.assign(np.linspace(0.5, 1.0, layer.u.shape[0]))
    gan = kg.GAN(generator, discriminator, seed=0)
    sgd = {"name": "sgd", "learning_rate": 0.1}
    gan.compile(sgd, sgd, loss="hinge", penalties=[{"name": "r1", "interval": 2}])
    return gan


if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
folder = Path(sys.argv[1])
np.savez(folder / "1.npz", devices=1, **trained(contextlib.nullcontext))
scope, devices = on_both()
np.savez(folder / "2.npz", devices=devices, **trained(scope))

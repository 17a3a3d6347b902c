"""Two steps on two logical devices, or on one with the same total batch; writes the weights they lead to."""

import os
import sys

import numpy as np

devices, path = int(sys.argv[1]), sys.argv[2]
if os.environ["KERAS_BACKEND"] == "jax":
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={devices}"

import contextlib  # noqa: E402

import keras  # noqa: E402
import tiny  # noqa: E402

scope = contextlib.nullcontext
if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)
    if devices > 1:
        scope = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(devices)]).scope
elif devices > 1:
    assert len(keras.distribution.list_devices()) == devices
    keras.distribution.set_distribution(keras.distribution.DataParallel())

x, y = tiny.batch(16, 3)
out = {}
for way in ("shared", "two_draws"):
    with scope():
        gan = tiny.gan(
            num_classes=3,
            generator_options={"batch_norm": False},
            share_fakes=way == "shared",
            compile_options={
                "penalties": [{"name": "wgan_gp", "interval": 2}],
                "augment": "color,translation",
                "weight_clip": 0.5,
            },
        )
    history = gan.fit(x, y, batch_size=8, epochs=1, verbose=0, shuffle=False).history
    found = {**tiny.weights(gan), "steps": gan.step_count, "d_loss": history["d_loss"][0]}
    out |= {f"{way}/{name}": value for name, value in found.items()}
np.savez(path, **out)

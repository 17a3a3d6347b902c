"""A tiny training that is poisoned with NaN and has to come back: rollback on any backend, checked from inside."""

import sys
from pathlib import Path

import keras
import numpy as np
from keras import layers

import kerasgan as kg
from kerasgan import jsonl
from kerasgan.gans.decay import LinearDecay


def points(n=512):
    """Eight narrow Gaussians on a ring."""
    rng = np.random.default_rng(0)
    angles = rng.integers(0, 8, n) * np.pi / 4
    return (np.stack([np.cos(angles), np.sin(angles)], 1) + 0.02 * rng.normal(size=(n, 2))).astype("float32")


def gan(**compile_options):
    """Small and quick to build: nothing is compiled unless asked for."""
    keras.utils.set_random_seed(0)
    z, x = keras.Input((4,)), keras.Input((2,))
    hidden = layers.Dropout(0.1, seed=3)(layers.BatchNormalization()(layers.Dense(16, "tanh")(z)))
    generator = keras.Model(z, layers.Dense(2)(hidden))
    discriminator = keras.Model(x, layers.Dense(1)(layers.Dense(16, "tanh")(x)))
    model = kg.GAN(generator, discriminator, seed=0, value_range=(-2.0, 2.0))
    model.compile(**{"g_optimizer": "adam", "d_optimizer": "adam", "run_eagerly": True, **compile_options})
    return model


class At(keras.callbacks.Callback):
    """Does something to the model after a step."""

    def __init__(self, step, function):
        super().__init__()
        self.left, self.function = step, function

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            self.function(self.model)


def poison(model):
    for variable in model.generator.trainable_variables:
        variable.assign(np.nan * variable)


def main(path):
    falling = keras.optimizers.Adam(LinearDecay(0.001, steps=40))
    model, x = gan(run_eagerly=keras.backend.backend() == "torch", g_optimizer=falling), points(128)
    monitor = kg.callbacks.HealthMonitor(path, on_collapse="rollback", every=4, n=32, warmup=100, patience=1)
    hooks = [At(10, poison), monitor, kg.callbacks.Checkpoint(path.parent / "checkpoints", every=0)]
    history = model.fit(x, batch_size=8, epochs=2, verbose=0, callbacks=hooks)
    (event,) = monitor.events
    assert (event["event"], event["step"]) == ("nan", 11), event
    assert "rolled back to step 8" in event["did"], event
    assert model.step_count == 32, "the steps go on"
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert all(np.isfinite(history.history["loss"])), "the running means are not poisoned"
    rates = [float(keras.ops.convert_to_numpy(o.learning_rate)) for o in (model.optimizer.g, model.optimizer.d)]
    lost = 11 - 8  # updates, and with them the generator's place in its schedule
    np.testing.assert_allclose(rates, [0.0005 * (40 - (32 - lost)) / 40, 0.0005], rtol=1e-5)
    assert [row for row in jsonl.read(path) if "event" in row] == [event]
    print("came back on", keras.backend.backend())


if __name__ == "__main__":
    main(Path(sys.argv[1]))

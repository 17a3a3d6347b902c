"""The trainings that `health.py` judges: some work, some are ruined on purpose."""

import keras
import numpy as np
from health_modes import Digits, StackedMnist, grid, ring
from keras import layers

import kerasgan as kg


def mlp(outputs, inputs, width=128, depth=2, norm=False):
    x = first = keras.Input((inputs,))
    for _ in range(depth):
        x = layers.Dense(width)(x)
        x = layers.BatchNormalization()(x) if norm else x
        x = layers.LeakyReLU(0.2)(x)
    return keras.Model(first, layers.Dense(outputs)(x))


def points_gan(seed, norm=False, latent=8, d_width=128, **compile_options):
    keras.utils.set_random_seed(seed)
    gan = kg.GAN(mlp(2, latent, norm=norm), mlp(1, 2, width=d_width), seed=seed, value_range=(-2.0, 2.0), ema=0.99)
    gan.compile(**compile_options)
    return gan


def adam(rate, beta_1=0.5):
    return {"name": "adam", "learning_rate": rate, "beta_1": beta_1}


def both(g, d=None, **options):
    return {"g_optimizer": adam(g), "d_optimizer": adam(d or g), **options}


R1 = {"name": "r1", "gamma": 0.1, "interval": 1}


def pictures_gan(seed, channels=1, norm=True, conditional=False, compile_options=None, **changes):
    recipe = kg.zoo.show("dcgan_digits").replace(
        image_shape=(12, 12, channels),
        generator={"width": 8},
        discriminator={"width": 16},
        num_classes=10 if conditional else 0,
        seed=seed,
        **changes,
    )
    gan = kg.zoo.build(recipe)
    if not norm:
        gan = without_norm(gan, seed)
    gan.compile(**(compile_options or both(1e-3, penalties=[{**R1, "interval": 16}])))
    return gan


class Nothing(layers.Layer):
    def call(self, inputs, mask=None):
        return inputs


def without_norm(gan, seed):
    def copy(layer):
        plain = isinstance(layer, layers.BatchNormalization)
        return Nothing() if plain else layer.__class__.from_config(layer.get_config())

    generator = keras.models.clone_model(gan.generator, clone_function=copy)
    return kg.GAN(generator, gan.discriminator, seed=seed, ema=0.99)


class Sabotage(keras.callbacks.Callback):
    """At a step, multiplies the generator's weights that read the latents."""

    def __init__(self, step, factor):
        super().__init__()
        self.step, self.left, self.factor = step, step, factor

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            kernel = self.model.generator.trainable_variables[0]
            kernel.assign(self.factor * kernel)
            self.model.optimizer.g.learning_rate = 0.0


def scenarios(mnist):
    """{name: (data, seed -> model, steps, further callbacks)}; what became of a run is for `Truth` to say."""
    circle, square, digits, stacked = ring(), grid(), Digits(), StackedMnist(mnist)
    quick, none = both(1e-3, penalties=[R1]), list
    return {
        "ring, R1": (circle, lambda s: points_gan(s, **quick), 1500, none),
        "ring, R1, slow": (circle, lambda s: points_gan(s, **both(3e-4, penalties=[R1])), 1500, none),
        "ring, no penalty, 2e-4": (circle, lambda s: points_gan(s, **both(2e-4)), 1500, none),
        "ring, hinge, R1": (circle, lambda s: points_gan(s, **both(5e-4, loss="hinge", penalties=[R1])), 1500, none),
        "grid, R1": (square, lambda s: points_gan(s, **both(5e-4, penalties=[R1])), 1500, none),
        "digits": (digits, lambda s: pictures_gan(s), 800, none),
        "digits, slow": (digits, lambda s: pictures_gan(s, compile_options=both(3e-4)), 1000, none),
        "digits, hinge": (digits, lambda s: pictures_gan(s, compile_options=both(5e-4, loss="hinge")), 800, none),
        "digits, conditional": (digits, lambda s: pictures_gan(s, conditional=True), 800, none),
        "Stacked MNIST": (stacked, lambda s: pictures_gan(s, 3), 1000, none),
        "ring, G too fast": (circle, lambda s: points_gan(s, **both(2e-2, 1e-3)), 1500, none),
        "ring, D frozen": (circle, lambda s: points_gan(s, **both(1e-3, 1e-9)), 1000, none),
        "ring, minimax, 1e-2": (circle, lambda s: points_gan(s, **both(1e-2, loss="minimax")), 1500, none),
        "ring, bare Wasserstein": (circle, lambda s: points_gan(s, **both(1e-2, loss="wasserstein")), 1500, none),
        "ring, latents lost at 700": (circle, lambda s: points_gan(s, **quick), 1300, lambda: [Sabotage(700, 0.0)]),
        "ring, NaN at 700": (circle, lambda s: points_gan(s, **quick), 1000, lambda: [Sabotage(700, np.nan)]),
        "grid, narrow D": (square, lambda s: points_gan(s, d_width=4, **both(5e-3)), 1500, none),
        "grid, 1e-2": (square, lambda s: points_gan(s, **both(1e-2)), 1500, none),
        "digits, D too slow": (digits, lambda s: pictures_gan(s, compile_options=both(1e-2, 1e-5)), 700, none),
        "digits, no norm, 1e-2": (digits, lambda s: pictures_gan(s, norm=False, compile_options=both(1e-2)), 700, none),
        "digits, latents lost at 500": (digits, lambda s: pictures_gan(s), 1000, lambda: [Sabotage(500, 0.0)]),
        "Stacked MNIST, D too slow": (
            stacked, lambda s: pictures_gan(s, 3, compile_options=both(1e-2, 1e-5)), 700, none,
        ),
        "Stacked MNIST, latents lost": (stacked, lambda s: pictures_gan(s, 3), 900, lambda: [Sabotage(500, 0.0)]),
        "Stacked MNIST, 2e-2": (stacked, lambda s: pictures_gan(s, 3, compile_options=both(2e-2)), 700, none),
        "Stacked MNIST, no norm": (
            stacked, lambda s: pictures_gan(s, 3, norm=False, compile_options=both(5e-3)), 700, none,
        ),
    }  # fmt: skip

"""Quality for the same minutes on the same machine: our MNIST entries and the GANs of Keras' guide and example.

    python bench/guide.py --minutes 10 --out runs/guide

Rebuilt from https://keras.io/guides/custom_train_step_in_tensorflow/ (commit b4108fb of keras-team/keras-io) and
https://keras.io/examples/generative/conditional_gan/ (commit 2dd71c6, of 2021): networks, losses, label noise, rates,
batches and pipeline, but for the test pictures, which they train on too. The example's `repeat` and `reshape` make
stripes of the label rather than one channel a class; so they do here. Both are stopped when the minutes are over. Of
our recipes as many epochs are trained as fit into the minutes, by the speed of a rehearsal. The scores of all four are
taken by one protocol. Nothing else should run.
"""

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from PIL import Image

import kerasgan as kg
from kerasgan import runs

LATENT, CLASSES, BATCH = 128, 10, 64


def networks(condition):
    """The guide's, for `condition` 0 or 10 values of a one-hot label beside latents and, repeated, beside images."""
    latent = keras.Input((LATENT + condition,))
    x = layers.LeakyReLU(negative_slope=0.2)(layers.Dense(7 * 7 * (LATENT + condition))(latent))
    x = layers.Reshape((7, 7, LATENT + condition))(x)
    for _ in range(2):
        x = layers.LeakyReLU(negative_slope=0.2)(layers.Conv2DTranspose(128, 4, strides=2, padding="same")(x))
    generator = keras.Model(latent, layers.Conv2D(1, 7, padding="same", activation="sigmoid")(x))
    image = x = keras.Input((28, 28, 1 + condition))
    for width in (64, 128):
        x = layers.LeakyReLU(negative_slope=0.2)(layers.Conv2D(width, 3, strides=2, padding="same")(x))
    return generator, keras.Model(image, layers.Dense(1)(layers.GlobalMaxPooling2D()(x)))


class Guide(keras.Model):
    """Two tapes, two draws; labels 1 for generated images. The unconditional guide adds noise to D's labels."""

    def __init__(self, condition):
        super().__init__()
        self.condition = condition
        self.generator, self.discriminator = networks(condition)
        self.g_optimizer, self.d_optimizer = (keras.optimizers.Adam(3e-4) for _ in range(2))
        self.loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)

    def train_step(self, data):
        real, one_hot = data if self.condition else (data, None)
        n = tf.shape(real)[0]
        fake = self.generator(self.latents(n, one_hot))
        joint = tf.concat([self.beside(fake, one_hot), self.beside(real, one_hot)], axis=0)
        target = tf.concat([tf.ones((n, 1)), tf.zeros((n, 1))], axis=0)
        if not self.condition:
            target += 0.05 * tf.random.uniform(tf.shape(target))
        with tf.GradientTape() as tape:
            d_loss = self.loss_fn(target, self.discriminator(joint))
        self.apply(self.d_optimizer, tape, d_loss, self.discriminator.trainable_weights)
        with tf.GradientTape() as tape:
            fake = self.generator(self.latents(n, one_hot))
            g_loss = self.loss_fn(tf.zeros((n, 1)), self.discriminator(self.beside(fake, one_hot)))
        self.apply(self.g_optimizer, tape, g_loss, self.generator.trainable_weights)
        return {"d_loss": d_loss, "g_loss": g_loss}

    def latents(self, n, one_hot):
        latents = tf.random.normal((n, LATENT))
        return latents if one_hot is None else tf.concat([latents, one_hot], axis=1)

    def beside(self, image, one_hot):
        if one_hot is None:
            return image
        planes = tf.reshape(tf.repeat(one_hot, 28 * 28), (-1, 28, 28, CLASSES))  # stripes: see above
        return tf.concat([image, planes], axis=-1)

    def apply(self, optimizer, tape, loss, weights):
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))

    def sampler(self, class_names):
        spec = {"latent_dim": LATENT, "image_shape": (28, 28, 1), "value_range": (0.0, 1.0)}
        if not self.condition:
            return kg.Sampler(self.generator, kg.SampleSpec(**spec))
        latent, label = keras.Input((LATENT,)), keras.Input((), dtype="int32")
        one_hot = layers.CategoryEncoding(CLASSES, output_mode="one_hot")(layers.Reshape((1,))(label))
        image = self.generator(layers.Concatenate()([latent, one_hot]))
        return kg.Sampler(keras.Model([latent, label], image), kg.SampleSpec(**spec, class_names=class_names))


class Clock(keras.callbacks.Callback):
    def __init__(self, minutes):
        super().__init__()
        self.minutes, self.steps = minutes, 0

    def on_train_begin(self, logs=None):
        self.began = time.time()

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        self.model.stop_training = time.time() - self.began > 60 * self.minutes


def train_guide(images, minutes, condition):
    keras.utils.set_random_seed(0)
    x = images.x.astype("float32") / 255.0
    parts = (x, keras.utils.to_categorical(images.y, CLASSES).astype("float32")) if condition else x
    data = tf.data.Dataset.from_tensor_slices(parts).shuffle(1024).batch(BATCH)
    model, clock = Guide(condition), Clock(minutes)
    model.compile()
    model.fit(data, epochs=1000, verbose=0, shuffle=False, callbacks=[clock])
    return model.sampler(images.class_names), BATCH * clock.steps, (time.time() - clock.began) / 60


def train_ours(entry, images, minutes, out):
    plan = runs.rehearse(entry)
    epochs = max(1, int(minutes / plan["minutes"] * plan["recipe"]["epochs"]))
    folder = runs.train(entry, out / entry, images=images, epochs=epochs, exports=(), progress=False)
    seconds = sum(s["seconds"] for s in json.loads((folder / "run.json").read_text())["sittings"])
    return kg.Sampler.load(folder / "sampler.keras"), epochs * len(images), seconds / 60


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="for each of the four")
    parser.add_argument("--mnist", default="mnist", help="an .npz file [default: by tensorflow-datasets]")
    parser.add_argument("--only", default="", help="those whose name holds this")
    parser.add_argument("-n", type=int, default=10_000, help="samples to score")
    parser.add_argument("--out", type=Path, default=Path("runs/guide"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    images = kg.data.open(options.mnist)
    arms = {
        "Keras guide": lambda: train_guide(images, options.minutes, 0),
        "dcgan_mnist": lambda: train_ours("dcgan_mnist", images, options.minutes, options.out),
        "Keras conditional example": lambda: train_guide(images, options.minutes, CLASSES),
        "cdcgan_mnist": lambda: train_ours("cdcgan_mnist", images, options.minutes, options.out),
    }
    print("| | minutes | images seen | FID | times the floor | class agreement |\n|---|---|---|---|---|---|")
    grids = []
    for name, train in arms.items():
        if options.only not in name:
            continue
        sampler, seen, minutes = train()
        sampler.save(options.out / f"{name.replace(' ', '_')}.keras")
        metrics = ("fid", "class_agreement") if sampler.spec.class_names else ("fid",)
        result = kg.metrics.evaluate(sampler, options.mnist, metrics, n=options.n, progress=False)
        agreement = f"{result['class_agreement']:.4f}" if sampler.spec.class_names else "-"
        ratio = result["fid"] / result.floor["fid"]
        print(f"| {name} | {minutes:.1f} | {seen:,} | {result['fid']:.3f} | {ratio:.1f} | {agreement} |", flush=True)
        grids.append(np.pad(kg.viz.grid(sampler.generate(50, seed=0), columns=10), ((8, 8), (8, 8), (0, 0))))
    two = len(grids) // 2 or 1
    rows = [np.concatenate(grids[i : i + two], axis=1) for i in range(0, len(grids), two)]
    Image.fromarray(np.concatenate(rows)[..., 0]).save(options.out / "side_by_side.png")


if __name__ == "__main__":
    main()

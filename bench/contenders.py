"""One contender of race.py: trains the same 28x28 DCGAN its own way and says how fast, whenever it reads a line.

The networks are generator-heavy: 7x7x256 and two transposed 4x4 convolutions (128, 64) with batch normalization against
three strided convolutions (32, 64, 128). Loss, optimizer (Adam 2e-4, beta_1 0.5) and batch (64) are the same for all.
"""

import os
import sys
import time

import numpy as np

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"

import kerasgan as kg
from kerasgan import zoo

LATENT, BATCH = 100, 64
G_WIDTH, D_WIDTH = 64, 32


def data(steps):
    return np.random.default_rng(0).integers(0, 256, (steps * BATCH, 28, 28, 1)).astype("uint8")


def keras_networks():
    recipe = zoo.show("dcgan_mnist").replace(
        latent_dim=LATENT,
        generator={"width": G_WIDTH},
        discriminator={"width": D_WIDTH},
        precision=sys.argv[2],
    )
    return zoo.networks(recipe)


def kerasgan(x, **options):
    gan = kg.GAN(*keras_networks(), **options)
    gan.compile()
    images = kg.data.from_arrays(x)
    return lambda: gan.fit(images, batch_size=BATCH, epochs=1, verbose=0)


def kerasgan_two_draws(x):
    return kerasgan(x, share_fakes=False, ema=0.0)


def guide(x):
    """A subclass with two tapes, as the guides on keras.io write it: a draw for D on one joint batch, another for G.

    tf.data's tuning is off here as it is in kerasgan: the end of a fit can wait seconds for its thread, which would say
    more about the length of a turn than about the step.
    """
    import keras
    import tensorflow as tf

    class Guide(keras.Model):
        def __init__(self, generator, discriminator):
            super().__init__()
            self.generator, self.discriminator = generator, discriminator
            self.loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)
            self.g_optimizer = keras.optimizers.Adam(2e-4, beta_1=0.5)
            self.d_optimizer = keras.optimizers.Adam(2e-4, beta_1=0.5)
            self.d_metric, self.g_metric = keras.metrics.Mean("d_loss"), keras.metrics.Mean("g_loss")

        def train_step(self, real):
            n = tf.shape(real)[0]
            joint = tf.concat([self.generator(tf.random.normal((n, LATENT)), training=True), real], axis=0)
            labels = tf.concat([tf.zeros((n, 1)), tf.ones((n, 1))], axis=0)
            with tf.GradientTape() as tape:
                d_loss = self.loss_fn(labels, self.discriminator(joint, training=True))
            variables = self.discriminator.trainable_variables
            self.d_optimizer.apply_gradients(zip(tape.gradient(d_loss, variables), variables, strict=True))
            with tf.GradientTape() as tape:
                fake = self.generator(tf.random.normal((n, LATENT)), training=True)
                g_loss = self.loss_fn(tf.ones((n, 1)), self.discriminator(fake, training=True))
            variables = self.generator.trainable_variables
            self.g_optimizer.apply_gradients(zip(tape.gradient(g_loss, variables), variables, strict=True))
            self.d_metric.update_state(d_loss)
            self.g_metric.update_state(g_loss)
            return {"d_loss": self.d_metric.result(), "g_loss": self.g_metric.result()}

    model = Guide(*keras_networks())
    model.compile()
    scaled = x.astype("float32") / 127.5 - 1.0
    batches = tf.data.Dataset.from_tensor_slices(scaled).shuffle(1024).batch(BATCH).prefetch(2)
    untuned = tf.data.Options()
    untuned.autotune.enabled = False
    batches = batches.with_options(untuned)
    return lambda: model.fit(batches, epochs=1, verbose=0)


def pytorch(x):
    """A plain loop like PyTorch's DCGAN example: one draw, D on real and on fake.detach(), then G."""
    import torch
    from torch import nn

    g = nn.Sequential(
        nn.Linear(LATENT, 7 * 7 * 4 * G_WIDTH, bias=False),
        nn.Unflatten(1, (4 * G_WIDTH, 7, 7)),
        nn.BatchNorm2d(4 * G_WIDTH),
        nn.ReLU(True),
        nn.ConvTranspose2d(4 * G_WIDTH, 2 * G_WIDTH, 4, 2, 1, bias=False),
        nn.BatchNorm2d(2 * G_WIDTH),
        nn.ReLU(True),
        nn.ConvTranspose2d(2 * G_WIDTH, G_WIDTH, 4, 2, 1, bias=False),
        nn.BatchNorm2d(G_WIDTH),
        nn.ReLU(True),
        nn.Conv2d(G_WIDTH, 1, 3, 1, 1),
        nn.Tanh(),
    )
    d = nn.Sequential(
        nn.Conv2d(1, D_WIDTH, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(D_WIDTH, 2 * D_WIDTH, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(2 * D_WIDTH, 4 * D_WIDTH, 3, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(4 * 4 * 4 * D_WIDTH, 1),
    )
    loss_fn = nn.BCEWithLogitsLoss()
    g_optimizer = torch.optim.Adam(g.parameters(), 2e-4, betas=(0.5, 0.999))
    d_optimizer = torch.optim.Adam(d.parameters(), 2e-4, betas=(0.5, 0.999))
    scaled = torch.from_numpy(x.transpose(0, 3, 1, 2).astype("float32") / 127.5 - 1.0)
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(scaled), batch_size=BATCH, shuffle=True, drop_last=True
    )

    def epoch():
        for (real,) in loader:
            n = len(real)
            fake = g(torch.randn(n, LATENT))
            d_optimizer.zero_grad()
            loss_fn(d(real), torch.ones(n, 1)).backward()
            loss_fn(d(fake.detach()), torch.zeros(n, 1)).backward()
            d_optimizer.step()
            g_optimizer.zero_grad()
            loss_fn(d(fake), torch.ones(n, 1)).backward()
            g_optimizer.step()

    return epoch


def main():
    kind, steps = sys.argv[1], int(sys.argv[3])
    x = data(steps)
    run = {"kerasgan": kerasgan, "kerasgan_two_draws": kerasgan_two_draws, "guide": guide, "pytorch": pytorch}[kind](x)
    for _ in sys.stdin:
        start = time.perf_counter()
        run()
        print("images/s", len(x) / (time.perf_counter() - start), flush=True)


if __name__ == "__main__":
    main()

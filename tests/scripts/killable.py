"""A small training with everything random in it, by the function behind `kerasgan train`; says each step aloud."""

import sys

import keras
import tiny

import kerasgan as kg
from kerasgan import callbacks, runs

EPOCHS = 3

kg.zoo.register(
    kg.Recipe(
        "tiny_digits",
        family="tiny",
        dataset="digits",
        image_shape=tiny.SHAPE,
        latent_dim=tiny.LATENT,
        generator={"dropout": 0.2},
        discriminator={"dropout": 0.2},
        penalties=({"name": "r1", "gamma": 0.1, "interval": 4},),
        augment="translation,cutout",
        decay=0.5,
        batch_size=100,
        epochs=EPOCHS,
    ),
    networks=(tiny.generator, tiny.discriminator),
)


class Aloud(callbacks.Progress):
    def on_train_batch_end(self, batch, logs=None):
        print(f"step {self.epoch} {batch}", flush=True)


if __name__ == "__main__":
    callbacks.Progress = Aloud
    folder = runs.train("tiny_digits", sys.argv[1], checkpoint_every=0.0, exports=())
    print("done", keras.backend.backend(), folder, flush=True)

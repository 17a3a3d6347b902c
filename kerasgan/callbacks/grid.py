"""SampleGrid: what the generator makes, epoch by epoch."""

from pathlib import Path

import keras
import numpy as np

from kerasgan import viz
from kerasgan.errors import DivergedError
from kerasgan.sampler import Sampler

MOST_FRAMES = 100
"""Of the animation, which the epochs of a longer training share evenly: more take minutes to write, and to watch."""


class SampleGrid(keras.callbacks.Callback):
    """Writes a grid of samples after every epoch, always of the same latents, and an animation of them at the end.

    Args:
        folder: for `epoch-0001.png` and so on, and `training.gif`.
        n: number of samples; a conditional GAN shows its classes in turn.
        columns: samples in a row; `None` for a square grid, or one class per column.
        seed: of the latents.
        scale: each pixel is drawn this many times as large.

    Example:
        >>> grid = kg.callbacks.SampleGrid("runs/mine/samples", n=16, scale=2)
        >>> history = gan.fit(images, batch_size=64, epochs=2, verbose=0, callbacks=[grid])
        >>> sorted(path.name for path in Path("runs/mine/samples").iterdir())
        ['epoch-0001.png', 'epoch-0002.png', 'training.gif']
    """

    def __init__(self, folder: str | Path, n: int = 64, columns: int | None = None, seed: int = 0, scale: int = 1):
        super().__init__()
        self.folder = Path(folder)
        self.n, self.columns, self.seed, self.scale = n, columns, seed, scale

    def set_model(self, model):
        super().set_model(model)
        # Made once, around the average itself: a copy for each epoch would be compiled again each time.
        self.sampler = Sampler(model.ema_generator, model.spec)

    def on_epoch_end(self, epoch, logs=None):
        spec = self.sampler.spec
        columns = self.columns or (spec.num_classes if 1 < spec.num_classes <= 20 else None)
        try:
            images = self.sampler.generate(self.n, seed=self.seed)
        except DivergedError:
            return  # there is nothing to show, and to say so is for HealthMonitor
        viz.save_grid(images, self.folder / f"epoch-{epoch + 1:04d}.png", columns, self.scale)

    def on_train_end(self, logs=None):
        epochs = sorted(self.folder.glob("epoch-*.png"))
        if epochs:
            shown = np.linspace(0, len(epochs) - 1, min(len(epochs), MOST_FRAMES))
            viz.save_gif([epochs[round(i)] for i in shown], self.folder / "training.gif")

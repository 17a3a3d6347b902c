"""LinearDecay: a learning rate that stays, then falls to nothing."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("kerasgan")
class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """`rate`, and over the last part of the training linearly down to 0.

    mimicry's CIFAR-10 baselines of SNGAN and WGAN-GP (https://github.com/kwotsin/mimicry) fall over the whole training
    (`part` 1). What it gains here was not measured by itself. After a rollback of `HealthMonitor` it goes on from where
    it was then, so it ends so many steps before 0 as were lost.

    Args:
        rate: learning rate at the start.
        steps: updates of the whole training; beyond them the rate is 0.
        part: of the training, above 0 and at most 1, over which it falls.
    """

    def __init__(self, rate: float, steps: int, part: float = 1.0):
        self.rate, self.steps, self.part = float(rate), int(steps), float(part)

    def __call__(self, step):
        left = (self.steps - ops.cast(step, "float32")) / (self.steps * self.part)
        return self.rate * ops.clip(left, 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        return {"rate": self.rate, "steps": self.steps, "part": self.part}

"""What recipes have in common: the data sets' part of them, and the optimizers."""

from typing import Any

DIGITS: dict[str, Any] = {"dataset": "digits", "image_shape": (28, 28, 1), "epochs": 40, "batch_size": 32, "ema": 0.99}
MNIST: dict[str, Any] = {"dataset": "mnist", "image_shape": (28, 28, 1), "epochs": 12, "decay": 0.5}
CIFAR10: dict[str, Any] = {"dataset": "cifar10", "image_shape": (32, 32, 3), "epochs": 100}


def adam(learning_rate: float, beta_1: float = 0.5, beta_2: float = 0.999) -> dict[str, Any]:
    return {"name": "adam", "learning_rate": learning_rate, "beta_1": beta_1, "beta_2": beta_2}


MNIST_RATES: dict[str, Any] = {"g_optimizer": adam(4e-4), "d_optimizer": adam(4e-4)}
"""For the DCGAN-like: twice the paper's, which two cores would need twice as long for; they fall in the second half."""

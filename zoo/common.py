"""What recipes have in common: the data sets' part of them, and the optimizers."""

from typing import Any

DIGITS: dict[str, Any] = {"dataset": "digits", "image_shape": (28, 28, 1), "epochs": 40, "batch_size": 32, "ema": 0.99}
MNIST: dict[str, Any] = {"dataset": "mnist", "image_shape": (28, 28, 1), "epochs": 12, "decay": 0.5}
CIFAR10: dict[str, Any] = {"dataset": "cifar10", "image_shape": (32, 32, 3), "epochs": 100}


def adam(learning_rate: float, beta_1: float = 0.5, beta_2: float = 0.999) -> dict[str, Any]:
    return {"name": "adam", "learning_rate": learning_rate, "beta_1": beta_1, "beta_2": beta_2}


FAST_RATES: dict[str, Any] = {"g_optimizer": adam(1e-3), "d_optimizer": adam(1e-3)}
"""For the DCGAN-like, in batches of 32: five times the paper's, for what two cores can do in an hour."""

"""Gradient penalties of the discriminator. Any of them goes with any loss; `interval` makes them lazy.

A lazy penalty is computed at every `interval`-th discriminator update only and multiplied by `interval` there, so that
its mean strength stays (Karras et al., 2020, "lazy regularization").
"""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from kerasgan.errors import InputError, unknown_name

__all__ = ["DRAGAN", "PENALTIES", "R1", "R2", "WGANGP", "Penalty", "get"]


class Penalty:
    """A penalty on the gradient of D's output with respect to its input, at points a subclass chooses.

    Args:
        weight: factor of the penalty, positive.
        interval: computed at every `interval`-th update of D.

    Example:
        >>> class R1OfNorm(kg.penalties.Penalty):
        ...     name = "r1_of_norm"
        ...     def points(self, real, fake, draws):
        ...         return real
        ...     def measure(self, squared_norms):
        ...         return keras.ops.sqrt(squared_norms + 1e-12)
        >>> gan.compile(loss="hinge", penalties=[R1OfNorm(weight=0.5, interval=4)])
    """

    name = ""

    def __init__(self, weight: float, interval: int = 1):
        if not weight > 0:  # so written, NaN is refused too
            raise InputError(f"The weight of a penalty must be positive. Received: {weight}.")
        if interval < 1:
            raise InputError(f"The interval of a penalty must be at least 1. Received: {interval}.")
        self.weight = weight
        self.interval = interval

    def points(self, real, fake, draws):
        """Where the gradient is taken: float32, shape of `real`; `draws` gives random numbers."""
        raise NotImplementedError

    def measure(self, squared_norms):
        """What is averaged over the batch, from squared gradient norms float32 (batch,)."""
        raise NotImplementedError

    def __call__(self, gradient, real, fake, draws):
        """The penalty, float32 scalar, times `weight`.

        Args:
            gradient: function from images to dD/dimages, both float32 (batch, ...).
            real: float32 (batch, ...).
            fake: the same.
            draws: `kerasgan.gans.draws.Draws`, or anything with its `normal` and `uniform`.
        """
        slopes = ops.cast(gradient(self.points(real, fake, draws)), "float32")
        axes = tuple(range(1, len(slopes.shape)))
        return self.weight * ops.mean(self.measure(ops.sum(ops.square(slopes), axis=axes)))

    def get_config(self) -> dict[str, Any]:
        return {"weight": self.weight, "interval": self.interval}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def _per_sample(images):
    """Shape of one random number for each sample, broadcast over the rest."""
    return (ops.shape(images)[0],) + (1,) * (len(images.shape) - 1)


def _squared_distance_of_norm(squared_norms, target):
    # The root has no slope at 0: a constant D (all its ReLUs dead, say) would turn every weight into NaN.
    return ops.square(ops.sqrt(squared_norms + 1e-12) - target)


@keras.saving.register_keras_serializable("kerasgan")
class WGANGP(Penalty):
    """Gulrajani et al., 2017, equation 3: E[(|dD(x^)| - 1)^2], x^ = e x + (1 - e) G(z), e ~ U(0, 1) per sample.

    Example:
        >>> gan.compile(loss="wasserstein", penalties=[kg.penalties.WGANGP(10.0)])
        >>> float(kg.penalties.WGANGP(10.0).measure(4.0))  # of slope 2, squared: (2 - 1)^2
        1.0
    """

    name = "wgan_gp"

    def __init__(self, weight: float = 10.0, interval: int = 1):
        super().__init__(weight, interval)

    def points(self, real, fake, draws):
        e = draws.uniform(_per_sample(real))
        return e * real + (1.0 - e) * fake

    def measure(self, squared_norms):
        return _squared_distance_of_norm(squared_norms, 1.0)


@keras.saving.register_keras_serializable("kerasgan")
class DRAGAN(Penalty):
    """Kodali et al., 2017, algorithm 1: E[(|dD(x + d)| - target)^2], d ~ N(0, c I), around real samples only.

    Args:
        deviation: standard deviation of d, in standard deviations of the batch (0.5 in the authors' code).
        target: the gradient norm asked for.

    Example:
        >>> gan.compile(loss="minimax", penalties=[kg.penalties.DRAGAN(10.0, deviation=0.5)])
        >>> [metric.name for metric in gan.metrics][-1]
        'dragan'
    """

    name = "dragan"

    def __init__(self, weight: float = 10.0, deviation: float = 0.5, target: float = 1.0, interval: int = 1):
        super().__init__(weight, interval)
        self.deviation = deviation
        self.target = target

    def points(self, real, fake, draws):
        return real + self.deviation * ops.std(real) * draws.normal(ops.shape(real))

    def measure(self, squared_norms):
        return _squared_distance_of_norm(squared_norms, self.target)

    def get_config(self):
        return {**super().get_config(), "deviation": self.deviation, "target": self.target}


@keras.saving.register_keras_serializable("kerasgan")
class R1(Penalty):
    """Mescheder et al., 2018, equation 9: gamma/2 E[|dD(x)|^2] on real samples.

    Args:
        gamma: strength; `weight` is gamma / 2.

    Example:
        >>> penalty = kg.penalties.R1(gamma=2.0, interval=16)
        >>> gan.compile(loss="non_saturating", penalties=[penalty])
        >>> def gradient(images):  # that of D(x) = 3 x on one value
        ...     return 3.0 * keras.ops.ones_like(images)
        >>> float(penalty(gradient, real=np.ones((8, 1)), fake=np.zeros((8, 1)), draws=None))
        9.0
    """

    name = "r1"

    def __init__(self, gamma: float = 10.0, interval: int = 1):
        super().__init__(gamma / 2.0, interval)

    def points(self, real, fake, draws):
        return real

    def measure(self, squared_norms):
        return squared_norms

    def get_config(self):
        return {"gamma": 2.0 * self.weight, "interval": self.interval}


@keras.saving.register_keras_serializable("kerasgan")
class R2(R1):
    """Mescheder et al., 2018, equation 10: gamma/2 E[|dD(G(z))|^2] on generated samples.

    Example:
        >>> gan.compile(loss="relativistic", penalties=[kg.penalties.R1(0.1), kg.penalties.R2(0.1)])
        >>> [metric.name for metric in gan.metrics][-2:]
        ['r1', 'r2']
    """

    name = "r2"

    def points(self, real, fake, draws):
        return fake


PENALTIES: dict[str, type[Penalty]] = {c.name: c for c in (WGANGP, DRAGAN, R1, R2)}
"""Every penalty by its name.

Example:
    >>> sorted(kg.penalties.PENALTIES)
    ['dragan', 'r1', 'r2', 'wgan_gp']
"""


def get(penalty: str | Mapping[str, Any] | Penalty) -> Penalty:
    """The penalty of that name, `{"name": ..., **arguments}`, or the given object itself.

    Example:
        >>> kg.penalties.get({"name": "r1", "gamma": 0.1, "interval": 16}).weight
        0.05
    """
    if isinstance(penalty, Penalty):
        return penalty
    arguments = dict(penalty) if isinstance(penalty, Mapping) else {"name": penalty}
    name = arguments.pop("name", None)
    if name not in PENALTIES:
        raise unknown_name("penalty", name, PENALTIES)
    try:
        return PENALTIES[name](**arguments)
    except TypeError as error:
        raise InputError(f"Penalty {name!r} does not take these arguments: {arguments} ({error}).") from error

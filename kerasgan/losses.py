"""Adversarial losses as pairs: what the discriminator minimises and what the generator minimises.

Every loss takes logits (the discriminator's raw output, float32, any shape with the batch first) and returns a float32
scalar. `get("hinge")` finds one by name. D is the discriminator's logit, s the logistic function.
"""

import keras
from keras import ops

from kerasgan.errors import InputError, unknown_name

__all__ = [
    "LOSSES",
    "AdversarialLoss",
    "Hinge",
    "LeastSquares",
    "Minimax",
    "NonSaturating",
    "Relativistic",
    "Wasserstein",
    "get",
]


class AdversarialLoss:
    """One pair. A subclass gives `discriminator` and `generator`; `boundary` where its logits are not centred on 0.

    Example:
        >>> class Linear(kg.losses.AdversarialLoss):
        ...     def discriminator(self, real_logits, fake_logits):
        ...         return keras.ops.mean(keras.ops.tanh(fake_logits) - keras.ops.tanh(real_logits))
        ...     def generator(self, fake_logits, real_logits=None):
        ...         return -keras.ops.mean(fake_logits)
        >>> gan.compile(loss=Linear())
    """

    name = ""
    generator_needs_real = False

    def discriminator(self, real_logits, fake_logits):
        """What D minimises, given D(x) and D(G(z))."""
        raise NotImplementedError

    def generator(self, fake_logits, real_logits=None):
        """What G minimises, given D(G(z)), and D(x) where `generator_needs_real`."""
        raise NotImplementedError

    def boundary(self, real_logits, fake_logits):
        """The logit above which a sample counts as judged real, for the accuracies that training reports."""
        return 0.0

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


class _SmoothedLoss(AdversarialLoss):
    """Losses with a target for real samples, which one-sided label smoothing lowers (Salimans et al., 2016, sec. 3.4).

    Args:
        label_smoothing: 0 to below 0.5; the target of real samples becomes `1 - label_smoothing`.
    """

    def __init__(self, label_smoothing: float = 0.0):
        if not 0.0 <= label_smoothing < 0.5:
            raise InputError(f"label_smoothing must be at least 0 and below 0.5. Received: {label_smoothing}.")
        self.label_smoothing = label_smoothing

    def get_config(self):
        return {"label_smoothing": self.label_smoothing}


def _cross_entropy(logits, target):
    """-(t log s(D) + (1 - t) log(1 - s(D))), from logits."""
    return ops.mean(ops.softplus(logits) - target * logits)


@keras.saving.register_keras_serializable("kerasgan")
class Minimax(_SmoothedLoss):
    """Goodfellow et al., 2014, equation 1: G minimises E[log(1 - s(D(G(z))))].

    Example:
        >>> loss = kg.losses.Minimax(label_smoothing=0.1)
        >>> round(float(loss.generator(np.array([0.0, 0.0]))), 4)  # log(1/2)
        -0.6931
    """

    name = "minimax"

    def discriminator(self, real_logits, fake_logits):
        return _cross_entropy(real_logits, 1.0 - self.label_smoothing) + _cross_entropy(fake_logits, 0.0)

    def generator(self, fake_logits, real_logits=None):
        return -_cross_entropy(fake_logits, 0.0)


@keras.saving.register_keras_serializable("kerasgan")
class NonSaturating(Minimax):
    """Goodfellow et al., 2014, section 3: the same D, and a G that minimises -E[log s(D(G(z)))].

    Example:
        >>> loss = kg.losses.NonSaturating()
        >>> round(float(loss.generator(np.array([0.0, 0.0]))), 4)  # -log(1/2)
        0.6931
    """

    name = "non_saturating"

    def generator(self, fake_logits, real_logits=None):
        return _cross_entropy(fake_logits, 1.0)


@keras.saving.register_keras_serializable("kerasgan")
class LeastSquares(_SmoothedLoss):
    """LSGAN, Mao et al., 2017, equation 9: targets 1 for real, 0 for fake, 1 for the generator.

    Example:
        >>> loss = kg.losses.LeastSquares()
        >>> float(loss.discriminator(real_logits=np.array([1.0, 0.0]), fake_logits=np.array([0.0, 0.0])))
        0.25
    """

    name = "least_squares"

    def discriminator(self, real_logits, fake_logits):
        target = 1.0 - self.label_smoothing
        return 0.5 * ops.mean(ops.square(real_logits - target)) + 0.5 * ops.mean(ops.square(fake_logits))

    def generator(self, fake_logits, real_logits=None):
        return 0.5 * ops.mean(ops.square(fake_logits - 1.0))

    def boundary(self, real_logits, fake_logits):
        return 0.5 * (1.0 - self.label_smoothing)


def _midpoint(real_logits, fake_logits):
    """These losses see only differences of logits, so 0 means nothing: halfway between the two batches does."""
    return 0.5 * (ops.mean(real_logits) + ops.mean(fake_logits))


@keras.saving.register_keras_serializable("kerasgan")
class Wasserstein(AdversarialLoss):
    """WGAN, Arjovsky et al., 2017, equation 2. D must be kept Lipschitz: WGAN-GP penalty or `weight_clip`.

    Example:
        >>> loss = kg.losses.Wasserstein()
        >>> float(loss.discriminator(real_logits=np.array([2.0, 4.0]), fake_logits=np.array([-1.0, 0.0])))
        -3.5
    """

    name = "wasserstein"

    def discriminator(self, real_logits, fake_logits):
        return ops.mean(fake_logits) - ops.mean(real_logits)

    def generator(self, fake_logits, real_logits=None):
        return -ops.mean(fake_logits)

    def boundary(self, real_logits, fake_logits):
        return _midpoint(real_logits, fake_logits)


@keras.saving.register_keras_serializable("kerasgan")
class Hinge(AdversarialLoss):
    """Miyato et al., 2018, equations 16 and 17.

    Example:
        >>> loss = kg.losses.Hinge()
        >>> float(loss.discriminator(real_logits=np.array([2.0, 0.5]), fake_logits=np.array([-1.0, -3.0])))
        0.25
    """

    name = "hinge"

    def discriminator(self, real_logits, fake_logits):
        return ops.mean(ops.relu(1.0 - real_logits)) + ops.mean(ops.relu(1.0 + fake_logits))

    def generator(self, fake_logits, real_logits=None):
        return -ops.mean(fake_logits)


@keras.saving.register_keras_serializable("kerasgan")
class Relativistic(AdversarialLoss):
    """Relativistic pairing loss: Jolicoeur-Martineau, 2018 (RpGAN); Huang et al., 2024, equation 2 (R3GAN).

    The i-th real is judged against the i-th fake of the batch: D minimises E[softplus(-(D(x) - D(G(z))))].

    Example:
        >>> loss = kg.losses.Relativistic()
        >>> real, fake = np.array([1.0, 2.0]), np.array([1.0, 2.0])  # equally good, pair by pair
        >>> round(float(loss.discriminator(real, fake)), 4), round(float(loss.generator(fake, real)), 4)
        (0.6931, 0.6931)
    """

    name = "relativistic"
    generator_needs_real = True

    def discriminator(self, real_logits, fake_logits):
        return ops.mean(ops.softplus(fake_logits - real_logits))

    def generator(self, fake_logits, real_logits=None):
        return ops.mean(ops.softplus(real_logits - fake_logits))

    def boundary(self, real_logits, fake_logits):
        return _midpoint(real_logits, fake_logits)


LOSSES: dict[str, type[AdversarialLoss]] = {
    c.name: c for c in (Minimax, NonSaturating, LeastSquares, Wasserstein, Hinge, Relativistic)
}
"""Every loss by its name.

Example:
    >>> sorted(kg.losses.LOSSES)
    ['hinge', 'least_squares', 'minimax', 'non_saturating', 'relativistic', 'wasserstein']
"""


def get(loss: str | AdversarialLoss, label_smoothing: float = 0.0) -> AdversarialLoss:
    """The loss of that name, or the given object itself.

    Args:
        loss: `"minimax"`, `"non_saturating"`, `"least_squares"`, `"wasserstein"`, `"hinge"`, `"relativistic"`, or an
            `AdversarialLoss`.
        label_smoothing: for the first three, which have a target to smooth.

    Example:
        >>> float(kg.losses.get("hinge").generator(np.array([0.5, 1.5])))
        -1.0
    """
    if isinstance(loss, AdversarialLoss):
        if label_smoothing:
            raise InputError("label_smoothing goes with the name of a loss. Give the object its own label_smoothing.")
        return loss
    if loss not in LOSSES:
        raise unknown_name("loss", loss, LOSSES)
    cls = LOSSES[loss]
    if not label_smoothing:
        return cls()
    if not issubclass(cls, _SmoothedLoss):
        able = ", ".join(name for name, c in LOSSES.items() if issubclass(c, _SmoothedLoss))
        raise InputError(f"The loss {loss!r} has no target to smooth. label_smoothing goes with: {able}.")
    return cls(label_smoothing)

"""ACGAN: a GAN whose discriminator also names the class."""

from typing import Any

import keras
from keras import ops

from kerasgan.errors import InputError
from kerasgan.gans.gan import GAN


@keras.saving.register_keras_serializable("kerasgan")
class ACGAN(GAN):
    """Auxiliary classifier GAN (Odena, Olah, Shlens, 2017, section 3).

    Both players also minimise the cross entropy of the class: D on real and on generated images, G on its own. So
    `d_loss` and `g_loss` hold that of the class too; training reports its parts and how often D names the right class.

    Args:
        generator: conditional, as for `GAN`.
        discriminator: `keras.Model` from samples alone to [logits (batch, 1), class logits (batch, classes)].
        class_weight: factor of the class's cross entropy.
        **kwargs: of `GAN`.

    Example:
        >>> image = keras.Input((28, 28, 1))
        >>> flat = keras.layers.Flatten()(image)
        >>> discriminator = keras.Model(image, [keras.layers.Dense(1)(flat), keras.layers.Dense(10)(flat)])
        >>> gan = kg.ACGAN(conditional_generator, discriminator, class_names=images.class_names)
        >>> gan.compile(loss="hinge")
        >>> [metric.name for metric in gan.metrics if "class" in metric.name]
        ['real_class_loss', 'fake_class_loss', 'real_class_accuracy', 'fake_class_accuracy']
    """

    outputs_of_discriminator = 2
    extra_metrics = ("real_class_loss", "fake_class_loss", "real_class_accuracy", "fake_class_accuracy")
    setting_names = (*GAN.setting_names, "class_weight")

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        latent_dim: int | None = None,
        *,
        class_weight: float = 1.0,
        **kwargs: Any,
    ):
        super().__init__(generator, discriminator, latent_dim, **kwargs)
        self.class_weight = class_weight
        if not self.conditional:
            raise InputError("An ACGAN needs a generator that takes [latent, label].")
        named = self.discriminator.outputs[1].shape[-1]
        if named != self.num_classes:
            raise InputError(
                f"The discriminator's second output must be one logit for each of {self.num_classes} classes. "
                f"Received {named}."
            )

    def discriminator_loss(self, real, fake, condition):
        real_logits, real_classes = self.opinions(self.augmented(real), condition)
        fake_logits, fake_classes = self.opinions(self.augmented(fake), condition)
        report = {
            **self._accuracies(real_logits, fake_logits),
            "real_class_loss": _cross_entropy(condition, real_classes),
            "fake_class_loss": _cross_entropy(condition, fake_classes),
            "real_class_accuracy": _accuracy(condition, real_classes),
            "fake_class_accuracy": _accuracy(condition, fake_classes),
        }
        classes = report["real_class_loss"] + report["fake_class_loss"]
        return self.adversarial_loss.discriminator(real_logits, fake_logits) + self.class_weight * classes, report

    def generator_loss(self, fake, real, condition):
        fake_logits, fake_classes = self.opinions(self.augmented(fake), condition)
        real_logits = None
        if self.adversarial_loss.generator_needs_real:
            real_logits = self.judge(self.augmented(real), condition)
        loss = self.adversarial_loss.generator(fake_logits, real_logits)
        return loss + self.class_weight * _cross_entropy(condition, fake_classes), {}

    def get_config(self):
        return {**super().get_config(), "class_weight": self.class_weight}


def _cross_entropy(labels, logits):
    return ops.mean(ops.sparse_categorical_crossentropy(labels, logits, from_logits=True))


def _accuracy(labels, logits):
    return ops.mean(ops.cast(ops.equal(ops.cast(ops.argmax(logits, axis=1), "int32"), labels), "float32"))

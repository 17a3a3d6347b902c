"""InfoGAN: a GAN whose latent codes can be read off its samples again."""

from typing import Any

import keras
from keras import ops

from kerasgan.errors import InputError
from kerasgan.gans.gan import GAN
from kerasgan.spec import code_names


@keras.saving.register_keras_serializable("kerasgan")
class InfoGAN(GAN):
    """Information maximizing GAN (Chen et al., 2016, section 4): labels are found, not given.

    Both players also minimise the loss of recovering the codes of generated samples: the cross entropy of the
    categorical code, and the squared error of the continuous ones. It is part of `d_loss` and `g_loss`, and reported by
    parts. `fit` needs no labels and ignores them.

    Args:
        generator: from `[latent, label]`: the label is the categorical code, the first values of the latent are the
            continuous ones.
        discriminator: `keras.Model` from samples alone to [logits (batch, 1), logits of the categorical code
            (batch, categories), continuous codes (batch, codes)].
        category_weight: factor of the categorical code's loss.
        code_weight: factor of the continuous codes' loss.
        **kwargs: of `GAN`; `class_names` are those of the categorical code, "code 0" and so on by default. Other names
            say that its values are known to be those classes, which scores then take them for.

    Example:
        >>> image = keras.Input((28, 28, 1))
        >>> flat = keras.layers.Flatten()(image)
        >>> discriminator = keras.Model(image, [keras.layers.Dense(size)(flat) for size in (1, 10, 2)])
        >>> gan = kg.InfoGAN(conditional_generator, discriminator)
        >>> gan.num_codes, gan.class_names[:3]
        (2, ('code 0', 'code 1', 'code 2'))
    """

    outputs_of_discriminator = 3
    extra_metrics = ("category_loss", "category_accuracy", "code_loss")
    setting_names = (*GAN.setting_names, "category_weight", "code_weight")

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        latent_dim: int | None = None,
        *,
        category_weight: float = 1.0,
        code_weight: float = 1.0,
        **kwargs: Any,
    ):
        super().__init__(generator, discriminator, latent_dim, **kwargs)
        self.category_weight = category_weight
        self.code_weight = code_weight
        self.num_codes = self.discriminator.outputs[2].shape[-1]

    def _class_names(self, generator, num_classes, class_names):
        if not self.conditional:
            raise InputError("An InfoGAN needs a generator that takes [latent, label]; the label is its code.")
        count = self.discriminator.outputs[1].shape[-1]
        return super()._class_names(generator, num_classes or count, class_names or code_names(count))

    def _check_networks(self, latent_dim):
        super()._check_networks(latent_dim)
        categories, codes = (output.shape[-1] for output in self.discriminator.outputs[1:])
        if categories != self.num_classes:
            raise InputError(
                f"The discriminator recovers a categorical code of {categories} values. Received names for "
                f"{self.num_classes}."
            )
        if not 1 <= codes <= self.latent_dim:
            raise InputError(
                f"The discriminator recovers {codes} continuous codes, which must be the first of the generator's "
                f"{self.latent_dim} latent values."
            )

    @property
    def needs_labels(self):
        return False

    def unpack(self, data):
        """The condition is the codes drawn for this batch: category int32 (n,), codes float32 (n, codes)."""
        real, _ = super().unpack(data)
        n = ops.shape(real)[0]
        codes = self.draws.latents(self.prior, n, self.num_codes)
        return real, (self.draws.labels(n, self.num_classes), codes)

    def generator_inputs(self, n, condition):
        category, codes = condition
        if self.num_codes == self.latent_dim:
            return [codes, category]
        noise = self.draws.latents(self.prior, n, self.latent_dim - self.num_codes)
        return [ops.concatenate([codes, noise], axis=1), category]

    def discriminator_loss(self, real, fake, condition):
        real_logits = self.judge(self.augmented(real), condition)
        fake_logits, *found = self.opinions(self.augmented(fake), condition)
        loss, report = self._recovery(condition, *found)
        report |= self._accuracies(real_logits, fake_logits)
        return self.adversarial_loss.discriminator(real_logits, fake_logits) + loss, report

    def generator_loss(self, fake, real, condition):
        fake_logits, *found = self.opinions(self.augmented(fake), condition)
        real_logits = None
        if self.adversarial_loss.generator_needs_real:
            real_logits = self.judge(self.augmented(real), condition)
        return self.adversarial_loss.generator(fake_logits, real_logits) + self._recovery(condition, *found)[0], {}

    def _recovery(self, condition, category_logits, found_codes):
        """(weighted loss, its parts) of finding the codes again."""
        category, codes = condition
        named = ops.cast(ops.argmax(category_logits, axis=1), "int32")
        report = {
            "category_loss": ops.mean(ops.sparse_categorical_crossentropy(category, category_logits, from_logits=True)),
            "category_accuracy": ops.mean(ops.cast(ops.equal(named, category), "float32")),
            "code_loss": ops.mean(ops.square(found_codes - codes)),
        }
        return self.category_weight * report["category_loss"] + self.code_weight * report["code_loss"], report

    def get_config(self):
        return {
            **super().get_config(),
            "category_weight": self.category_weight,
            "code_weight": self.code_weight,
        }

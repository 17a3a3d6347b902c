"""GAN: latents in, samples out, with or without labels."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from kerasgan import priors
from kerasgan.errors import InputError
from kerasgan.gans.adversarial import AdversarialModel
from kerasgan.gans.networks import canonical_discriminator, canonical_generator, known_classes, last_activation
from kerasgan.sampler import Sampler
from kerasgan.spec import SampleSpec, check_value_range


@keras.saving.register_keras_serializable("kerasgan")
class GAN(AdversarialModel):
    """A generative adversarial network (Goodfellow et al., 2014), with labels conditional (Mirza & Osindero, 2014).

    Args:
        generator: `keras.Model` from `latent` float (batch, latent_dim), or `[latent, label]`, to samples.
        discriminator: `keras.Model` from samples, or `[sample, label]`, to logits (no sigmoid at its end).
            A label input may be int (batch,), int (batch, 1) or one-hot (batch, classes) in either network.
        latent_dim: checked against the generator's input where given.
        prior: distribution of the latents, see `kerasgan.priors`.
        num_classes: of a conditional GAN; read from the networks where they tell.
        class_names: one name per class; `None` counts from "0".
        value_range: range of the generator's output and of the training data; `None` reads it off the generator's
            last activation: (0, 1) after a sigmoid, else (-1, 1).
        mismatched: share, 0 to below 1, of real samples with wrong labels in what D learns to refuse; fakes have the
            rest (GAN-CLS: Reed et al., 2016, https://arxiv.org/abs/1605.05396, algorithm 1, with 0.5). Every sample of
            a batch is shown so, with shares up to a third every k-th, k = floor((1 - share) / share), in one pass with
            the right labels. Wrong ones are drawn uniformly, for classes of about equal size. For a D that takes
            [sample, label]; training reports how often it is right as `d_mismatched_accuracy`. As fakes weigh only
            1 - mismatched, a D in balance takes more of them for real, the more the larger the share:
            `d_fake_accuracy` is lower with losses whose boundary is fixed, and `HealthMonitor` then finds no
            discriminator dead. Penalties see right labels only, so that with the Wasserstein loss nothing but
            `weight_clip` or spectral normalization bounds the logits of wrong ones. `evaluate` leaves them out.
        **kwargs: of `AdversarialModel`: `n_critic`, `ema`, `ema_warmup`, `share_fakes`, `seed`, `name`.

    Example:
        >>> latent, image = keras.Input((16,)), keras.Input((28, 28, 1))
        >>> drawn = keras.layers.Reshape((28, 28, 1))(keras.layers.Dense(784, "tanh")(latent))
        >>> logit = keras.layers.Dense(1)(keras.layers.Flatten()(image))
        >>> gan = kg.GAN(keras.Model(latent, drawn), keras.Model(image, logit), seed=0)
        >>> gan.compile(loss="hinge", penalties=[kg.penalties.R1(0.1, interval=16)])
        >>> history = gan.fit(images, batch_size=64, epochs=1, verbose=0)
        >>> gan.sampler().generate(16, seed=1).shape
        (16, 28, 28, 1)
    """

    setting_names = (*AdversarialModel.setting_names, "prior", "mismatched")
    outputs_of_discriminator = 1

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        latent_dim: int | None = None,
        *,
        prior: str = "normal",
        num_classes: int | None = None,
        class_names: Sequence[str] | None = None,
        value_range: tuple[float, float] | None = None,
        mismatched: float = 0.0,
        **kwargs: Any,
    ):
        if value_range is None:
            value_range = (0.0, 1.0) if last_activation(generator) == "sigmoid" else (-1.0, 1.0)
        check_value_range(value_range)
        canonical = canonical_generator(generator), canonical_discriminator(discriminator)
        super().__init__(*canonical, value_range=value_range, **kwargs)
        self.prior = priors.check(prior)
        self.latent_dim = self.generator.inputs[0].shape[1]
        self.image_shape = tuple(self.discriminator.inputs[0].shape[1:])
        self.conditional = len(self.generator.inputs) == 2
        self._check_outputs()
        self.class_names = self._class_names(generator, num_classes, class_names)
        self._check_networks(latent_dim)
        self.mismatched = mismatched
        if mismatched:
            self._check_mismatched()
            self.extra_metrics = ("d_mismatched_accuracy",)

    def _class_names(self, generator, num_classes, class_names) -> tuple[str, ...]:
        if not self.conditional:
            if num_classes or class_names:
                raise InputError("num_classes and class_names need a generator that takes [latent, label].")
            return ()
        count = len(class_names) if class_names else num_classes or known_classes(generator)
        if not count:
            raise InputError("The number of classes cannot be read off the generator. Give num_classes.")
        if num_classes and num_classes != count:
            raise InputError(f"{count} class_names were given for num_classes={num_classes}.")
        return tuple(class_names) if class_names else tuple(str(i) for i in range(count))

    def _check_outputs(self):
        expected, received = self.outputs_of_discriminator, len(self.discriminator.outputs)
        if received != expected:
            raise InputError(
                f"The discriminator of a {type(self).__name__} has {expected} output(s). Received one with {received}. "
                "An ACGAN's has 2, an InfoGAN's 3."
            )
        if expected > 1 and len(self.discriminator.inputs) > 1:
            raise InputError(f"The discriminator of a {type(self).__name__} takes samples alone, no labels.")

    def _check_networks(self, latent_dim):
        if latent_dim and latent_dim != self.latent_dim:
            raise InputError(f"The generator takes latents of {self.latent_dim} values, but latent_dim={latent_dim}.")
        if len(self.discriminator.inputs) == 2 and not self.conditional:
            raise InputError("The discriminator takes labels but the generator does not.")
        made = tuple(self.generator.outputs[0].shape[1:])
        if made != self.image_shape:
            raise InputError(
                f"The generator makes samples of shape {made}, but the discriminator takes {self.image_shape}."
            )

    def _check_mismatched(self):
        if not 0.0 < self.mismatched < 1.0:
            raise InputError(f"mismatched must be at least 0 and below 1. Received: {self.mismatched}.")
        if len(self.discriminator.inputs) < 2 or self.num_classes < 2:
            raise InputError(
                "mismatched shows wrong labels to a discriminator that takes [sample, label], of two classes or more. "
                f"Received one with {len(self.discriminator.inputs)} input(s), and {self.num_classes} class(es). Give "
                "mismatched=0, or such a discriminator."
            )

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    @property
    def needs_labels(self) -> bool:
        """Whether every sample of the data must bring its label."""
        return self.conditional

    def unpack(self, data) -> tuple:
        real, label = super().unpack(data)
        if not self.needs_labels:
            return real, None
        if label is None:
            raise InputError("This GAN is conditional: fit and evaluate need labels, fit(x, y).")
        if len(label.shape) == 2 and (label.shape[1] or 1) > 1:
            label = ops.argmax(label, axis=1)  # one-hot, from a data set that is not ours
        return real, ops.reshape(ops.cast(label, "int32"), (-1,))

    def generator_inputs(self, n, condition):
        latent = self.draws.latents(self.prior, n, self.latent_dim)
        return latent if condition is None else [latent, condition]

    def opinions(self, samples, condition, training=True) -> list:
        """All that the discriminator says of samples, float32; the logits come first."""
        inputs = samples if len(self.discriminator.inputs) == 1 else [samples, condition]
        outputs = self.discriminator(inputs, training=training)
        return [ops.cast(x, "float32") for x in (outputs if isinstance(outputs, list | tuple) else [outputs])]

    def judge(self, samples, condition, training=True):
        return self.opinions(samples, condition, training)[0]

    def discriminator_loss(self, real, fake, condition):
        if not self.mismatched:
            return super().discriminator_loss(real, fake, condition)
        seen = self.augmented(real)  # once: nothing but the label may tell the pairs apart
        n = ops.shape(real)[0]
        # About as many as make their share beside n fakes: all n would cost a pass of D, however little they weigh.
        every = max(1, int((1.0 - self.mismatched) / self.mismatched))
        shift = 1 + self.draws.labels(n, self.num_classes - 1)
        wrong = ((condition + shift) % self.num_classes)[::every]
        logits = self.judge(ops.concatenate([seen, seen[::every]]), ops.concatenate([condition, wrong]))
        real_logits, wrong_logits = logits[:n], logits[n:]
        fake_logits = self.judge(self.augmented(fake), condition)
        against_fakes, against_wrong = (
            self.adversarial_loss.discriminator(*pair)
            for pair in ((real_logits, fake_logits), (real_logits[::every], wrong_logits))
        )
        report = {
            **self._accuracies(real_logits, fake_logits),
            "d_mismatched_accuracy": self._accuracies(real_logits, wrong_logits)["d_fake_accuracy"],
        }
        return (1.0 - self.mismatched) * against_fakes + self.mismatched * against_wrong, report

    def call(self, inputs, training=False):
        latent = inputs[0] if isinstance(inputs, list | tuple) else inputs
        if latent.shape[-1] != self.latent_dim:
            raise InputError(f"Latents must have shape (n, {self.latent_dim}). Received: {tuple(latent.shape)}.")
        return super().call(inputs, training=training)

    def check_data(self, images: Any) -> None:
        """Also the shape, and the labels of a conditional GAN."""
        if images.image_shape != self.image_shape:
            raise InputError(
                f"These networks take samples of shape {self.image_shape}. Received data of shape "
                f"{images.image_shape}. Load the data with image_shape={self.image_shape}, or build other networks."
            )
        if self.needs_labels and images.y is None:
            raise InputError("This GAN is conditional: fit needs labels, fit(x, y). Received data without labels.")
        if self.needs_labels:
            low, high = int(images.y.min()), int(images.y.max())
            if low < 0 or high >= self.num_classes:
                raise InputError(f"Labels must lie in 0..{self.num_classes - 1}. Received {low}..{high}.")
        super().check_data(images)

    @property
    def spec(self) -> SampleSpec:
        return SampleSpec(
            latent_dim=self.latent_dim,
            image_shape=self.image_shape,
            prior=self.prior,
            value_range=self.value_range,
            class_names=self.class_names,
        )

    def sampler(self, recipe: dict[str, Any] | None = None) -> Sampler:
        """The averaged generator as a `Sampler`, a copy that further training leaves alone."""
        generator = keras.models.clone_model(self.ema_generator)
        generator.set_weights(self.ema_generator.get_weights())
        generator.name = "generator"
        return Sampler(generator, self.spec, recipe)

    def get_config(self):
        return {
            **super().get_config(),
            "latent_dim": self.latent_dim,
            "prior": self.prior,
            "class_names": self.class_names or None,
            "mismatched": self.mismatched,
        }

"""AdversarialModel: two networks trained against each other by `fit`."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasgan import augment as augmentation
from kerasgan import backend, losses
from kerasgan import penalties as gradient_penalties
from kerasgan.errors import InputError
from kerasgan.gans import fitting, step
from kerasgan.gans.draws import Draws
from kerasgan.gans.optimizers import OptimizerPair, computes_in_float16, player_optimizer
from kerasgan.gans.running import RunsEverywhere
from kerasgan.gans.saving import SavesEverything


class AdversarialModel(RunsEverywhere, SavesEverything):
    """A generator and a discriminator, each with its optimizer and its loss, in one `keras.Model`.

    A subclass says what the players are given: `unpack`, `generator_inputs` and `judge`; one whose structure differs
    (an auxiliary classifier, say) also overrides `discriminator_loss` or `generator_loss`. The alternation itself
    stands in `kerasgan.gans.step`, once, for every backend.

    Args:
        generator: functional `keras.Model`; its output, float, lies in `value_range`.
        discriminator: functional `keras.Model`; its output are logits, of any shape with the batch first.
        n_critic: discriminator updates per generator update; every batch is cut into that many parts, so that each
            update sees samples of its own.
        ema: decay of the exponential moving average of the generator's weights, 0 (off) to below 1. Sampling,
            `predict` and `evaluate` use the average.
        ema_warmup: the decay at update t is `min(ema, (1 + t) / (ema_warmup + t))`, so that early weights are soon
            forgotten.
        share_fakes: whether one generator pass per step feeds both players, which is faster, instead of two draws.
            Needs `n_critic` 1 and no gradient accumulation; `None` shares whenever these hold.
        value_range: (low, high) to which uint8 images 0..255 are scaled on the device.
        seed: of all noise drawn in training; `None` takes one at random.

    Example:
        >>> class Plain(kg.AdversarialModel):
        ...     def generator_inputs(self, n, condition):
        ...         return self.draws.normal((n, 16))
        ...     def judge(self, samples, condition, training=True):
        ...         return self.discriminator(samples, training=training)
        >>> Plain(generator, discriminator, ema=0.99).predict(np.zeros((4, 16)), verbose=0).shape
        (4, 28, 28, 1)
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        n_critic: int = 1,
        ema: float = 0.999,
        ema_warmup: int = 10,
        share_fakes: bool | None = None,
        value_range: tuple[float, float] = (-1.0, 1.0),
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if n_critic < 1:
            raise InputError(f"n_critic must be at least 1. Received: {n_critic}.")
        if not 0.0 <= ema < 1.0:
            raise InputError(f"ema must be at least 0 and below 1. Received: {ema}.")
        if share_fakes and n_critic > 1:
            raise InputError(f"share_fakes needs n_critic=1. Received: n_critic={n_critic}.")
        self.generator = generator
        self.discriminator = discriminator
        self.n_critic = n_critic
        self.ema = ema
        self.ema_warmup = ema_warmup
        self.share_fakes = share_fakes
        self.value_range = (float(value_range[0]), float(value_range[1]))
        self.seed = seed
        self.ema_generator = keras.models.clone_model(generator)
        self.ema_generator.set_weights(generator.get_weights())
        self.ema_generator.trainable = False
        self.ema_generator.name = "ema_generator"
        self.draws = Draws(seed)
        self.seed_generator = self.draws.seeds  # an attribute of the model, so that Keras tracks its state
        self.steps = self.add_weight(shape=(), initializer="zeros", dtype="int32", trainable=False, name="steps")
        self.trackers: dict[str, keras.metrics.Metric] = {}
        self.built = True

    # What a subclass says.

    def unpack(self, data) -> tuple:
        """(real, condition) from what `fit` hands over; `condition` is a tensor, or `None`."""
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        if weights is not None:
            raise InputError(fitting.NO_WEIGHTS)
        return self.scaled(x), y

    def generator_inputs(self, n, condition) -> Any:
        """What the generator is called with to make n samples."""
        raise NotImplementedError

    def judge(self, samples, condition, training: bool = True):
        """The discriminator's logits for samples (float32, as the generator makes them), in float32."""
        raise NotImplementedError

    def discriminator_loss(self, real, fake, condition) -> tuple:
        """(loss, {name: scalar to report}) of D; names beyond the two accuracies go into `extra_metrics`."""
        real_logits = self.judge(self.augmented(real), condition)
        fake_logits = self.judge(self.augmented(fake), condition)
        return self.adversarial_loss.discriminator(real_logits, fake_logits), self._accuracies(real_logits, fake_logits)

    def generator_loss(self, fake, real, condition) -> tuple:
        """(loss, {name: scalar to report}) of G."""
        fake_logits = self.judge(self.augmented(fake), condition)
        real_logits = None
        if self.adversarial_loss.generator_needs_real:
            real_logits = self.judge(self.augmented(real), condition)
        return self.adversarial_loss.generator(fake_logits, real_logits), {}

    extra_metrics: Sequence[str] = ()

    setting_names: Sequence[str] = ("n_critic", "ema", "ema_warmup", "share_fakes", "value_range")
    """Attributes a training must not change when it is taken up again."""

    # What subclasses and the step use.

    def scaled(self, images):
        """float32; uint8 0..255 is mapped to `value_range`, anything else is taken as it is."""
        images = ops.convert_to_tensor(images)
        if keras.backend.standardize_dtype(images.dtype) != "uint8":
            return ops.cast(images, "float32")
        low, high = self.value_range
        return ops.cast(images, "float32") * ((high - low) / 255.0) + low

    def generate(self, n, condition, network: keras.Model | None = None, training: bool = True):
        """N samples float32 from the generator, or from `network` in its place."""
        return ops.cast((network or self.generator)(self.generator_inputs(n, condition), training=training), "float32")

    def augmented(self, samples):
        return samples if self.augment is None else self.augment(samples, self.draws)

    def _accuracies(self, real_logits, fake_logits):
        boundary = self.adversarial_loss.boundary(real_logits, fake_logits)
        return {
            "d_real_accuracy": ops.mean(ops.cast(real_logits > boundary, "float32")),
            "d_fake_accuracy": ops.mean(ops.cast(fake_logits < boundary, "float32")),
        }

    def check_data(self, images: Any) -> None:
        """Raises `InputError` unless `kerasgan.data.Images` suit the model: finite, pictures inside `value_range`."""
        if images.x.dtype == np.uint8:
            return
        low, high = float(np.min(images.x)), float(np.max(images.x))
        if not np.isfinite([low, high]).all():
            raise InputError(f"The data must be finite. Received values from {low} to {high}.")
        allowed_low, allowed_high = self.value_range
        slack = 1e-3 * (allowed_high - allowed_low)
        if images.x.ndim == 4 and (low < allowed_low - slack or high > allowed_high + slack):
            raise InputError(
                f"Float images must lie in this model's value_range {self.value_range}. Received values from {low:g} "
                f"to {high:g}. Give uint8 images 0..255, which are scaled on the device, or scale them yourself."
            )

    @property
    def shares_fakes(self) -> bool:
        possible = self.n_critic == 1 and self.gradient_accumulation == 1
        return possible and self.share_fakes is not False

    @property
    def step_count(self) -> int:
        """Training steps done so far, those before a resume included."""
        return int(ops.convert_to_numpy(ops.convert_to_tensor(self.steps)))

    @property
    def all_state(self) -> list:
        """Every variable a step may change, once each."""
        variables = [*self.variables, *self.optimizer.variables, *self.metrics_variables]
        return list({id(v): v for v in variables}.values())

    # What Keras calls.

    def compile(
        self,
        g_optimizer: Any = None,
        d_optimizer: Any = None,
        loss: str | losses.AdversarialLoss = "non_saturating",
        penalties: Sequence[Any] = (),
        augment: Any = None,
        weight_clip: float = 0.0,
        gradient_accumulation: int = 1,
        **kwargs: Any,
    ):
        """Sets how the players learn.

        Args:
            g_optimizer: a Keras optimizer, its name, or `{"name": ..., **arguments}`; `None` stands for Adam with
                learning rate 2e-4 and beta_1 0.5 (Radford et al., 2016).
            d_optimizer: the same for D.
            loss: a name or an object of `kerasgan.losses`.
            penalties: names, `{"name": ..., **arguments}` or objects of `kerasgan.penalties`.
            augment: a policy or an object of `kerasgan.augment`.
            weight_clip: after each update D's weights are clipped to [-weight_clip, weight_clip] (WGAN, Arjovsky et
                al., 2017); 0 for none.
            gradient_accumulation: number of micro-batches a batch is cut into; each player moves once, by their mean
                gradient. Saves memory, not time.
            **kwargs: `jit_compile`, `steps_per_execution`, `run_eagerly` of `keras.Model.compile`. With JAX, an
                accelerator and several steps per execution, these are one compiled loop, and `Images` and arrays of
                up to 4 GiB are moved to the device once.
        """
        if gradient_accumulation < 1:
            raise InputError(f"gradient_accumulation must be at least 1. Received: {gradient_accumulation}.")
        if self.share_fakes and gradient_accumulation > 1:
            raise InputError("share_fakes and gradient_accumulation exclude each other. Use share_fakes=None.")
        if weight_clip < 0:
            raise InputError(f"weight_clip must not be negative. Received: {weight_clip}.")
        if backend.NAME == "torch" and kwargs.get("steps_per_execution", 1) != 1:
            raise InputError("Keras knows steps_per_execution=1 only on PyTorch.")
        self.adversarial_loss = losses.get(loss)
        self.penalties = [gradient_penalties.get(p) for p in penalties]
        if len({p.name for p in self.penalties}) < len(self.penalties):
            raise InputError(f"Each penalty may be given once. Received: {', '.join(p.name for p in self.penalties)}.")
        self.augment = augmentation.get(augment)
        self.weight_clip = weight_clip
        self.gradient_accumulation = gradient_accumulation
        pair = []
        for player, optimizer, network in (
            ("g_optimizer", g_optimizer, self.generator),
            ("d_optimizer", d_optimizer, self.discriminator),
        ):
            if optimizer is None:
                optimizer = keras.optimizers.Adam(2e-4, beta_1=0.5)
            pair.append(player_optimizer(optimizer, player, loss_scaling=computes_in_float16(network)))
        super().compile(optimizer=OptimizerPair(*pair), auto_scale_loss=False, **kwargs)
        self.compile_options = kwargs
        # Noted now, before a callback moves the learning rate.
        self.settings = self.settings_now()
        self.optimizer.build(self.generator.trainable_variables, self.discriminator.trainable_variables)
        names = [*step.METRICS, *self.extra_metrics, *(p.name for p in self.penalties)]
        self.trackers = {name: keras.metrics.Mean(name) for name in names}

    @property
    def metrics(self):
        return list(self.trackers.values())

    def fit(self, x=None, y=None, batch_size: int | None = None, epochs: int = 1, **kwargs: Any):
        """`keras.Model.fit`, with data checked first and exact resume: see `kerasgan.gans.fitting.fit`."""
        return fitting.fit(self, super().fit, x, y, batch_size=batch_size, epochs=epochs, **kwargs)

    def evaluate(self, x=None, y=None, batch_size: int | None = None, **kwargs: Any):
        """`keras.Model.evaluate`: losses and accuracies of D against the averaged generator; takes `Images` too.

        The losses are the adversarial ones alone: what `discriminator_loss` and `generator_loss` of a subclass add (a
        class's cross entropy, say) is left out, in `validation_data` as well.
        """
        return super().evaluate(fitting.evaluable(self, x, batch_size), y, batch_size=batch_size, **kwargs)

    def call(self, inputs, training=False):
        """The averaged generator, so that `predict` samples."""
        return self.ema_generator(inputs, training=training)

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "generator": serialize(self.generator),
            "discriminator": serialize(self.discriminator),
            "n_critic": self.n_critic,
            "ema": self.ema,
            "ema_warmup": self.ema_warmup,
            "share_fakes": self.share_fakes,
            "value_range": self.value_range,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        for network in ("generator", "discriminator"):
            config[network] = keras.saving.deserialize_keras_object(config[network], custom_objects)
        return cls(**config)

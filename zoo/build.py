"""From a recipe to a compiled model."""

import inspect
from collections.abc import Sequence
from typing import Any

from kerasgan.errors import InputError
from kerasgan.precision import built_in
from kerasgan.recipe import Recipe
from kerasgan.zoo.registry import family, show


def networks(recipe: Recipe) -> tuple[Any, Any]:
    """The recipe's (generator, discriminator), untrained.

    Its seed fixes their first weights, for which the global generators of Python, NumPy and the backend are seeded:
    Keras' initializers know no other way for networks of anyone's making. Its precision is theirs alone.

    Example:
        >>> generator, discriminator = kg.zoo.networks(kg.zoo.show("dcgan_digits"))
        >>> generator.output_shape, discriminator.output_shape
        ((None, 28, 28, 1), (None, 1))
    """
    import keras

    if keras.config.image_data_format() != "channels_last":
        raise InputError("The zoo's networks have channels last: keras.config.set_image_data_format('channels_last').")
    builders = family(recipe.family)
    common = {"image_shape": recipe.image_shape, "num_classes": recipe.num_classes}
    calls = {
        "generator": (builders.generator, {**common, "latent_dim": recipe.latent_dim, **recipe.generator}),
        "discriminator": (builders.discriminator, {**common, **recipe.discriminator}),
    }
    for player, (builder, arguments) in calls.items():
        try:
            inspect.signature(builder).bind(**arguments)
        except TypeError as error:
            raise InputError(f"The {player} of family {recipe.family!r} cannot be called so: {error}.") from error
    keras.utils.set_random_seed(recipe.seed)
    with built_in(recipe.precision):
        generator, discriminator = (builder(**arguments) for builder, arguments in calls.values())
    return generator, discriminator


def build(
    entry: str | Recipe,
    image_shape: tuple[int, int, int] | None = None,
    num_classes: int | None = None,
    class_names: Sequence[str] | None = None,
    steps: int | None = None,
    **compile_options: Any,
):
    """A compiled, untrained `kerasgan.GAN` of a zoo entry, or the subclass its family needs.

    Args:
        entry: a name of `kerasgan.zoo.names()`, or a `Recipe`.
        image_shape: (height, width, channels) in place of the recipe's.
        num_classes: in place of the recipe's; 0 for an unconditional GAN.
        class_names: one for each class.
        steps: generator updates of the whole training, over whose last part the learning rates of a recipe with
            `decay` fall; without it they stay.
        **compile_options: `jit_compile`, `steps_per_execution`, `run_eagerly`.

    Example:
        >>> gan = kg.zoo.build("dcgan_digits", image_shape=(40, 24, 3))
        >>> gan.sampler().generate(2).shape
        (2, 40, 24, 3)
    """
    from kerasgan import losses
    from kerasgan.gans.gan import GAN

    recipe = show(entry) if isinstance(entry, str) else entry
    if class_names:
        if isinstance(class_names, str) or len(set(class_names)) != len(class_names):
            raise InputError(f"class_names must be a name for each class, none twice. Received: {class_names!r}.")
        if num_classes not in (None, len(class_names)):
            raise InputError(f"num_classes is {num_classes}, and there are {len(class_names)} class_names.")
        num_classes = len(class_names)
    recipe = recipe.for_images(
        recipe.image_shape if image_shape is None else image_shape,
        recipe.num_classes if num_classes is None else num_classes,
    )
    gan = (family(recipe.family).model or GAN)(
        *networks(recipe),
        latent_dim=recipe.latent_dim,
        prior=recipe.prior,
        num_classes=recipe.num_classes or None,
        class_names=class_names,
        n_critic=recipe.n_critic,
        ema=recipe.ema,
        share_fakes=recipe.share_fakes,
        mismatched=recipe.mismatched,
        seed=recipe.seed,
        name=recipe.name,
    )
    gan.compile(
        g_optimizer=_falling(recipe.g_optimizer, recipe.decay, steps),
        d_optimizer=_falling(recipe.d_optimizer, recipe.decay, steps and steps * recipe.n_critic),
        loss=losses.get(recipe.loss, recipe.label_smoothing),
        penalties=recipe.penalties,
        augment=recipe.augment,
        weight_clip=recipe.weight_clip,
        gradient_accumulation=recipe.gradient_accumulation,
        **compile_options,
    )
    return gan


def _falling(optimizer, decay, steps):
    """The optimizer's settings with a schedule for its learning rate, where the recipe has one."""
    import keras

    from kerasgan.gans.decay import LinearDecay

    if not (decay and steps):
        return optimizer
    if "learning_rate" not in optimizer:
        raise InputError(f"A recipe with decay must give its optimizers' learning_rate. Received: {optimizer}.")
    schedule = LinearDecay(optimizer["learning_rate"], steps, decay)
    return {**optimizer, "learning_rate": keras.saving.serialize_keras_object(schedule)}

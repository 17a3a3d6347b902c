"""OptimizerPair: the one optimizer Keras sees, made of the generator's and the discriminator's, and their rates."""

from typing import Any

import keras

from kerasgan.errors import InputError


@keras.saving.register_keras_serializable("kerasgan")
class OptimizerPair(keras.optimizers.Optimizer):
    """Owns the variables of both optimizers, so that `fit` on JAX carries them and `save` stores them.

    It never updates anything itself: the model's step calls `g` and `d`. Its learning rate is the generator's; setting
    it (as learning-rate callbacks do) moves the discriminator's in the same proportion, so a two-time-scale rule stays.

    Args:
        g: the generator's optimizer.
        d: the discriminator's.
    """

    def __init__(self, g: keras.optimizers.Optimizer, d: keras.optimizers.Optimizer, name: str = "optimizer_pair"):
        super().__init__(learning_rate=0.0, name=name)
        self.g, self.d = g, d
        self.proportion = 1.0
        for player, optimizer in (("g_optimizer", g), ("d_optimizer", d)):
            _make_lowerable(getattr(optimizer, "inner_optimizer", optimizer), player)

    def build(self, g_variables, d_variables):
        """Creates the slots; without them a saved model would load its optimizers with a mere warning."""
        self.g.build(g_variables)
        self.d.build(d_variables)
        self.built = True

    @property
    def variables(self):
        return self.g.variables + self.d.variables

    def save_own_variables(self, store):
        pass  # g and d are saved as parts of their own

    def load_own_variables(self, store):
        pass

    @property
    def learning_rate(self):
        return self.g.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        g, d = (float(keras.ops.convert_to_numpy(o.learning_rate)) for o in (self.g, self.d))
        if g:  # at 0, say in a warm-up, the proportion is the one seen before
            self.proportion = d / g
        self.d.learning_rate = value * self.proportion
        self.g.learning_rate = value

    @property
    def factors(self) -> list:
        """The variables that `lower` changes, G's and D's: the learning rate, or what its schedule is multiplied by."""
        rates = [getattr(o, "inner_optimizer", o)._learning_rate for o in (self.g, self.d)]
        return [rate.factor if isinstance(rate, Lowered) else rate for rate in rates]

    def lower(self, factor: float) -> None:
        """Both learning rates become `factor` times what they are; schedules are so for all the steps to come."""
        for variable in self.factors:
            variable.assign(factor * variable)

    def finalize_variable_values(self, var_list):
        self.g.finalize_variable_values(self.g._trainable_variables)
        self.d.finalize_variable_values(self.d._trainable_variables)

    def get_config(self) -> dict[str, Any]:
        serialize = keras.saving.serialize_keras_object
        return {"g": serialize(self.g), "d": serialize(self.d), "name": self.name}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        deserialize = keras.saving.deserialize_keras_object
        return cls(deserialize(config["g"]), deserialize(config["d"]), config["name"])


@keras.saving.register_keras_serializable("kerasgan")
class Lowered(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule times a variable of the optimizer: it can be lowered, and stays so in checkpoints and files."""

    def __init__(self, schedule: keras.optimizers.schedules.LearningRateSchedule, factor: keras.Variable):
        self.schedule, self.factor = schedule, factor

    def __call__(self, step):
        return self.schedule(step) * keras.ops.convert_to_tensor(self.factor)

    def get_config(self) -> dict[str, Any]:
        return {"schedule": keras.saving.serialize_keras_object(self.schedule)}

    @classmethod
    def from_config(cls, config):
        """The schedule alone: `OptimizerPair` gives it a variable of the new optimizer."""
        return keras.saving.deserialize_keras_object(config["schedule"])


def player_optimizer(optimizer: Any, player: str, loss_scaling: bool) -> keras.optimizers.Optimizer:
    """A player's optimizer from a name, `{"name": ..., **arguments}` or an object, with a loss scaler where needed."""
    if isinstance(optimizer, dict) and "class_name" not in optimizer:
        arguments = dict(optimizer)
        optimizer = {"class_name": str(arguments.pop("name", None)), "config": arguments}
    try:
        optimizer = keras.optimizers.get(optimizer)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{player} must be a name or an object of keras.optimizers, or {{'name': ..., **arguments}}: {error}."
        ) from error
    if getattr(optimizer, "gradient_accumulation_steps", None):
        raise InputError(
            f"{player} accumulates gradients by itself (gradient_accumulation_steps), so the two players would move at "
            "different times. Use compile(gradient_accumulation=...) instead."
        )
    if loss_scaling and not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def _make_lowerable(optimizer, player):
    rate = optimizer._learning_rate
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        if isinstance(rate, Lowered):
            return
        if optimizer.built:  # the factor would come after the slots, and be read in their place from a file
            raise InputError(f"{player} follows a schedule and has been used before. Give a new one.")
        factor = optimizer.add_variable((), "ones", aggregation="only_first_replica", name="rate_factor")
        optimizer.learning_rate = Lowered(rate, factor)
    elif not isinstance(rate, keras.Variable):
        raise InputError(
            f"The learning rate of {player} must be a number or a keras.optimizers.schedules.LearningRateSchedule, so "
            f"that it can be saved and lowered. Received: {rate!r}."
        )


def computes_in_float16(network: keras.Model) -> bool:
    """Whether a part of it does, so that small gradients would be lost without a loss scaler."""
    return any(layer.compute_dtype == "float16" for layer in network._flatten_layers())

"""TensorFlow: gradient tapes, and distribution strategies."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from keras import ops

Tensor = Any
Variables = Sequence[Any]


def _gradients(tape, y, values, dy=None):
    # Dense: an embedding's sparse gradient would take another path through the optimizers than on other backends.
    gradients = tape.gradient(y, values, output_gradients=dy, unconnected_gradients="zero")
    return [tf.convert_to_tensor(g) for g in gradients]


def value_and_grad(fn: Callable, variables: Variables, state: Variables) -> tuple:
    """`fn() -> (loss, aux)`; returns (loss, aux, gradients of loss with respect to `variables`)."""
    values = [v.value for v in variables]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(values)
        loss, aux = fn()
    return loss, aux, _gradients(tape, loss, values)


def input_gradient(fn: Callable, x: Tensor, state: Variables) -> Tensor:
    """Gradient of `sum(fn(x))` with respect to `x`, itself differentiable."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        total = ops.sum(fn(x))
    return tape.gradient(total, x, unconnected_gradients="zero")


def vjp(fn: Callable, variables: Variables, state: Variables) -> tuple:
    """`fn() -> y`; returns y and the function that pulls a gradient of y back to `variables`."""
    values = [v.value for v in variables]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(values)
        y = fn()
    return y, lambda dy: _gradients(tape, y, values, dy)


def loss_and_input_gradient(fn: Callable, x: Tensor, state: Variables) -> tuple:
    """`fn(x) -> (loss, aux)`; returns (aux, gradient of loss with respect to `x`)."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        loss, aux = fn(x)
    return aux, tape.gradient(loss, x, unconnected_gradients="zero")


def apply_gradients(optimizer: Any, gradients: Sequence, variables: Variables) -> None:
    """One optimizer step on `variables`."""
    optimizer.apply(gradients, variables)


def cond(predicate: Tensor, true_fn: Callable, false_fn: Callable, state: Variables) -> Any:
    """`true_fn()` where the boolean scalar `predicate` holds, else `false_fn()`; only one of them is run."""
    return tf.cond(predicate, true_fn, false_fn)


def assign_all(variables: Variables, values: Sequence) -> None:
    """Assigns each variable its value; under a distribution strategy every replica must bring the same."""
    if replica()[1] == 1:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return

    def assign(strategy, values):
        for variable, value in zip(variables, values, strict=True):
            strategy.extended.update(variable.value, lambda v, x: v.assign(x), args=(value,))

    tf.distribute.get_replica_context().merge_call(assign, args=(list(values),))


def feed(batches: Any, model: Any = None) -> Any:
    """What `fit` (of `model`) and `evaluate` (`None`) iterate for `Batches`.

    Its length is read now, its items when asked for.

    Keras would make a `tf.data` pipeline that tunes itself. The tuning thread sleeps 10, 20, 40 ms and so on, and the
    end of a fit can wait for it: short fits took whole seconds longer (5.1 or 10.2), with nothing here to tune.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    signature = tuple(tf.TensorSpec((None, *a.shape[1:]), a.dtype) for a in batches[0])
    items = tf.data.Dataset.from_generator(
        lambda: (batches[i] for i in range(batches.num_batches)), output_signature=signature
    )
    return items.apply(tf.data.experimental.assert_cardinality(batches.num_batches)).prefetch(2).with_options(options)


def replica() -> tuple:
    """(index of this replica, number of replicas): (0, 1) without a distribution strategy."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return 0, 1
    return context.replica_id_in_sync_group, context.num_replicas_in_sync


def several_devices(model: Any) -> bool:
    """Whether a strategy or distribution cuts every batch of `model` into parts, one for each device."""
    return model.distribute_strategy.num_replicas_in_sync > 1


def several_steps(model: Any) -> Callable | None:
    """`model.train_function` where Keras' own runs several steps per execution poorly, else `None`."""
    return None


def accelerators() -> list[str]:
    """The names of the devices that train, processors left out."""
    details = map(tf.config.experimental.get_device_details, tf.config.get_visible_devices("GPU"))
    return [each.get("device_name", "GPU") for each in details]

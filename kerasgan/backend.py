"""The seven functions that know which backend runs; everything else is `keras.ops`.

A step has side effects (batch statistics, seeds, optimizer slots) on Keras variables. TensorFlow and PyTorch let a
gradient be taken through such code as it stands. JAX does not: there `state` lists the variables the code may touch,
they enter the differentiated function as values, and what it left in them is assigned afterwards.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

Tensor = Any
Variables = Sequence[Any]

NAME = keras.backend.backend()

if NAME not in ("tensorflow", "jax", "torch"):
    raise ImportError(f"kerasgan trains on the tensorflow, jax and torch backends of Keras. Received: {NAME!r}.")

if NAME == "tensorflow":
    import tensorflow as tf

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

    def replica() -> tuple:
        """(index of this replica, number of replicas): (0, 1) without a distribution strategy."""
        context = tf.distribute.get_replica_context()
        if context is None or context.num_replicas_in_sync == 1:
            return 0, 1
        return context.replica_id_in_sync_group, context.num_replicas_in_sync

elif NAME == "torch":
    import torch

    def _gradients(y, values, dy=None, **options):
        gradients = torch.autograd.grad(y, values, dy, allow_unused=True, **options)
        return [torch.zeros_like(v) if g is None else g for g, v in zip(gradients, values, strict=True)]

    def value_and_grad(fn, variables, state):
        loss, aux = fn()
        return loss, aux, _gradients(loss, [v.value for v in variables])

    def input_gradient(fn, x, state):
        x = x.detach().requires_grad_(True)
        return _gradients(ops.sum(fn(x)), [x], create_graph=True)[0]

    def vjp(fn, variables, state):
        y = fn()
        return y, lambda dy: _gradients(y, [v.value for v in variables], dy)

    def loss_and_input_gradient(fn, x, state):
        x = x.detach().requires_grad_(True)
        loss, aux = fn(x)
        return aux, _gradients(loss, [x])[0]

    def apply_gradients(optimizer, gradients, variables):
        with torch.no_grad():
            optimizer.apply(list(gradients), variables)

    def cond(predicate, true_fn, false_fn, state):
        return true_fn() if bool(predicate) else false_fn()

    def assign_all(variables, values):
        with torch.no_grad():
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def replica():
        return 0, 1

else:
    import jax

    def _pure(fn, state, variables=()):
        """A function of values from one with side effects on the variables of `state`."""
        now = [(v, v.value) for v in state]

        def pure(values, *args):
            with keras.StatelessScope(now + list(zip(variables, values, strict=True))) as scope:
                out = fn(*args)
            return out, [scope.get_current_value(v) for v in state]

        return pure

    def _without(state, variables):
        differentiated = {id(v) for v in variables}
        return [v for v in state if id(v) not in differentiated]

    def value_and_grad(fn, variables, state):
        state = _without(state, variables)
        pure = _pure(fn, state, variables)

        def loss_fn(values):
            (loss, aux), left = pure(values)
            return loss, (aux, left)

        (loss, (aux, left)), gradients = jax.value_and_grad(loss_fn, has_aux=True)([v.value for v in variables])
        assign_all(state, left)
        return loss, aux, gradients

    def input_gradient(fn, x, state):
        pure = _pure(fn, state)

        def total(x):
            y, left = pure((), x)
            return ops.sum(y), left

        gradient, left = jax.grad(total, has_aux=True)(x)
        assign_all(state, left)
        return gradient

    def vjp(fn, variables, state):
        state = _without(state, variables)
        y, pullback, left = jax.vjp(_pure(fn, state, variables), [v.value for v in variables], has_aux=True)
        assign_all(state, left)
        return y, lambda dy: pullback(dy)[0]

    def loss_and_input_gradient(fn, x, state):
        pure = _pure(fn, state)

        def loss_fn(x):
            (loss, aux), left = pure((), x)
            return loss, (aux, left)

        (_, (aux, left)), gradient = jax.value_and_grad(loss_fn, has_aux=True)(x)
        assign_all(state, left)
        return aux, gradient

    def apply_gradients(optimizer, gradients, variables):
        new, slots = optimizer.stateless_apply(
            [v.value for v in optimizer.variables], list(gradients), [v.value for v in variables]
        )
        assign_all(variables, new)
        assign_all(optimizer.variables, slots)

    def cond(predicate, true_fn, false_fn, state):
        pure_true, pure_false = _pure(true_fn, state), _pure(false_fn, state)
        out, left = jax.lax.cond(predicate, lambda: pure_true(()), lambda: pure_false(()))
        assign_all(state, left)
        return out

    def assign_all(variables, values):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    def replica():
        return 0, 1

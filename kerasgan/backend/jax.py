"""JAX: pure functions of values. The functions are those of `kerasgan.backend.tensorflow`."""

import functools
import itertools

import jax
import keras
from keras import ops

RESIDENT_BYTES = 4 * 1024**3
"""Larger data sets stay with the host, and reach the device in batches."""
_ROWS = "kerasgan.rows"


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


class _Rows(keras.utils.PyDataset):
    """`Batches` whose pictures lie on the device: only their numbers are sent there, an int32 for each."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    @property
    def num_batches(self):
        return self.batches.num_batches

    def __getitem__(self, index):
        return ({_ROWS: self.batches.rows(index).astype("int32")},)


def feed(batches, model=None):
    images = batches.images
    if model is None or not _loops(model) or images.memory_mapped or images.x.nbytes > RESIDENT_BYTES:
        return batches
    model.resident = jax.device_put((images.x,) if images.y is None else (images.x, images.y))
    return _Rows(batches)


def several_devices(model):
    return keras.distribution.distribution() is not None


def several_steps(model):
    """One compiled loop over the batches, where Keras calls its compiled step for each and hands it all state again."""
    if not _loops(model):
        return None
    count = model.steps_per_execution

    @functools.partial(jax.jit, donate_argnums=0)
    def loop(state, batches, resident):
        def step(state, batch):
            if resident:
                batch = tuple(x[batch[0][_ROWS]] for x in resident)
            logs, state = model.train_step(state, batch)
            return state, logs

        state, logs = jax.lax.scan(step, state, batches)
        return jax.tree.map(lambda log: log[-1], logs), state

    def train(state, iterator):
        batches = [next(iterator), *itertools.islice(iterator, count - 1)]
        resident = model.resident if isinstance(batches[0][0], dict) and _ROWS in batches[0][0] else ()
        # The last batch of data that are not ours may be a smaller one.
        for _, equal in itertools.groupby(batches, key=_shapes):
            logs, state = loop(state, jax.tree.map(lambda *x: jax.numpy.stack(x), *equal), resident)
        return logs, state

    return train


def _loops(model):
    """Not on CPUs, whose XLA runs convolutions inside a loop on one thread, many times slower."""
    compiled = model.jit_compile and not model.run_eagerly and keras.distribution.distribution() is None
    return model.steps_per_execution > 1 and compiled and jax.default_backend() != "cpu"


def _shapes(batch):
    return [x.shape for x in jax.tree.leaves(batch)]


def accelerators():
    return [device.device_kind for device in jax.local_devices() if device.platform != "cpu"]

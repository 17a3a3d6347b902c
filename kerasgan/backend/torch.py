"""PyTorch: autograd. The functions are those of `kerasgan.backend.tensorflow`."""

import torch
from keras import ops


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


def feed(batches, model=None):
    return batches


def several_devices(model):
    return False


def several_steps(model):
    return None


def accelerators():
    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]

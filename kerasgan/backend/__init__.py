"""The twelve functions that know which backend runs; everything else is `keras.ops`.

A step has side effects (batch statistics, seeds, optimizer slots) on Keras variables. TensorFlow and PyTorch let a
gradient be taken through such code as it stands. JAX does not: there `state` lists the variables the code may touch,
they enter the differentiated function as values, and what it left in them is assigned afterwards.

The functions are described in `kerasgan.backend.tensorflow`; the other two modules have the same ones.
"""

import importlib

import keras

NAME = keras.backend.backend()

if NAME not in ("tensorflow", "jax", "torch"):
    raise ImportError(f"kerasgan trains on the tensorflow, jax and torch backends of Keras. Received: {NAME!r}.")

functions = importlib.import_module(f"kerasgan.backend.{NAME}")
accelerators = functions.accelerators
apply_gradients = functions.apply_gradients
assign_all = functions.assign_all
cond = functions.cond
feed = functions.feed
input_gradient = functions.input_gradient
loss_and_input_gradient = functions.loss_and_input_gradient
replica = functions.replica
several_devices = functions.several_devices
several_steps = functions.several_steps
value_and_grad = functions.value_and_grad
vjp = functions.vjp

"""How Keras' trainers call a step: with the data on TensorFlow and PyTorch, with all state as values on JAX."""

from typing import Any

import keras

from kerasgan import backend
from kerasgan.gans import step


class RunsEverywhere(keras.Model):
    """For `AdversarialModel`: one step for all of them."""

    train_function: Any
    resident: Any = ()
    """The data, where `backend.feed` put them on the device."""

    def train_step(self, *args):
        return self._run(
            step.train,
            args,
            lambda: (
                self.trainable_variables,
                self.non_trainable_variables,
                self.optimizer.variables,
                self.metrics_variables,
            ),
        )

    def test_step(self, *args):
        return self._run(
            step.test, args, lambda: (self.trainable_variables, self.non_trainable_variables, self.metrics_variables)
        )

    def make_train_function(self, force=False):
        if self.train_function is None or force:
            self.train_function = backend.several_steps(self)
            super().make_train_function(force=self.train_function is None)

    def _run(self, function, args, groups):
        """JAX calls with (state, data), and takes the new state back."""
        if backend.NAME != "jax":
            return function(self, *args)
        values, data = args
        groups = groups()
        pairs = [(v, x) for vs, xs in zip(groups, values, strict=True) for v, x in zip(vs, xs, strict=True)]
        with keras.StatelessScope(pairs) as scope:
            logs = function(self, data)
        return logs, tuple([scope.get_current_value(v) for v in vs] for vs in groups)

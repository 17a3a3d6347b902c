"""What Keras would not save by itself: the noise states, the optimizers of a custom `compile`, the settings."""

import json
from typing import Any

import keras
from keras import ops


class SavesEverything(keras.Model):
    """For `AdversarialModel`: `save` and `load_model` bring back all that `fit` needs to go on."""

    def get_compile_config(self):
        if not self.compiled:
            return {}
        serialize = keras.saving.serialize_keras_object
        return {
            "g_optimizer": serialize(self.optimizer.g),
            "d_optimizer": serialize(self.optimizer.d),
            "loss": serialize(self.adversarial_loss),
            "penalties": [serialize(p) for p in self.penalties],
            "augment": serialize(self.augment),
            "weight_clip": self.weight_clip,
            "gradient_accumulation": self.gradient_accumulation,
            **self.compile_options,
        }

    def settings_now(self) -> dict[str, Any]:
        """What decides how the model learns, flat and JSON-safe: `{"ema": 0.999, "loss.class_name": "Hinge", ...}`."""
        compiled = {k: v for k, v in self.get_compile_config().items() if k not in self.compile_options}
        values = {**{name: getattr(self, name) for name in self.setting_names}, **compiled}
        return json.loads(json.dumps(dict(_flat(values)), default=str))

    def compile_from_config(self, config):
        if config:
            self.compile(**keras.saving.deserialize_keras_object(config))

    @property
    def random_state(self) -> list:
        """The variables of all noise: the model's own, and those of its layers."""
        known = {id(v) for v in [*self.weights, *self.metrics_variables]}
        return [v for v in self.variables if id(v) not in known]

    def save_own_variables(self, store):
        super().save_own_variables(store)
        for i, v in enumerate(self.random_state):
            store[f"random_{i}"] = ops.convert_to_numpy(v)

    def load_own_variables(self, store):
        for i, v in enumerate(self.random_state):
            if f"random_{i}" in store.keys():  # noqa: SIM118  an HDF5 group is no dict
                v.assign(store[f"random_{i}"])
        super().load_own_variables({k: store[k] for k in store.keys() if not k.startswith("random_")})  # noqa: SIM118


def _flat(values, path=""):
    """(dotted path, value) of everything in nested dicts that is more than a name Keras gave."""
    for key, value in values.items():
        if key in ("module", "registered_name", "build_config", "name"):
            continue
        if isinstance(value, dict):
            yield from _flat(value, path if key == "config" else f"{path}{key}.")
        elif isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
            yield f"{path}{key}", [dict(_flat(v)) for v in value]
        else:
            yield f"{path}{key}", value

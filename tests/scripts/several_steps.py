"""Several steps in one compiled loop, as on a GPU: the same weights as one by one, also of batches that end smaller."""

import jax
import keras
import numpy as np
import tiny

from kerasgan import backend


class Uneven(keras.utils.PyDataset):
    """Six batches of a foreign data set, the last one smaller."""

    num_batches = 6

    def __getitem__(self, i):
        return tiny.batch(8 if i < 5 else 3, seed=i)


def trained(steps_per_execution, data):
    gan = tiny.gan(compile_options={"steps_per_execution": steps_per_execution})
    gan.fit(data, verbose=0)
    return gan


def main():
    jax.default_backend = lambda: "gpu"
    assert backend.several_steps(tiny.gan()) is None, "one step needs no loop"
    gan = trained(4, Uneven())
    assert gan.step_count == Uneven.num_batches
    assert gan.train_function.__module__ == "kerasgan.backend.jax", "Keras' own function was called"
    one_by_one = tiny.weights(trained(1, Uneven()))
    for name, value in tiny.weights(gan).items():
        np.testing.assert_allclose(value, one_by_one[name], rtol=1e-5, atol=1e-6, err_msg=name)
    print("the same weights")


if __name__ == "__main__":
    main()

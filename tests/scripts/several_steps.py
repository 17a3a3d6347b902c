"""Several steps in one compiled loop, as on a GPU: the same weights as one by one.

Of Images, which lie on the device, and of a foreign data set, whose batches end smaller.
"""

import jax
import keras
import numpy as np
import tiny

import kerasgan as kg
from kerasgan import backend


class Uneven(keras.utils.PyDataset):
    """Six batches of a foreign data set, the last one smaller."""

    num_batches = 6

    def __getitem__(self, i):
        return tiny.batch(8 if i < 5 else 3, seed=i)


def trained(steps_per_execution, data, **options):
    gan = tiny.gan(
        num_classes=getattr(data, "num_classes", 0), compile_options={"steps_per_execution": steps_per_execution}
    )
    gan.fit(data, verbose=0, **options)
    return gan


def check_same(gan, other):
    expected = tiny.weights(other)
    for name, value in tiny.weights(gan).items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-5, atol=1e-6, err_msg=name)


def check_resident():
    """Two epochs, each in another order, with a shorter execution at its end; then a fit on other data."""
    images = kg.data.Images(*tiny.batch(44, num_classes=3))
    gan, one_by_one = (trained(count, images, batch_size=8, epochs=2) for count in (4, 1))
    assert [x.shape for x in gan.resident] == [(44, 8, 8, 1), (44,)]
    sent = backend.feed(images.batches(8), gan)[0]
    assert [x.shape for x in jax.tree.leaves(sent)] == [(8,)], "the pictures travel"
    check_same(gan, one_by_one)
    other = kg.data.Images(images.x[::-1].copy(), images.y)
    for each in (gan, one_by_one):
        each.fit(other, batch_size=8, verbose=0)
    check_same(gan, one_by_one)


def main():
    jax.default_backend = lambda: "gpu"
    assert backend.several_steps(tiny.gan()) is None, "one step needs no loop"
    gan = trained(4, Uneven())
    assert gan.step_count == Uneven.num_batches
    assert gan.train_function.__module__ == "kerasgan.backend.jax", "Keras' own function was called"
    check_same(gan, trained(1, Uneven()))
    check_resident()
    print("the same weights")


if __name__ == "__main__":
    main()

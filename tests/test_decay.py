"""Learning rates that fall: by how much, for both players, and to the end of the training."""

import keras
import numpy as np
import pytest
import tiny

import kerasgan as kg
from kerasgan import runs
from kerasgan.gans.decay import LinearDecay


@pytest.fixture
def falling(own_registry, own_determinism):
    return kg.zoo.register(
        kg.Recipe(
            "tiny_falling",
            family="tiny",
            dataset="digits",
            image_shape=tiny.SHAPE,
            latent_dim=tiny.LATENT,
            g_optimizer={"name": "sgd", "learning_rate": 0.1},
            d_optimizer={"name": "sgd", "learning_rate": 0.2},
            decay=0.5,
            n_critic=2,
            batch_size=100,
            epochs=2,
        ),
        networks=(tiny.generator, tiny.discriminator),
    )


def test_a_rate_stays_and_then_falls_to_nothing():
    whole, half = LinearDecay(0.4, steps=100), LinearDecay(0.4, steps=100, part=0.5)
    np.testing.assert_allclose([whole(s) for s in (0, 25, 50, 100)], [0.4, 0.3, 0.2, 0.0])
    np.testing.assert_allclose([half(s) for s in (0, 50, 75, 100, 120)], [0.4, 0.4, 0.2, 0.0, 0.0], atol=1e-8)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(half))
    assert again.get_config() == half.get_config()


def test_both_players_reach_nothing_with_the_last_step(falling, tmp_path):
    rates = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            pair = self.model.optimizer
            rates.append([float(np.asarray(o.learning_rate)) for o in (pair.g, pair.d)])

    _, images = runs.recipe_for("tiny_falling")
    steps = 2 * (len(images) // 200)
    gan = kg.zoo.build(falling, steps=steps)
    gan.fit(images, batch_size=100, epochs=2, verbose=0, callbacks=[Watch()])
    expected = np.minimum(1.0, (steps - np.arange(steps)) / (steps / 2))
    np.testing.assert_allclose(rates, np.stack([0.1 * expected, 0.2 * expected], axis=1), rtol=1e-5)
    variables = [*gan.generator.trainable_variables, *gan.discriminator.trainable_variables]
    ended = [keras.ops.convert_to_numpy(v) for v in variables]
    gan.fit(images, batch_size=100, epochs=3, initial_epoch=2, verbose=0)
    for v, value in zip(variables, ended, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(v), value, err_msg=v.path)


def test_train_lets_the_rates_fall_over_the_epochs_asked_for(falling, tmp_path):
    _, images = runs.recipe_for("tiny_falling")
    gan = runs._build(falling.replace(epochs=7), images, {})
    assert gan.optimizer.g._learning_rate.steps == 7 * (len(images) // 200)
    assert gan.optimizer.d._learning_rate.steps == 2 * 7 * (len(images) // 200)


def test_such_a_training_cannot_be_prolonged(falling, tmp_path):
    runs.train("tiny_falling", tmp_path / "run", exports=(), progress=False)
    with pytest.raises(kg.InputError, match="epochs: 2 -> 3"):
        runs.train("tiny_falling", tmp_path / "run", exports=(), progress=False, epochs=3)


def test_without_a_length_the_rates_stay(falling):
    assert float(np.asarray(kg.zoo.build(falling).optimizer.g.learning_rate)) == pytest.approx(0.1)


def test_a_recipe_without_a_rate_to_let_fall_is_refused(falling):
    with pytest.raises(kg.InputError, match="must give its optimizers' learning_rate"):
        kg.zoo.build(falling.replace(g_optimizer={"name": "sgd"}), steps=10)
    with pytest.raises(kg.InputError, match="decay must be a part of the training"):
        falling.replace(decay=1.5)

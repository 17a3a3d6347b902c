"""Learning rates that fall: by how much, for both players, and to the end of the training."""

import keras
import numpy as np
import pytest
import tiny

import kerasgan as kg
from kerasgan import plan, runs
from kerasgan.callbacks.snapshots import Snapshots
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

    _, images = plan.recipe_for("tiny_falling")
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
    _, images = plan.recipe_for("tiny_falling")
    gan = runs._build(falling.replace(epochs=7), images, {})
    assert gan.optimizer.g._learning_rate.schedule.steps == 7 * (len(images) // 200)
    assert gan.optimizer.d._learning_rate.schedule.steps == 2 * 7 * (len(images) // 200)


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


def compiled(g_optimizer, d_optimizer="sgd"):
    return tiny.gan(compile_options={"g_optimizer": g_optimizer, "d_optimizer": d_optimizer})


PAIRS = {
    "both fall": lambda o: (o.SGD(o.schedules.CosineDecay(0.1, 1000)), o.Adam(LinearDecay(0.2, 100))),
    "one falls": lambda o: (o.SGD(0.1), o.Adam(LinearDecay(0.2, 100))),
    "inside a loss scaler": lambda o: (o.LossScaleOptimizer(o.SGD(o.schedules.CosineDecay(0.1, 1000))), o.Adam(0.2)),
}


@pytest.mark.parametrize("optimizers", PAIRS)
def test_lowered_rates_move_the_weights_less(optimizers):
    pair = PAIRS[optimizers](keras.optimizers)
    gan = compiled(*pair)
    before = [float(np.asarray(o.learning_rate)) for o in pair]
    gan.optimizer.lower(0.25)
    gan.optimizer.lower(0.5)
    np.testing.assert_allclose([float(np.asarray(o.learning_rate)) for o in pair], np.array(before) / 8, rtol=1e-6)
    variable = gan.generator.trainable_variables[0]
    start = keras.ops.convert_to_numpy(variable)
    gradients = [keras.ops.ones_like(v) for v in gan.generator.trainable_variables]
    pair[0].apply([gan.optimizer.g.scale_loss(g) for g in gradients], gan.generator.trainable_variables)
    np.testing.assert_allclose(start - keras.ops.convert_to_numpy(variable), 0.1 / 8, rtol=1e-3)


def test_a_lowered_schedule_stays_lowered_in_files_and_checkpoints(tmp_path):
    def build():
        return compiled(keras.optimizers.Adam(LinearDecay(0.01, 100)))

    (x,) = tiny.batch(16)
    gan, callback = build(), kg.callbacks.Checkpoint(tmp_path / "run")
    gan.optimizer.lower(0.5)
    gan.fit(x, batch_size=8, epochs=1, verbose=0, callbacks=[callback])
    gan.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    resumed = build()
    resumed.fit(x, batch_size=8, epochs=1, verbose=0, callbacks=[kg.callbacks.Checkpoint(tmp_path / "run")])
    for model in (gan, loaded, resumed):
        assert float(np.asarray(model.optimizer.g.learning_rate)) == pytest.approx(0.01 * 0.98 / 2)
    loaded.optimizer.lower(0.5)
    assert float(np.asarray(loaded.optimizer.g.learning_rate)) == pytest.approx(0.01 * 0.98 / 4)
    assert float(np.asarray(gan.optimizer.g.learning_rate)) == pytest.approx(0.01 * 0.98 / 2), "each has its own"


def test_compiled_again_with_the_same_optimizers_nothing_is_doubled():
    gan = compiled(keras.optimizers.Adam(LinearDecay(0.01, 100)))
    gan.optimizer.lower(0.5)
    gan.compile(g_optimizer=gan.optimizer.g, d_optimizer=gan.optimizer.d)
    gan.optimizer.lower(0.5)
    assert float(np.asarray(gan.optimizer.g.learning_rate)) == pytest.approx(0.0025)


def test_a_rate_that_could_not_be_lowered_is_refused():
    with pytest.raises(kg.InputError, match="learning rate of d_optimizer must be a number or"):
        compiled("sgd", keras.optimizers.Adam(lambda: 0.1))


def test_rollback_lowers_the_rates_of_a_recipe_with_decay(falling):
    x = plan.recipe_for("tiny_falling")[1].x[:400]  # two steps of two critic batches
    gan, snapshots = kg.zoo.build(falling, steps=8), Snapshots(steps=1)
    gan.fit(x, batch_size=100, verbose=0)
    snapshots.take(gan, 2)
    for _ in range(2):
        gan.fit(x, batch_size=100, verbose=0)
    assert snapshots.restore(gan, 2, 0.5) == "now 0.05 (G) and 0.1 (D)", "at step 6 they were at half"
    for _ in range(2):
        gan.fit(x, batch_size=100, verbose=0)
    assert snapshots.restore(gan, 2, 0.5) == "now 0.025 (G) and 0.05 (D)", "lower than last time"


def test_a_used_optimizer_that_follows_a_schedule_is_refused():
    optimizer = keras.optimizers.Adam(LinearDecay(0.1, 10))
    optimizer.build([keras.Variable([1.0])])
    with pytest.raises(kg.InputError, match="g_optimizer follows a schedule and has been used before"):
        compiled(optimizer)

"""The step by its effects: who moves, by which gradient, and what is reported."""

import keras
import numpy as np
import pytest
import tiny
from keras import ops

EAGER = {"run_eagerly": True}
STILL = {"name": "sgd", "learning_rate": 0.0}


def step(gan, n=8, num_classes=0, seed=3):
    gan.draws = tiny.FixedDraws()
    return gan.train_on_batch(*tiny.batch(n, num_classes, seed=seed), return_dict=True)


def moved(before, after):
    """Which networks' trainable weights differ."""
    return {name for name in ("g", "d") if any(not np.array_equal(a, b) for a, b in zip(before[name], after[name]))}


def trainable(gan):
    return {
        "g": [ops.convert_to_numpy(v) for v in gan.generator.trainable_variables],
        "d": [ops.convert_to_numpy(v) for v in gan.discriminator.trainable_variables],
    }


@pytest.mark.parametrize("share_fakes", [True, False])
@pytest.mark.parametrize("still", ["g", "d"])
def test_each_optimizer_moves_its_own_player_only(share_fakes, still):
    gan = tiny.gan(share_fakes=share_fakes, compile_options={**EAGER, f"{still}_optimizer": STILL})
    before = trainable(gan)
    step(gan)
    assert moved(before, trainable(gan)) == {"g", "d"} - {still}


def numpy_weights(network):
    return [ops.convert_to_numpy(v) for v in network.trainable_variables]


def test_shared_step_equals_two_nested_tapes():
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("the oracle is written with TensorFlow's tapes")
    gan = tiny.gan(share_fakes=True, compile_options=EAGER)
    oracle = tiny.gan(share_fakes=True, compile_options=EAGER)
    (x,) = tiny.batch(8)
    step(gan)

    real = tf.constant(x.astype("float32") / 127.5 - 1.0)
    z = tiny.FixedDraws().latents("normal", 8, tiny.LATENT)
    g, d = oracle.generator, oracle.discriminator
    with tf.GradientTape() as tape:
        fake = g(z, training=True)
        with tf.GradientTape() as d_tape:
            d_loss = tf.reduce_mean(-tf.math.log_sigmoid(d(real, training=True))) + tf.reduce_mean(
                -tf.math.log_sigmoid(-d(tf.stop_gradient(fake), training=True))
            )
        for v, slope in zip(d.trainable_variables, d_tape.gradient(d_loss, [v.value for v in d.trainable_variables])):
            v.assign(v - 0.1 * slope)
        g_loss = tf.reduce_mean(-tf.math.log_sigmoid(d(fake, training=True)))
    for v, slope in zip(g.trainable_variables, tape.gradient(g_loss, [v.value for v in g.trainable_variables])):
        v.assign(v - 0.1 * slope)

    for mine, theirs in ((gan.discriminator, d), (gan.generator, g)):
        for a, b in zip(numpy_weights(mine), numpy_weights(theirs)):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_accumulated_micro_batches_equal_one_batch():
    whole = tiny.gan(share_fakes=False, compile_options=EAGER, generator_options={"batch_norm": False})
    cut = tiny.gan(compile_options={**EAGER, "gradient_accumulation": 4}, generator_options={"batch_norm": False})
    a, b = step(whole), step(cut)
    for name, value in tiny.weights(whole).items():
        np.testing.assert_allclose(tiny.weights(cut)[name], value, rtol=1e-4, atol=1e-6, err_msg=name)
    assert b["d_loss"] == pytest.approx(a["d_loss"], rel=1e-5)
    assert b["d_grad_norm"] == pytest.approx(a["d_grad_norm"], rel=1e-4)


def test_every_critic_update_has_samples_of_its_own():
    seen = []
    gan = tiny.gan(n_critic=3, compile_options={**EAGER, "loss": "wasserstein", "weight_clip": 0.01})
    judge = gan.judge
    gan.judge = lambda samples, condition, **k: (
        seen.append(ops.convert_to_numpy(samples)),
        judge(samples, condition, **k),
    )[1]
    (x,) = tiny.batch(12)
    step(gan, n=12)
    reals = [s for s in seen if any(np.allclose(s[0], (i / 127.5 - 1.0), atol=1e-6) for i in x.astype("float32"))]
    np.testing.assert_allclose(np.concatenate(reals), x / 127.5 - 1.0, atol=1e-6)
    assert int(gan.optimizer.d.iterations) == 3
    assert int(gan.optimizer.g.iterations) == 1
    assert max(np.abs(w).max() for w in numpy_weights(gan.discriminator)) <= 0.01 + 1e-7


def test_average_follows_its_formula_and_warms_up():
    gan = tiny.gan(ema=0.5, ema_warmup=10, compile_options=EAGER)
    average = [ops.convert_to_numpy(v) for v in gan.ema_generator.weights]
    for t in range(6):
        step(gan, seed=t)
        decay = min(0.5, (1 + t) / (10 + t))
        now = [ops.convert_to_numpy(v) for v in gan.generator.weights]
        average = [decay * e + (1 - decay) * v for e, v in zip(average, now)]
    for e, v in zip(gan.ema_generator.weights, average):
        np.testing.assert_allclose(ops.convert_to_numpy(e), v, rtol=1e-5, atol=1e-6)


def test_without_average_samples_come_from_the_generator_itself():
    gan = tiny.gan(ema=0.0, compile_options=EAGER)
    step(gan)
    for e, v in zip(gan.ema_generator.weights, gan.generator.weights):
        np.testing.assert_array_equal(ops.convert_to_numpy(e), ops.convert_to_numpy(v))


def test_lazy_penalty_is_due_every_interval_and_counts_that_often():
    every = tiny.gan(compile_options={**EAGER, "penalties": [{"name": "r1", "gamma": 2.0}], "d_optimizer": STILL})
    lazy = tiny.gan(
        compile_options={**EAGER, "penalties": [{"name": "r1", "gamma": 2.0, "interval": 3}], "d_optimizer": STILL}
    )
    once = step(every)["r1"]
    assert once > 1e-4
    seen = []
    for _ in range(6):
        lazy.reset_metrics()
        seen.append(step(lazy)["r1"])
    np.testing.assert_allclose(seen, [3 * once, 0, 0, 3 * once, 0, 0], rtol=1e-4)


def test_penalty_reaches_the_weights_of_d():
    def slope(gamma):
        penalties = [{"name": "r1", "gamma": gamma}] if gamma else []
        gan = tiny.gan(compile_options={"penalties": penalties, "g_optimizer": STILL}, discriminator_options={})
        for seed in range(30):
            step(gan, seed=seed)
        gan.reset_metrics()
        probe = tiny.gan(compile_options={**EAGER, "penalties": [{"name": "r1", "gamma": 2.0}]})
        probe.discriminator.set_weights(gan.discriminator.get_weights())
        return step(probe)["r1"]

    assert slope(1.0) < 0.5 * slope(0.0)


def test_reported_numbers():
    gan = tiny.gan(compile_options={**EAGER, "g_optimizer": STILL, "d_optimizer": STILL})
    (x,) = tiny.batch(8)
    logs = step(gan)
    z = tiny.FixedDraws().latents("normal", 8, tiny.LATENT)
    fake = gan.generator(z, training=True)
    real_logits = ops.convert_to_numpy(gan.discriminator(x.astype("float32") / 127.5 - 1.0))
    fake_logits = ops.convert_to_numpy(gan.discriminator(fake))
    sigmoid = lambda v: 1 / (1 + np.exp(-v.astype("float64")))  # noqa: E731
    assert logs["d_real_accuracy"] == pytest.approx((real_logits > 0).mean())
    assert logs["d_fake_accuracy"] == pytest.approx((fake_logits < 0).mean())
    assert logs["d_loss"] == pytest.approx(
        -np.log(sigmoid(real_logits)).mean() - np.log(1 - sigmoid(fake_logits)).mean(), rel=1e-4
    )
    assert logs["g_loss"] == pytest.approx(-np.log(sigmoid(fake_logits)).mean(), rel=1e-4)
    assert logs["loss"] == pytest.approx(logs["d_loss"] + logs["g_loss"], rel=1e-5)


def test_gradient_norm_is_that_of_the_update():
    gan = tiny.gan(compile_options=EAGER)
    before = trainable(gan)
    logs = step(gan)
    for player in ("g", "d"):
        change = np.concatenate([(a - b).ravel() for a, b in zip(before[player], trainable(gan)[player])])
        assert logs[f"{player}_grad_norm"] == pytest.approx(np.linalg.norm(change) / 0.1, rel=1e-3)


@pytest.mark.parametrize("loss", ["minimax", "non_saturating", "least_squares", "wasserstein", "hinge", "relativistic"])
@pytest.mark.parametrize("penalty", ["wgan_gp", "r1", "r2", "dragan"])
def test_any_loss_goes_with_any_penalty(loss, penalty):
    gan = tiny.gan(num_classes=3, compile_options={**EAGER, "loss": loss, "penalties": [penalty]})
    before = trainable(gan)
    logs = step(gan, num_classes=3)
    assert all(np.isfinite(v) for v in logs.values())
    assert logs[penalty] > 0
    assert moved(before, trainable(gan)) == {"g", "d"}


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_step_is_near_the_full_one(policy):
    if policy == "mixed_float16" and keras.backend.backend() == "torch":
        pytest.skip("PyTorch has no float16 convolution gradients on the CPU")

    def one(policy):
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(policy)
        try:
            gan = tiny.gan(compile_options={**EAGER, "penalties": [{"name": "r1", "gamma": 1.0}]})
        finally:
            keras.config.set_dtype_policy(before)
        old = trainable(gan)
        step(gan)
        return gan, [a - b for p in ("g", "d") for a, b in zip(old[p], trainable(gan)[p])]

    _, expected = one("float32")
    half, found = one(policy)
    scaled = isinstance(half.optimizer.g, keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")
    assert (half.optimizer.g is not half.optimizer.d) and half.generator.weights[0].dtype == "float32"
    a, b = (np.concatenate([c.ravel() for c in changes]) for changes in (expected, found))
    assert np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b) > 0.99
    assert np.linalg.norm(b) == pytest.approx(np.linalg.norm(a), rel=0.1)

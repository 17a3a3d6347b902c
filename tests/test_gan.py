"""GAN through Keras' doors: fit, evaluate, predict, save, load; and what it refuses."""

import math

import keras
import numpy as np
import pytest
import tiny

import kerasgan as kg

RNG = np.random.default_rng(0)


def quiet(gan, *data, **options):
    return gan.fit(*data, **{"verbose": 0, "batch_size": 8, "epochs": 1, **options})


@pytest.mark.parametrize("num_classes", [0, 3])
@pytest.mark.parametrize("image_shape", [(12, 12, 3), (40, 24, 4)])
def test_fit_evaluate_predict_sample(num_classes, image_shape):
    shapes = {"image_shape": image_shape}
    gan = tiny.gan(num_classes, generator_options=shapes, discriminator_options=shapes)
    data = tiny.batch(32, num_classes, image_shape)
    history = quiet(gan, *data, epochs=2, validation_data=data).history
    assert {"loss", "d_loss", "g_loss", "d_real_accuracy", "d_fake_accuracy", "d_grad_norm", "g_grad_norm"} <= set(
        history
    )
    assert {"val_d_loss", "val_g_loss"} <= set(history)
    assert int(gan.steps) == 8
    scores = gan.evaluate(*data, verbose=0, return_dict=True)
    assert scores["loss"] == pytest.approx(scores["d_loss"] + scores["g_loss"], rel=1e-5)
    z = RNG.normal(size=(5, tiny.LATENT)).astype("float32")
    inputs = [z, np.arange(5) % num_classes] if num_classes else z
    floats = gan.predict(inputs, verbose=0)
    assert floats.shape == (5, *image_shape)
    images = gan.sampler().images(z, inputs[1] if num_classes else None)
    np.testing.assert_array_equal(images, np.rint((floats + 1) * 127.5).astype("uint8"))


def test_labels_reach_both_players():
    """With all weights but the embeddings at rest, the classes' embeddings move, and only those seen in the batch."""
    gan = tiny.gan(num_classes=5, compile_options={"run_eagerly": True})
    tables = [
        layer.embeddings
        for network in (gan.generator, gan.discriminator)
        for layer in network.layers
        if isinstance(layer, keras.layers.Embedding)
    ]
    before = [keras.ops.convert_to_numpy(t).copy() for t in tables]
    x, _ = tiny.batch(8, 5)
    gan.train_on_batch(x, np.array([0, 1, 1, 3] * 2, "int32"))
    for old, table in zip(before, tables, strict=True):
        moved = np.abs(keras.ops.convert_to_numpy(table) - old).max(axis=1) > 1e-7
        assert moved.tolist() == [True, True, False, True, False]


def test_save_and_load_goes_on_alike(tmp_path):
    adam = {"name": "adam", "learning_rate": 1e-3}
    options = {"loss": "hinge", "penalties": [{"name": "r1", "interval": 2}], "augment": "cutout"}
    gan = tiny.gan(
        num_classes=3,
        compile_options={**options, "g_optimizer": adam, "d_optimizer": adam},
        generator_options={"dropout": 0.2},
        prior="uniform",
    )
    data = tiny.batch(24, 3)
    quiet(gan, *data)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    assert loaded.prior == "uniform"
    assert loaded.class_names == ("0", "1", "2")
    assert [type(p) for p in loaded.penalties] == [kg.penalties.R1]
    for model in (gan, loaded):
        quiet(model, *data)
    assert int(loaded.optimizer.d.iterations) == 6
    for name, value in tiny.weights(gan).items():
        np.testing.assert_array_equal(tiny.weights(loaded)[name], value, err_msg=name)


def test_learning_rate_callbacks_reach_both_players():
    gan = tiny.gan(
        compile_options={
            "g_optimizer": {"name": "sgd", "learning_rate": 0.1},
            "d_optimizer": {"name": "sgd", "learning_rate": 0.4},
        }
    )
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.01)
    quiet(gan, *tiny.batch(8), callbacks=[schedule])
    assert float(gan.optimizer.g.learning_rate) == pytest.approx(0.01)
    assert float(gan.optimizer.d.learning_rate) == pytest.approx(0.04)


def test_nan_stops_the_training():
    gan = tiny.gan()
    gan.discriminator.trainable_variables[0].assign(gan.discriminator.trainable_variables[0] * np.nan)
    quiet(gan, *tiny.batch(32), epochs=3, callbacks=[keras.callbacks.TerminateOnNaN()])
    assert int(gan.steps) == 1


def test_epochs_are_shuffled_differently_from_the_seed():
    gan = tiny.gan(compile_options={"run_eagerly": True}, seed=4)
    seen = []
    unpack = gan.unpack
    gan.unpack = lambda data: (seen.append(keras.ops.convert_to_numpy(data[0])), unpack(data))[1]
    (x,) = tiny.batch(20)
    quiet(gan, x, epochs=2)
    assert [len(s) for s in seen] == [8] * 4, "the incomplete batch is dropped"
    first, second = np.concatenate(seen[:2]), np.concatenate(seen[2:])
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, x[:16])
    assert all((x == image).all(axis=(1, 2, 3)).any() for image in first)


def test_steps_per_execution_changes_nothing():
    if keras.backend.backend() == "torch":
        pytest.skip("PyTorch knows one step per execution only")
    results = []
    for steps in (1, 2):
        gan = tiny.gan(compile_options={"steps_per_execution": steps})
        quiet(gan, *tiny.batch(40))
        results.append(tiny.weights(gan))
    for name, value in results[0].items():
        np.testing.assert_allclose(results[1][name], value, rtol=1e-5, atol=1e-6, err_msg=name)


def test_a_training_goes_on_after_an_epoch_whose_last_execution_was_shorter(tmp_path):
    if keras.backend.backend() == "torch":
        pytest.skip("PyTorch knows one step per execution only")
    ends = []
    seen = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: ends.append(batch))
    expected = tiny.gan()
    quiet(expected, *tiny.batch(40), epochs=2)
    for epochs in (1, 2, 2):  # begun, gone on with, left as it is
        gan = tiny.gan(compile_options={"steps_per_execution": 3})
        position = kg.callbacks.Checkpoint(tmp_path)
        quiet(gan, *tiny.batch(40), epochs=epochs, callbacks=[seen, position])
        assert (position.saved["epoch"], position.saved["step"]) == (epochs, 0)
    assert ends == [2, 4] * 2
    for name, value in tiny.weights(expected).items():
        np.testing.assert_allclose(tiny.weights(gan)[name], value, rtol=1e-5, atol=1e-6, err_msg=name)


def test_compiled_step_equals_the_plain_one():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("XLA is an option on TensorFlow only")
    results = []
    for jit in (False, True):
        gan = tiny.gan(compile_options={"jit_compile": jit, "penalties": [{"name": "r1", "interval": 2}]})
        gan.draws = tiny.FixedDraws()
        gan.train_on_batch(*tiny.batch(8))
        results.append(tiny.weights(gan))
    for name, value in results[0].items():
        np.testing.assert_allclose(results[1][name], value, rtol=1e-4, atol=1e-5, err_msg=name)


def test_value_range_is_read_off_a_sigmoid():
    inputs = keras.Input((4,))
    outputs = keras.layers.Reshape((8, 8, 1))(keras.layers.Dense(64, activation="sigmoid")(inputs))
    gan = kg.GAN(keras.Model(inputs, outputs), tiny.discriminator())
    assert gan.value_range == (0.0, 1.0)
    gan.compile()
    assert float(keras.ops.max(gan.scaled(np.full((1, 8, 8, 1), 255, "uint8")))) == pytest.approx(1.0)
    assert tiny.gan().value_range == (-1.0, 1.0)


def test_data_that_are_no_pictures():
    inputs = keras.Input((2,))
    points = keras.Input((2,))
    gan = kg.GAN(
        keras.Model(inputs, keras.layers.Dense(2)(inputs)), keras.Model(points, keras.layers.Dense(1)(points)), seed=0
    )
    gan.compile()
    quiet(gan, (5.0 * RNG.normal(size=(32, 2))).astype("float32"))
    assert int(gan.steps) == 4


X = RNG.integers(0, 256, (16, 8, 8, 1)).astype("uint8")


@pytest.mark.parametrize(
    ("num_classes", "data", "message"),
    [
        (0, (RNG.integers(0, 256, (16, 9, 8, 1)).astype("uint8"),), r"shape \(8, 8, 1\)"),
        (3, (X,), "needs labels"),
        (3, (X, np.full(16, 3)), r"Labels must lie in 0\.\.2"),
        (3, (X, np.full(16, -1)), "[Ll]abels"),
        (3, (X, np.zeros(15, int)), "one whole number per image"),
        (0, (X.astype("float32"),), "value_range"),
        (0, (np.full((16, 8, 8, 1), np.nan, "float32"),), "NaN"),
        (0, (X[:0],), "empty"),
    ],
)
def test_data_it_refuses(num_classes, data, message):
    gan = tiny.gan(num_classes)
    with pytest.raises(kg.InputError, match=message):
        quiet(gan, *data)
    assert int(gan.steps) == 0


def test_batch_larger_than_the_data():
    with pytest.raises(kg.InputError, match=r"32 .*16 images"):
        quiet(tiny.gan(), X, batch_size=32)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_critic": 0}, "n_critic must be at least 1"),
        ({"ema": 1.0}, "ema must be"),
        ({"latent_dim": 5}, "latents of 4 values"),
        ({"prior": "norml"}, "Did you mean 'normal'"),
        ({"n_critic": 2, "share_fakes": True}, "share_fakes needs n_critic=1"),
        ({"generator_options": {"image_shape": (8, 12, 1)}}, r"\(8, 12, 1\)"),
        ({"compile_options": {"loss": "hing"}}, "Did you mean 'hinge'"),
        ({"compile_options": {"penalties": ["r3"]}}, "Unknown penalty"),
        ({"compile_options": {"weight_clip": -1.0}}, "weight_clip"),
        ({"compile_options": {"g_optimizer": keras.optimizers.SGD(gradient_accumulation_steps=2)}}, "accumulat"),
    ],
)
def test_settings_it_refuses(options, message):
    with pytest.raises(kg.InputError, match=message):
        tiny.gan(**options)


def test_wrong_latent_size_is_said():
    with pytest.raises(kg.InputError, match=r"\(n, 4\)"):
        tiny.gan().predict(np.zeros((3, 5), "float32"), verbose=0)


def test_checkpoint_refuses_data_without_an_order(tmp_path):
    def endless():
        while True:
            yield (X[:8],)

    with pytest.raises(kg.InputError, match="order"):
        quiet(tiny.gan(), endless(), batch_size=None, steps_per_epoch=2, callbacks=[kg.callbacks.Checkpoint(tmp_path)])


def test_summary_names_both_players_and_the_average(capsys):
    tiny.gan().summary()
    printed = capsys.readouterr().out
    assert "generator" in printed
    assert "discriminator" in printed


def test_evaluate_and_validation_take_images():
    gan = tiny.gan()
    images = kg.data.from_arrays(X)
    history = quiet(gan, images, validation_data=images).history
    assert history["val_loss"][0] == pytest.approx(history["val_d_loss"][0] + history["val_g_loss"][0], rel=1e-4)
    assert gan.evaluate(images, verbose=0, return_dict=True)["d_loss"] > 0


@pytest.mark.parametrize("options", [{}, {"batch_size": 7}])
def test_evaluate_looks_at_every_image_once(options):
    """Those left over when the batches are full count, too, each as much as any other."""
    gan = tiny.gan()
    gan.discriminator.weights[-1].assign([2.2])  # so that it errs about as often as not
    images = kg.data.from_arrays(tiny.batch(67)[0])
    logits = keras.ops.convert_to_numpy(gan.discriminator(gan.scaled(images.x), training=False))
    assert 0.05 < np.mean(logits > 0) < 0.95
    sizes = []
    watch = keras.callbacks.LambdaCallback(on_test_batch_end=lambda batch, logs: sizes.append(batch))
    found = gan.evaluate(images, verbose=0, return_dict=True, callbacks=[watch], **options)
    assert found["d_real_accuracy"] == pytest.approx(np.mean(logits > 0), abs=1e-5)
    assert len(sizes) == math.ceil(67 / options.get("batch_size", 64))


def test_weights_of_samples_are_refused():
    x, y = tiny.batch(16, 3)
    for options in ({"class_weight": {0: 1.0, 1: 2.0, 2: 1.0}}, {"sample_weight": np.ones(16)}):
        with pytest.raises(kg.InputError, match="neither class_weight nor sample_weight"):
            quiet(tiny.gan(num_classes=3), x, y, **options)


def test_uncompiled_models_say_so_and_can_be_saved(tmp_path):
    compiled = tiny.gan()
    gan = kg.GAN(compiled.generator, compiled.discriminator, seed=0)
    with pytest.raises(kg.InputError, match=r"compile\(\)"):
        quiet(gan, X)
    gan.save(tmp_path / "gan.keras")
    assert not keras.models.load_model(tmp_path / "gan.keras").compiled


def test_learning_rates_keep_their_proportion_through_zero():
    pair = tiny.gan(
        compile_options={
            "g_optimizer": {"name": "sgd", "learning_rate": 0.1},
            "d_optimizer": {"name": "sgd", "learning_rate": 0.2},
        }
    ).optimizer
    for rate in (0.0, 0.3):
        pair.learning_rate = rate
    assert float(pair.g.learning_rate) == pytest.approx(0.3)
    assert float(pair.d.learning_rate) == pytest.approx(0.6)


def test_foreign_data_of_unknown_batches_are_refused_where_steps_cut_them():
    with pytest.raises(kg.InputError, match="2 equal parts"):
        quiet(tiny.gan(n_critic=2), iter([(X,)]), batch_size=None)


def test_a_penalty_may_be_given_once():
    with pytest.raises(kg.InputError, match="once"):
        tiny.gan(compile_options={"penalties": ["r1", {"name": "r1", "gamma": 1.0}]})


def test_overflowed_float16_steps_leave_the_norms_finite():
    gan = tiny.gan(compile_options={"run_eagerly": True})
    gan.discriminator.trainable_variables[-1].assign([np.inf])
    logs = gan.train_on_batch(X[:8], return_dict=True)
    assert np.isfinite(logs["d_grad_norm"])
    assert not np.isfinite(logs["loss"])

"""Callbacks, Keras' own and ours, in a training: what they leave."""

import json

import health as tiny_run
import keras
import numpy as np
import pytest
import tiny

import kerasgan as kg


def quiet(gan, *data, **options):
    return gan.fit(*data, **{"verbose": 0, "batch_size": 8, "epochs": 1, **options})


def test_stock_callbacks(tmp_path):
    gan = tiny.gan()
    quiet(
        gan,
        *tiny.batch(16),
        epochs=3,
        callbacks=[
            keras.callbacks.TerminateOnNaN(),
            keras.callbacks.CSVLogger(tmp_path / "log.csv"),
            keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="g_loss", save_best_only=True, mode="min"),
            keras.callbacks.EarlyStopping(monitor="d_loss", mode="min", patience=0, min_delta=1e6),
            keras.callbacks.BackupAndRestore(tmp_path / "backup"),
        ],
    )
    assert int(gan.steps) == 4, "EarlyStopping stops after the second epoch"
    assert "d_grad_norm" in (tmp_path / "log.csv").read_text().splitlines()[0]
    assert keras.models.load_model(tmp_path / "best.keras").latent_dim == tiny.LATENT


def test_our_callbacks_leave_log_grids_and_animation(tmp_path):
    from PIL import Image

    gan = tiny.gan(num_classes=3)
    data = tiny.batch(16, 3)
    hooks = [kg.callbacks.JsonLog(tmp_path / "log.jsonl"), kg.callbacks.SampleGrid(tmp_path / "samples", n=6, scale=2)]
    history = quiet(gan, *data, epochs=3, callbacks=hooks).history
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [2, 4, 6]
    assert [row["d_loss"] for row in rows] == pytest.approx(history["d_loss"])
    with Image.open(tmp_path / "samples" / "epoch-0003.png") as picture:
        expected = kg.viz.to_pillow(kg.viz.grid(gan.sampler().generate(6, seed=0), 3), 2)
        np.testing.assert_array_equal(np.asarray(picture), np.asarray(expected))
    with Image.open(tmp_path / "samples" / "training.gif") as animation:
        assert animation.n_frames == 3


def test_the_animation_of_a_long_training_shows_its_ends_and_not_every_epoch(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(kg.viz, "save_gif", lambda paths, _: shown.extend(path.stem for path in paths))
    for epoch in range(1, 641):
        (tmp_path / f"epoch-{epoch:04d}.png").touch()
    kg.callbacks.SampleGrid(tmp_path).on_train_end()
    assert len(set(shown)) == len(shown) == 100
    assert (shown[0], shown[-1]) == ("epoch-0001", "epoch-0640")
    assert shown == sorted(shown)


def test_a_generator_that_gives_nan_leaves_no_picture(tmp_path):
    gan = tiny.gan(compile_options={"run_eagerly": True})
    for variable in gan.generator.trainable_variables:
        variable.assign(variable * np.nan)
    quiet(gan, *tiny.batch(16), epochs=1, callbacks=[kg.callbacks.SampleGrid(tmp_path, n=4)])
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore::UserWarning")  # Keras says that a generator ends
def test_progress_over_data_of_unknown_length():
    points = tiny_run.points(40)
    gan, progress = tiny_run.gan(), kg.callbacks.Progress(8)
    gan.fit(((points[i : i + 8],) for i in range(0, 40, 8)), epochs=1, verbose=0, callbacks=[progress])
    assert (progress.bar.n, progress.bar.total) == (40, None)

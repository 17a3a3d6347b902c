"""BestGenerator: the best is kept, whatever comes after; and a training taken up again knows it."""

import health as tiny_run
import keras
import pytest
import tiny
from keras import layers

import kerasgan as kg
from kerasgan import jsonl

X = kg.data.load("digits", image_shape=(8, 8, 1)).x[:64]


@pytest.fixture(scope="module")
def extractor():
    keras.utils.set_random_seed(1)
    inputs = keras.Input((8, 8, 1))
    return kg.metrics.Extractor(keras.Model(inputs, layers.Dense(4)(layers.Flatten()(inputs))), name="projection")


def fitted(folder, extractor, epochs, spoil=(), **options):
    gan = tiny.gan(ema=0.0, compile_options={"run_eagerly": True})
    best = kg.callbacks.BestGenerator(folder / "best.keras", n=48, extractor=extractor, recipe={"name": "x"}, **options)
    hooks = [*spoil, best, kg.callbacks.Checkpoint(folder / "checkpoints", every=0)]
    gan.fit(X, batch_size=32, epochs=epochs, verbose=0, callbacks=hooks)
    return gan, best


def ruin(model):
    for network in (model.generator, model.ema_generator):
        for variable in network.trainable_variables:
            variable.assign(0.0 * variable + 5.0)  # all white


def test_the_best_stays_when_the_training_turns_bad(tmp_path, extractor):
    _, best = fitted(tmp_path, extractor, 4, [tiny_run.At(5, ruin)])
    rows = jsonl.read(tmp_path / "scores.jsonl")
    values = [row["fid"] for row in rows]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert [row["best"] for row in rows] == [v == min(values[: i + 1]) for i, v in enumerate(values)]
    assert best.best["fid"] == min(values)
    assert best.best["epoch"] <= 2
    kept = kg.Sampler.load(tmp_path / "best.keras")
    assert kept.recipe == {"name": "x"}
    assert kept.generate(8).std() > 1, "not the ruined one"
    again = kg.metrics.Evaluator(X, ("fid",), n=48, extractor=extractor, floor=False).score(kept)["fid"]
    assert again == pytest.approx(min(values), rel=1e-6)


def diverge(model):
    for network in (model.generator, model.ema_generator):
        for variable in network.trainable_variables:
            variable.assign(float("nan") * variable)


def test_a_training_that_diverges_keeps_its_best_and_goes_on(tmp_path, extractor):
    gan, best = fitted(tmp_path, extractor, 3, [tiny_run.At(3, diverge)])
    assert gan.step_count == 6
    rows = jsonl.read(tmp_path / "scores.jsonl")
    assert ["fid" in row for row in rows] == [True, False, False]
    assert best.best == rows[0]
    assert kg.Sampler.load(tmp_path / "best.keras").generate(8).std() > 0


def test_taken_up_again_it_goes_on_as_if_it_had_never_stopped(tmp_path, extractor):
    fitted(tmp_path / "whole", extractor, 3)
    fitted(tmp_path / "cut", extractor, 1)
    with (tmp_path / "cut" / "scores.jsonl").open("a") as file:
        file.write('{"epoch": 2, "step": 4, "fid": 0.0, "best": true}\n')  # beyond the checkpoint
    fitted(tmp_path / "cut", extractor, 3)
    logs = [(tmp_path / name / "scores.jsonl").read_text() for name in ("whole", "cut")]
    assert logs[0] == logs[1]


def test_more_may_be_better_and_epochs_may_be_left_out(tmp_path, extractor):
    _, best = fitted(tmp_path, extractor, 4, metric="precision_recall", every=2)
    rows = jsonl.read(tmp_path / "scores.jsonl")
    assert [row["epoch"] for row in rows] == [2, 4]
    assert best.best["precision"] == max(row["precision"] for row in rows)


def test_what_it_refuses(tmp_path):
    with pytest.raises(kg.InputError, match="every must be at least 1"):
        kg.callbacks.BestGenerator(tmp_path / "best.keras", every=0)
    with pytest.raises(kg.InputError, match="Unknown metric"):
        tiny.gan().fit(X, epochs=1, verbose=0, callbacks=[kg.callbacks.BestGenerator(tmp_path / "b.keras", "fed")])

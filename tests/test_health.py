"""HealthMonitor: what it concludes, what it does; and that it leaves a training alone otherwise."""

import json
import re

import families
import health as tiny_run
import keras
import numpy as np
import pytest
import tiny

import kerasgan as kg
from kerasgan import jsonl
from kerasgan.callbacks.samples import generated
from kerasgan.callbacks.verdicts import Verdicts, window

RNG = np.random.default_rng(0)
POINTS = tiny_run.points(2048)


@pytest.mark.parametrize("classes", [2, 40])
def test_codes_are_not_taken_for_the_datas_classes(classes, monkeypatch):
    """An InfoGAN's are its own: all of them are looked at, whatever labels the data bear, and no others asked for."""
    known = families.recipe("infogan", (8, 8, 1))
    x = families.data(known, steps=10)[0]
    gan = kg.zoo.build(known)
    seen = []
    network = gan.generator.call
    monkeypatch.setattr(gan.generator, "call", lambda inputs, **o: (seen.append(inputs[1]), network(inputs, **o))[1])
    monitor = kg.callbacks.HealthMonitor(every=10, n=32)
    gan.fit(x, np.arange(len(x)) % classes, batch_size=4, epochs=1, verbose=0, callbacks=[monitor])
    assert set(keras.ops.convert_to_numpy(seen[-1])) == set(range(10))


HEALTHY = {"d_loss": 1.2, "g_loss": 0.8, "d_real_accuracy": 0.7, "d_fake_accuracy": 0.7, "d_grad_norm": 1.0}
HEALTHY |= {"g_grad_norm": 1.0, "spread": 0.9, "modes": 0.9, "distance": 0.2}


def rows(*changes, every=50, start=50):
    """A row of a check for each change to a healthy one; every epoch has one check, so means need no taking apart."""
    return [
        {"step": start + every * i, "epoch": i, "over": 10, **HEALTHY, **change} for i, change in enumerate(changes)
    ]


def judged(changes, **options):
    verdicts = Verdicts(**options)
    return [(row["step"], found.kind) for row in rows(*changes) for found in verdicts.observe(row)]


LEARNING = [{"spread": v, "modes": v, "distance": 1.2 - v} for v in np.linspace(0.05, 0.95, 30)]


@pytest.mark.parametrize(
    "changes",
    [
        [{}] * 40,
        LEARNING + [{}] * 10,
        [{"modes": 0.1}] * 4 + [{}] * 30,
        [{}] * 20 + [{"modes": 0.2}] * 3 + [{}] * 20,
        [{}] * 20 + [{"g_grad_norm": 5000.0}] + [{}] * 20,
        [{"d_real_accuracy": 1.0, "d_fake_accuracy": 1.0, "distance": 0.2}] * 40,
        [{"d_real_accuracy": 0.5, "d_fake_accuracy": 0.5, "distance": 0.1}] * 40,
        [{"d_real_accuracy": 0.9, "d_fake_accuracy": 0.1, "d_mismatched_accuracy": 0.9, "distance": 1.1}] * 40,
    ],
    ids=["steady", "slow", "late", "dip", "spike", "overfit", "equilibrium", "mismatched"],
)
def test_the_healthy_are_not_accused(changes):
    assert judged(changes) == []


@pytest.mark.parametrize(
    "kind, bad, soon",
    [
        ("collapse", {"modes": 0.2}, 5),
        ("collapse", {"spread": 0.05}, 5),
        ("divergence", {"distance": 9.0}, 6),
        ("dead_discriminator", {"d_real_accuracy": 1.0, "d_fake_accuracy": 0.0, "distance": 1.1}, 9),
        ("perfect_discriminator", {"d_real_accuracy": 1.0, "d_fake_accuracy": 1.0, "distance": 1.1}, 9),
        ("exploding_gradients", {"d_grad_norm": 1e4}, 5),
        ("exploding_gradients", {"g_loss": -1e6}, 5),
        ("vanishing_gradients", {"g_grad_norm": 1e-6}, 5),
        ("nan", {"d_loss": None}, 1),
    ],
)
def test_every_trouble_is_seen_soon_and_said_once(kind, bad, soon):
    found = judged([{}] * 20 + [bad] * 20)
    assert [k for _, k in found if k == kind] == [kind]
    assert 50 * 20 < {k: s for s, k in found}[kind] <= 50 * (20 + soon)


def test_a_slow_beginning_is_no_collapse():
    """Figures of a healthy training on Stacked MNIST, not diverse before step 550 and now and then not low."""
    modes = [0.23, 0.48, 0.32, 0.28, 0.17, 0.24, 0.11, 0.23, 0.16, 0.11, 0.3, 0.57, 0.55, 0.43, 0.58, 0.58, 0.51]
    assert not judged([{"modes": value, "distance": 0.1} for value in modes])
    assert judged([{"modes": min(value, 0.24), "distance": 0.1} for value in modes])[0] == (450, "collapse")


def test_never_started_is_a_collapse_too():
    assert judged([{"modes": 0.1, "distance": 1.0}] * 20)[0] == (450, "collapse")


def test_hopping_from_mode_to_mode_is_seen_though_no_check_is_bad_for_long():
    hops = [{"modes": v, "distance": 0.8} for v in [0.3, 0.6, 0.4, 0.3, 0.55, 0.35] * 8]
    assert "low_diversity" in [kind for _, kind in judged(hops)]


def test_a_trouble_comes_again_after_a_recovery_only():
    found = judged([{}] * 10 + [{"modes": 0.2}] * 10 + [{}] * 10 + [{"modes": 0.2}] * 10)
    assert [kind for _, kind in found] == ["collapse", "collapse"]


def test_windows_are_means_since_the_check_before():
    x = RNG.normal(size=80)
    before = {"epoch": 1, "over": 30, "d_loss": x[:30].mean()}
    assert window({"epoch": 1, "over": 80, "d_loss": x.mean()}, before)["d_loss"] == pytest.approx(x[30:].mean())
    assert window({"epoch": 2, "over": 80, "d_loss": x.mean()}, before)["d_loss"] == pytest.approx(x.mean())


def test_sampling_leaves_no_trace_in_the_model():
    gan = tiny.gan(num_classes=3, generator_options={"dropout": 0.3})
    state = [np.array(keras.ops.convert_to_numpy(v)) for v in gan.all_state]
    samples = generated(gan, 40, np.array([0, 1, 2]))
    assert samples.shape == (40, *tiny.SHAPE)
    for variable, before in zip(gan.all_state, state, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(variable), before)


def fitted(tmp_path, name, steps=24, monitored=True, **options):
    model = tiny_run.gan()
    monitor = kg.callbacks.HealthMonitor(
        tmp_path / f"{name}.jsonl", **{"every": 4, "n": 32, "warmup": 8, "patience": 2, **options}
    )
    hooks = [kg.callbacks.Checkpoint(tmp_path / name, every=0)]
    model.fit(tiny_run.points(64), batch_size=8, epochs=steps // 8, verbose=0,
              callbacks=[monitor, *hooks] if monitored else hooks)  # fmt: skip
    return model, monitor


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    folder = tmp_path_factory.mktemp("watched")
    return folder, *fitted(folder, "whole")


def test_watching_changes_nothing(watched, tmp_path):
    _, model, _ = watched
    alone, _ = fitted(tmp_path, "alone", monitored=False)
    for a, b in zip(model.all_state, alone.all_state, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(a), keras.ops.convert_to_numpy(b))


def test_taken_up_again_the_log_is_as_if_it_had_never_stopped(watched):
    folder, _, monitor = watched
    fitted(folder, "cut", steps=8)
    with (folder / "cut.jsonl").open("a") as file:
        file.write('{"step": 12, "epoch": 2}\n{"step": 1')  # beyond the checkpoint, and torn
    _, again = fitted(folder, "cut")
    assert (folder / "cut.jsonl").read_text() == (folder / "whole.jsonl").read_text()
    assert again.events == monitor.events
    assert again.verdicts.history == monitor.verdicts.history
    assert [row["step"] for row in jsonl.read(folder / "cut.jsonl") if "event" not in row] == list(range(4, 25, 4))


def test_a_collapse_is_said_with_what_to_try(tmp_path, capsys):
    """The latents are cut off, so that every sample is the same."""

    def cut_off(model):
        model.generator.layers[1].kernel.assign(0 * model.generator.layers[1].kernel)
        model.optimizer.g.learning_rate = 0.0

    model = tiny_run.gan()
    monitor = kg.callbacks.HealthMonitor(
        tmp_path / "health.jsonl", every=4, n=32, warmup=8, patience=2, on_collapse="stop"
    )
    hooks = [tiny_run.At(6, cut_off), monitor, kg.callbacks.Checkpoint(tmp_path / "checkpoints")]
    progress = kg.callbacks.Progress(8, monitor)
    model.fit(tiny_run.points(64), batch_size=8, epochs=4, verbose=0, callbacks=[progress, *hooks])
    collapse = next(event for event in monitor.events if event["event"] == "collapse")
    event = monitor.events[-1]
    assert event["step"] == collapse["step"] <= 28
    assert re.search(r"\b[01] % of the spread", collapse["saw"])
    assert "gradient penalty" in collapse["try"]
    assert event["did"].startswith("stopped")
    assert model.step_count == event["step"] == 12, "it stopped there, inside an epoch"
    assert "mode collapse" in capsys.readouterr().err
    assert "mode collapse" in monitor.status
    meta = kg.callbacks.checkpoint.checkpoint.read_newest(tmp_path / "checkpoints")[1]
    assert meta["position"] == {"epoch": event["step"] // 8, "step": event["step"] % 8, "order": event["step"] // 8}


def test_rollback_ends_after_so_many(tmp_path):
    model = tiny_run.gan()
    monitor = kg.callbacks.HealthMonitor(every=4, n=32, on_collapse="rollback", max_rollbacks=2)
    poison = [tiny_run.At(step, tiny_run.poison) for step in (6, 12, 18)]
    model.fit(tiny_run.points(64), batch_size=8, epochs=3, verbose=0, callbacks=[*poison, monitor])
    assert [event["did"].split()[0] for event in monitor.events] == ["rolled", "rolled", "stopped,"]
    assert float(model.optimizer.g.learning_rate) == pytest.approx(0.00025)


def test_rollback_with_nothing_to_go_back_to_stops(tmp_path):
    model = tiny_run.gan()
    tiny_run.poison(model)
    monitor = kg.callbacks.HealthMonitor(on_collapse="rollback")
    model.fit(tiny_run.points(64), batch_size=8, epochs=1, verbose=0, callbacks=[monitor])
    assert monitor.events[0]["did"] == "stopped, there is no healthy state to go back to"
    assert model.step_count == 1


@pytest.mark.parametrize("backend", ["tensorflow", pytest.param("torch", marks=pytest.mark.slow), "jax"])
def test_rollback_restores_everything(run_script, tmp_path, backend):
    assert "came back" in run_script("health.py", tmp_path / "health.jsonl", backend=backend)


def test_a_classifier_counts_the_classes(tmp_path):
    inputs = keras.Input((2,))
    sides = keras.Model(inputs, keras.layers.Dense(2, kernel_initializer="zeros", use_bias=False)(inputs))
    sides.layers[1].kernel.assign([[1.0, -1.0], [0.0, 0.0]])
    monitor = kg.callbacks.HealthMonitor(tmp_path / "health.jsonl", every=4, n=32, classifier=sides)
    model = tiny_run.gan()
    model.fit(tiny_run.points(64), batch_size=8, epochs=1, verbose=0, callbacks=[monitor])
    assert {row["classes"] <= 1.1 for row in jsonl.read(tmp_path / "health.jsonl")} == {True}
    assert monitor.classes == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"on_collapse": "rolback"}, "Did you mean 'rollback'"),
        ({"every": 0}, "every must be at least 1"),
        ({"n": 8}, "n must be at least 32"),
        ({"factor": 0.0}, "factor must lie above 0"),
    ],
)
def test_what_it_refuses(options, message):
    with pytest.raises(kg.InputError, match=message):
        kg.callbacks.HealthMonitor(**options)


def test_it_runs_where_there_is_nothing_to_compare_with(tmp_path):
    """A generator of batches can be read once only: gradients and NaN are watched alone."""
    model = tiny_run.gan()
    monitor = kg.callbacks.HealthMonitor(tmp_path / "health.jsonl", every=4)
    batches = ((POINTS[:8],) for _ in range(8))
    model.fit(batches, steps_per_epoch=8, epochs=1, verbose=0, callbacks=[monitor])
    (first, _) = jsonl.read(tmp_path / "health.jsonl")
    assert "modes" not in first
    assert first["g_grad_norm"] > 0
    assert json.loads(json.dumps(first)) == first

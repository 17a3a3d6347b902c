"""Killed at any moment and started again, a training ends as if it had never been killed."""

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import kerasgan as kg

SCRIPT = Path(__file__).parent / "scripts" / "killable.py"


def start(folder, backend):
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder)],
        env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "2"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed_after(steps, folder, backend):
    """Starts the training and kills it without warning a moment after its `steps`-th step, or lets it end.

    Returns:
        The steps it said aloud.
    """
    said = []
    with start(folder, backend) as process:
        for line in process.stdout:
            if line.startswith("step"):
                said.append(line.strip())
            if len(said) == steps:
                process.send_signal(signal.SIGKILL)
                break
        _, errors = process.communicate()
    assert process.returncode in (0, -signal.SIGKILL), errors[-3000:]
    return said


def final_state(folder):
    newest = max((folder / "checkpoints").glob("checkpoint-*.npz"))
    with np.load(newest) as file:
        return newest.name, {key: file[key] for key in file.files}


def check_killed_training(tmp_path, backend, kills):
    pytest.importorskip(backend, reason=f"{backend} is not installed")
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    everything = killed_after(None, whole, backend)
    assert len(everything) == 45
    seed = random.SystemRandom().randrange(10**6)
    print("kills drawn from seed", seed)
    rng = random.Random(seed)
    # Once the second step is said, the first one's checkpoint and its place in run.json are written.
    first_steps = [killed_after(rng.randint(2, 44 // kills), cut, backend)[0] for _ in range(kills)]
    last = killed_after(None, cut, backend)
    assert first_steps[0] == everything[0]
    assert last[0] != everything[0], "the killed training began anew"
    assert last[-1] == everything[-1]
    assert everything[-len(last) :] == last, "steps were skipped or repeated out of order"

    name, expected = final_state(whole)
    assert name == "checkpoint-000000045.npz"
    found_name, found = final_state(cut)
    assert found_name == name
    assert expected.keys() == found.keys()
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, err_msg=f"{key}, kills from seed {seed}")
    ended = [s["ended_at_step"] for s in json.loads((cut / "run.json").read_text())["sittings"]]
    assert ended == sorted(ended)
    assert (len(ended) > 1, ended[-1]) == (True, 45), "what was killed is counted, too"
    assert (cut / "log.jsonl").read_text() == (whole / "log.jsonl").read_text()
    a, b = (kg.Sampler.load(folder / "sampler.keras").generate(8, seed=1) for folder in (whole, cut))
    np.testing.assert_array_equal(a, b)


def test_killed_on_tensorflow(tmp_path):
    check_killed_training(tmp_path, "tensorflow", kills=2)


@pytest.mark.slow
def test_killed_on_jax(tmp_path):
    check_killed_training(tmp_path, "jax", kills=1)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_killed_many_times(tmp_path, backend):
    check_killed_training(tmp_path, backend, kills=6)


def images(n=40):
    rng = np.random.default_rng(0)
    return kg.data.from_arrays(rng.integers(0, 256, (n, 8, 8, 1)).astype("uint8"))


def fitted(folder, epochs, data=None, **options):
    import tiny

    gan = tiny.gan(**options)
    gan.fit(
        data or images(), batch_size=8, epochs=epochs, verbose=0, callbacks=[kg.callbacks.Checkpoint(folder, every=0)]
    )
    return gan


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras', seen inside pytest.warns
def test_torn_checkpoint_is_reported_and_the_one_before_is_used(tmp_path):
    import tiny

    whole = fitted(tmp_path / "a", epochs=3)
    fitted(tmp_path / "b", epochs=2)
    older, newest = sorted((tmp_path / "b").glob("*.npz"))
    newest.write_bytes(newest.read_bytes()[:-200])
    with pytest.warns(RuntimeWarning, match=newest.name):
        resumed = fitted(tmp_path / "b", epochs=3)
    assert older.name < newest.name
    for name, value in tiny.weights(whole).items():
        np.testing.assert_array_equal(tiny.weights(resumed)[name], value, err_msg=name)


def test_finished_training_is_left_as_it_is_and_can_be_prolonged(tmp_path):
    import tiny

    once = fitted(tmp_path / "a", epochs=2)
    again = fitted(tmp_path / "a", epochs=2)
    assert int(again.steps) == int(once.steps) == 10
    for name, value in tiny.weights(once).items():
        np.testing.assert_array_equal(tiny.weights(again)[name], value, err_msg=name)
    assert int(fitted(tmp_path / "a", epochs=3).steps) == 15


def test_other_data_or_another_model_are_refused(tmp_path):
    fitted(tmp_path / "a", epochs=1)
    with pytest.raises(kg.InputError, match="other data"):
        fitted(tmp_path / "a", epochs=2, data=images(48))
    with pytest.raises(kg.InputError, match="another model"):
        fitted(tmp_path / "a", epochs=2, generator_options={"batch_norm": False})


@pytest.mark.parametrize(
    "change, shown",
    [
        ({"ema": 0.5}, "ema: 0.999 -> 0.5"),
        ({"prior": "uniform"}, "prior: 'normal' -> 'uniform'"),
        ({"compile_options": {"g_optimizer": {"name": "sgd", "learning_rate": 0.2}}}, "learning_rate: 0.1.* -> 0.2"),
        ({"compile_options": {"loss": "hinge"}}, "loss.class_name: 'NonSaturating' -> 'Hinge'"),
        ({"compile_options": {"augment": "cutout"}}, "augment.policy: None -> 'cutout'"),
        ({"compile_options": {"penalties": [{"name": "r1", "gamma": 2.0}]}}, "penalties: .*'gamma': 2.0"),
        ({"compile_options": {"weight_clip": 0.1}}, "weight_clip: 0.0 -> 0.1"),
    ],
)
def test_other_settings_are_refused_and_shown(tmp_path, change, shown):
    fitted(tmp_path / "a", epochs=1)
    with pytest.raises(kg.InputError, match=shown):
        fitted(tmp_path / "a", epochs=2, **change)


def test_how_fast_it_runs_and_a_learning_rate_moved_by_a_callback_are_no_other_settings(tmp_path):
    import tiny

    def train(epochs, **compile_options):
        gan = tiny.gan(compile_options=compile_options)
        slower = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.05)
        last = kg.callbacks.Checkpoint(tmp_path, every=0)
        gan.fit(images(), batch_size=8, epochs=epochs, verbose=0, callbacks=[slower, last])
        return int(gan.steps)

    assert train(1) == 5
    assert train(2, run_eagerly=True) == 10


def test_log_lines_after_the_checkpoint_are_cut_off(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"epoch": 1, "step": 5}\n{"epoch": 2, "step": 10}\n{"epoch": 3, "st')
    import tiny

    gan = tiny.gan()
    gan.steps.assign(5)
    gan.fit(images(), batch_size=8, epochs=2, initial_epoch=1, verbose=0, callbacks=[kg.callbacks.JsonLog(path)])
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [5, 10]

"""The same weights, data and noise give the same step on TensorFlow, JAX and PyTorch."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    return tmp_path_factory.mktemp("steps")


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_whole_step_equals_tensorflow(run_script, steps, backend):
    for name in ("tensorflow", backend):
        if not (steps / f"{name}.npz").exists():
            run_script("one_step.py", steps / f"{name}.npz", backend=name)
    expected, found = np.load(steps / "tensorflow.npz"), np.load(steps / f"{backend}.npz")
    assert set(expected.files) == set(found.files)
    for key in expected.files:
        np.testing.assert_allclose(found[key], expected[key], rtol=2e-4, atol=2e-5, err_msg=key)


def test_several_steps_in_one_call_on_jax(run_script):
    assert "the same weights" in run_script("several_steps.py", backend="jax")

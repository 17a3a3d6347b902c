"""Two devices give the update that one gives with the same total batch."""

import numpy as np
import pytest


@pytest.mark.parametrize("backend", ["tensorflow", pytest.param("jax", marks=pytest.mark.slow)])
def test_two_devices_equal_one(run_script, tmp_path, backend):
    run_script("two_devices.py", tmp_path, backend=backend)
    one, two = np.load(tmp_path / "1.npz"), np.load(tmp_path / "2.npz")
    assert (int(one["devices"]), int(two["devices"])) == (1, 2)
    assert int(one["shared/steps"]) == 2
    for key in set(one.files) - {"devices"}:
        np.testing.assert_allclose(two[key], one[key], rtol=2e-4, atol=2e-5, err_msg=key)

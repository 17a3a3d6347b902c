"""Every family trains, is saved, comes back and travels."""

import functools

import families
import keras
import numpy as np
import pytest

import kerasgan as kg


@functools.cache
def trained(family):
    return families.trained(family)


def start(family):
    return kg.zoo.networks(families.recipe(family))


@pytest.mark.parametrize("family", families.NAMES)
def test_two_steps_move_both_players(family):
    gan, logs = trained(family)
    assert gan.step_count == 2
    assert all(np.isfinite(value) for value in logs.values()), logs
    for now, before in zip((gan.generator, gan.discriminator), start(family), strict=True):
        # A factor that starts at 0 keeps what lies behind it still for one step.
        still = [v.path for v, w in zip(now.trainable_variables, before.trainable_variables) if np.array_equal(v, w)]
        assert len(still) <= len(now.trainable_variables) // 4, still


@pytest.mark.parametrize("family", families.NAMES)
def test_saved_and_loaded(family, tmp_path):
    gan, _ = trained(family)
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    assert type(again) is type(gan)
    assert again.settings == gan.settings
    np.testing.assert_array_equal(again.sampler().generate(4), gan.sampler().generate(4))
    data = families.data(families.recipe(family), steps=1)
    for model in (gan, again):
        model.evaluate(*data, verbose=0)
    for a, b in zip(gan.variables, again.variables, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(a), keras.ops.convert_to_numpy(b), err_msg=a.path)


def test_loads_in_another_process(run_script, tmp_path):
    for family in ("infogan", "sagan"):
        trained(family)[0].save(tmp_path / f"{family}.keras")
    (tmp_path / "load.py").write_text(
        "import sys, keras, kerasgan\nfor path in sys.argv[1:]: keras.models.load_model(path).sampler().generate(2)"
    )
    run_script(tmp_path / "load.py", *tmp_path.glob("*.keras"), backend=keras.backend.backend())


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_every_family_on_other_backends(run_script, backend):
    run_script("families.py", backend=backend, timeout=1200)


@pytest.mark.parametrize("name", kg.zoo.names("*_cifar10"))
def test_two_steps_at_full_size(name):
    recipe = kg.zoo.show(name).replace(batch_size=2)
    gan = kg.zoo.build(recipe, run_eagerly=True)
    logs = gan.fit(*families.data(recipe), batch_size=recipe.batch_size, verbose=0).history
    assert gan.step_count == 2
    assert all(np.isfinite(values).all() for values in logs.values())

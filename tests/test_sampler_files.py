"""Sampler files: what they give back, and what damaged or foreign ones are called."""

import json
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
import tiny
from disk import disk_full_after
from samplers import conditional, passing_through

from kerasgan import Recipe, Sampler, SampleSpec
from kerasgan.errors import InputError


def test_a_saved_sampler_gives_the_same_images_in_a_new_process(tmp_path):
    mean = np.linspace(-0.1, 0.1, 8, dtype="float32")  # NumPy's numbers, as a training hands them over
    sampler = conditional(prior="truncated_normal", value_range=np.float32([-1, 1]), mean_latent=mean)
    assert sampler.save(tmp_path / "owls.keras") == tmp_path / "owls.keras"
    script = """
import json, sys; import keras, numpy as np
plain = keras.models.load_model(sys.argv[1])  # before kerasgan is imported: an ordinary Keras file
from kerasgan import Sampler
sampler = Sampler.load(sys.argv[1])
latents = sampler.latents(4, seed=2)
labels = sampler.labels(None, 4)
np.savez(sys.argv[2], images=sampler.generate(5, "owl", seed=1, truncation=0.7),
    outputs=plain.predict_on_batch([latents, labels]), spec=repr(sampler.spec), recipe=json.dumps(sampler.recipe))
"""
    made = tmp_path / "made.npz"
    subprocess.run([sys.executable, "-c", script, tmp_path / "owls.keras", made], check=True, timeout=120)
    with np.load(made) as found:
        np.testing.assert_array_equal(found["images"], sampler.generate(5, "owl", seed=1, truncation=0.7))
        outputs = sampler.generator.predict_on_batch([sampler.latents(4, seed=2), sampler.labels(None, 4)])
        np.testing.assert_allclose(found["outputs"], outputs, rtol=1e-5)
        assert str(found["spec"]) == repr(sampler.spec)
        assert str(found["recipe"]) == '{"name": "dcgan_pets"}'


def test_the_recipe_travels_with_the_file(tmp_path):
    recipe = Recipe("dcgan_pets", "dcgan", "pets", (5, 5, 3), penalties=({"name": "r1", "gamma": 0.1},))
    path = Sampler(passing_through().generator, passing_through().spec, recipe.to_dict()).save(tmp_path / "s.keras")
    assert Recipe.from_dict(Sampler.load(path).recipe) == recipe


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"saved as .keras. Received: 'sampler.h5'"):
        passing_through().save(tmp_path / "sampler.h5")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("written", [0.0, 0.3, 0.99])
@pytest.mark.parametrize("before", [True, False])
def test_a_full_disk_leaves_no_half_file_and_the_old_one_whole(tmp_path, written, before):
    path = conditional(seed=0).save(tmp_path / "sampler.keras")
    size, content = path.stat().st_size, path.read_bytes()
    if not before:
        path.unlink()
    with pytest.raises(OSError), disk_full_after(int(written * size)):
        conditional(seed=1).save(path)
    assert [p.name for p in tmp_path.iterdir()] == (["sampler.keras"] if before else [])
    assert not before or path.read_bytes() == content


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"No file '.*nowhere.keras'"):
        Sampler.load(tmp_path / "nowhere.keras")
    with pytest.raises(InputError, match="cannot be read"):
        Sampler.load(tmp_path / ("a" * 300 + ".keras"))


def test_a_keras_model_without_a_spec_is_no_sampler(tmp_path):
    passing_through().generator.save(tmp_path / "model.keras")
    with pytest.raises(InputError, match=r"Keras model without a sample spec. Load it with keras.models.load_model"):
        Sampler.load(tmp_path / "model.keras")


def truncated(path):
    path.write_bytes(path.read_bytes()[:-100])


def emptied(path):
    path.write_bytes(b"")


def replaced(path):
    path.write_bytes(b"<html>404 not found</html>")


def flipped_in_weights(path):
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("model.weights.h5").header_offset
    content[start + 2000] ^= 0xFF
    path.write_bytes(content)


def flipped_in_spec(path):
    content = bytearray(path.read_bytes())
    content[content.index(b'"latent_dim"') + 3] ^= 0x01
    path.write_bytes(content)


def flipped_in_directory(path):
    """The compression method in the archive's table of contents."""
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 10] ^= 0x01
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage", [truncated, emptied, replaced, flipped_in_weights, flipped_in_spec, flipped_in_directory]
)
def test_a_damaged_file_is_named(tmp_path, damage):
    path = conditional().save(tmp_path / "sampler.keras")
    damage(path)
    with pytest.raises(InputError, match=r"sampler.keras' is damaged or not a .keras file"):
        Sampler.load(path)


def rewritten(path, member, content):
    """The archive with another content of one member, `None` for none of it, and right checksums."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, before in members.items():
            if name != member:
                archive.writestr(name, before)
            elif content is not None:
                archive.writestr(name, content)


@pytest.mark.parametrize(
    "content",
    [
        "no json", "null", "[]", "{}", '{"spec": {}}', '{"spec": {"latent_dim": 4}, "recipe": {}}',
        '{"spec": {"latent_dim": 4, "image_shape": [8, 8, 1], "new": 1}, "recipe": {}}',
        '{"spec": {"latent_dim": 4, "image_shape": 3}, "recipe": {}}',
        '{"spec": {"latent_dim": 4, "image_shape": [8, 8, 1]}, "recipe": 3}',
        '{"spec": {"latent_dim": 4, "image_shape": [1e400]}, "recipe": {}}',
        '{"spec": {"latent_dim": 4, "image_shape": ' + "[" * 100_000 + "]" * 100_000 + "}}",
    ],
)  # fmt: skip
def test_a_spec_that_is_none_is_named(tmp_path, content):
    path = conditional().save(tmp_path / "sampler.keras")
    rewritten(path, "kerasgan_sampler.json", content)
    with pytest.raises(InputError, match=r"sampler.keras' is damaged: its kerasgan_sampler.json is none"):
        Sampler.load(path)


@pytest.mark.parametrize("latent_dim", [4.0, "4", 0, None, True])
def test_a_latent_dim_that_is_none_is_named(latent_dim):
    with pytest.raises(InputError, match="latent_dim must be a whole number from 1"):
        SampleSpec(latent_dim=latent_dim, image_shape=(8, 8, 1))


def flat(latent):
    return keras.layers.Reshape((2, 2, 1))(latent)


def unbuilt(latent):
    return keras.Sequential([keras.layers.Dense(4)])


class Own(keras.Model):
    def call(self, latent):
        return keras.ops.reshape(latent, (-1, 2, 2, 1))


def subclassed(latent):
    network = Own()
    network(latent)
    return network


@pytest.mark.parametrize("built", [False, True])
def test_a_sequential_network_travels(tmp_path, built):
    layers = [keras.layers.Dense(4), keras.layers.Reshape((2, 2, 1))]
    network = keras.Sequential(layers if built else [keras.Input((4,)), *layers])
    if built:
        network.build((None, 4))
    sampler = Sampler(network, SampleSpec(latent_dim=4, image_shape=(2, 2, 1)))
    loaded = Sampler.load(sampler.save(tmp_path / "sampler.keras"))
    np.testing.assert_array_equal(loaded.generate(3), sampler.generate(3))


def bare_layer(latent):
    return keras.layers.Dense(4)


def taking_a_dictionary(latent):
    return keras.Model({"latent": latent}, flat(latent))


def giving_two(latent):
    return keras.Model(latent, [flat(latent), flat(latent)])


def sequential_giving_two(latent):
    inner = keras.Input((4,))
    return keras.Sequential([keras.Input((4,)), keras.Model(inner, [flat(inner), flat(inner)])])


def giving_a_list_of_one(latent):
    return keras.Model(latent, [flat(latent)])


def giving_a_dictionary(latent):
    return keras.Model(latent, {"image": flat(latent)})


@pytest.mark.filterwarnings("ignore:You are saving a model that has not yet been built")
@pytest.mark.parametrize(
    "network",
    [
        unbuilt,
        subclassed,
        bare_layer,
        taking_a_dictionary,
        giving_two,
        sequential_giving_two,
        giving_a_list_of_one,
        giving_a_dictionary,
    ],
)
def test_a_network_that_could_not_be_drawn_from_is_refused(tmp_path, network):
    """By hand and from a file, whose network may be any that Keras can load."""
    latent = keras.Input((4,), name="latent")
    spec = SampleSpec(latent_dim=4, image_shape=(2, 2, 1))
    path = Sampler(keras.Model(latent, flat(latent)), spec).save(tmp_path / "sampler.keras")
    made = network(latent)
    with pytest.raises(InputError, match=r"A generator is a functional keras.Model from one tensor"):
        Sampler(made, spec)
    if isinstance(made, Own):
        return  # no file holds one
    if not isinstance(made, keras.Model):
        rewritten(path, "config.json", json.dumps(keras.saving.serialize_keras_object(made)))
    else:
        made.save(tmp_path / "other.keras")
        with zipfile.ZipFile(tmp_path / "other.keras") as archive:
            for member in ("config.json", "model.weights.h5"):
                rewritten(path, member, archive.read(member))
    with pytest.raises(InputError, match=r"A generator is a functional keras.Model|cannot be loaded"):
        Sampler.load(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_damaged_file_of_another_compression_is_named(tmp_path, method):
    path = conditional().save(tmp_path / "sampler.keras")
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    Sampler.load(path)
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        starts = [info.header_offset + 30 + len(info.filename) for info in archive.infolist()]
    for start in starts:
        for offset in (12, 20):  # beyond what LZMA says of itself
            path.write_bytes(
                whole[: start + offset] + bytes([whole[start + offset] ^ 0xFF]) + whole[start + offset + 1 :]
            )
            with pytest.raises(InputError, match=r"is damaged or not a .keras file"):
                Sampler.load(path)


@pytest.mark.parametrize("member", ["config.json", "model.weights.h5"])
@pytest.mark.parametrize("content", [None, "", "garbage"])
def test_a_network_that_is_none_is_named(tmp_path, member, content):
    path = conditional().save(tmp_path / "sampler.keras")
    rewritten(path, member, content)
    with pytest.raises(InputError, match=r"The generator in .*sampler.keras' cannot be loaded"):
        Sampler.load(path)


def test_half_precision_halves_the_weights_and_loads_as_float32(tmp_path):
    shape = {"image_shape": (32, 32, 3)}
    sampler = tiny.gan(generator_options=shape, discriminator_options=shape).sampler()
    whole, half = (sampler.save(tmp_path / f"{s}.keras", storage=s) for s in ("float32", "float16"))
    assert whole.stat().st_size - half.stat().st_size == pytest.approx(2 * sampler.generator.count_params(), rel=0.5)
    loaded = Sampler.load(half)
    assert {v.dtype for v in loaded.generator.weights} == {"float32"}
    for ours, theirs in zip(loaded.generator.get_weights(), sampler.generator.get_weights()):
        np.testing.assert_array_equal(ours, theirs.astype("float16").astype("float32"))


def test_weights_too_large_for_half_precision_are_refused_and_nothing_is_left(tmp_path):
    sampler = tiny.gan().sampler()
    sampler.generator.weights[0].assign(np.full(sampler.generator.weights[0].shape, 1e6, "float32"))
    with pytest.raises(InputError, match="too large for float16"):
        sampler.save(tmp_path / "x.keras", storage="float16")
    assert not list(tmp_path.iterdir())

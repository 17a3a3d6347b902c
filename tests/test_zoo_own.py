"""Entries of a user's own, by `register` and from a file."""

import sys

import keras
import pytest
import tiny

import kerasgan as kg
from kerasgan.zoo import registry


def test_a_family_of_ones_own(own_registry):
    recipe = kg.Recipe("mine_digits", family="mine", dataset="digits", image_shape=(8, 8, 1), latent_dim=4)
    kg.zoo.register(recipe, networks=(tiny.generator, tiny.discriminator))
    assert "mine_digits" in kg.zoo.names("mine*")
    gan = kg.zoo.build("mine_digits", class_names=["zero", "one"])
    assert gan.class_names == ("zero", "one")
    with pytest.raises(kg.InputError, match="already"):
        kg.zoo.register(recipe)
    with pytest.raises(kg.InputError, match="other networks"):
        kg.zoo.register(recipe.replace(name="mine_other"), networks=(tiny.generator, tiny.generator))


def test_a_model_of_ones_own(own_registry):
    @keras.saving.register_keras_serializable("test_zoo")
    class Mine(kg.GAN):
        pass

    recipe = kg.Recipe("mine_digits", family="mine", dataset="digits", image_shape=(8, 8, 1), latent_dim=4)
    kg.zoo.register(recipe, networks=(tiny.generator, tiny.discriminator), model=Mine)
    assert isinstance(kg.zoo.build("mine_digits"), Mine)
    with pytest.raises(kg.InputError, match="goes with networks"):
        kg.zoo.register(recipe.replace(name="dcgan_mine", family="dcgan"), model=Mine)


OWN_FILE = """
import tiny
import kerasgan as kg

kg.zoo.register(
    kg.Recipe("mine_digits", family="mine", dataset="digits", image_shape=(8, 8, 1), latent_dim=4),
    networks=(tiny.generator, tiny.discriminator),
)
kg.zoo.register(kg.zoo.show("dcgan_digits").replace(name="dcgan_mine", epochs=1))
"""


def test_a_file_of_ones_own(own_registry, tmp_path):
    path = tmp_path / "my_entries.py"
    path.write_text(OWN_FILE)
    assert kg.zoo.register_file(path) == ["mine_digits", "dcgan_mine"]
    assert kg.zoo.register_file(str(path)) == ["mine_digits", "dcgan_mine"]
    assert kg.zoo.build("mine_digits").latent_dim == 4


@pytest.mark.parametrize(
    "text, message",
    [
        (OWN_FILE + "1 / 0", "ZeroDivisionError"),
        (OWN_FILE + 'kg.zoo.register(kg.zoo.show("dcgan_mnist"))', "'dcgan_mnist' already"),
        ("print('hello')", "registers no entry"),
        (OWN_FILE + "raise SystemExit(3)", "SystemExit: 3"),
    ],
)
def test_a_file_that_fails_leaves_nothing(own_registry, tmp_path, text, message):
    before = kg.zoo.names()
    (tmp_path / "entries.py").write_text(text)
    with pytest.raises(kg.InputError, match=message):
        kg.zoo.register_file(tmp_path / "entries.py")
    assert kg.zoo.names() == before
    with pytest.raises(kg.InputError, match="Unknown family 'mine'"):
        kg.zoo.build(kg.zoo.show("dcgan_digits").replace(family="mine"))


def test_a_file_may_use_what_lies_beside_it(own_registry, tmp_path):
    (tmp_path / "beside_my_entries.py").write_text("EPOCHS = 3\n")
    path = tmp_path / "my_entries.py"
    path.write_text("""
from __future__ import annotations

import dataclasses

import beside_my_entries
import kerasgan as kg


@dataclasses.dataclass
class Settings:
    epochs: int = beside_my_entries.EPOCHS


kg.zoo.register(kg.zoo.show("dcgan_digits").replace(name="dcgan_mine", **dataclasses.asdict(Settings())))
""")
    assert kg.zoo.register_file(path) == ["dcgan_mine"]
    assert kg.zoo.show("dcgan_mine").epochs == 3
    assert registry.file_of("dcgan_mine") == path.resolve()
    assert registry.file_of("dcgan_digits") is None
    assert str(tmp_path) not in sys.path


def test_no_file(tmp_path):
    for name in ("none.py", "."):
        with pytest.raises(kg.InputError, match="Expected a Python file"):
            kg.zoo.register_file(tmp_path / name)


@pytest.mark.parametrize("name", ["", "../evil", "größe eins", ".hidden", "a b", 3])
def test_a_name_that_can_be_no_files_is_refused(own_registry, name):
    with pytest.raises(kg.InputError, match="it has letters"):
        kg.zoo.register(kg.zoo.show("dcgan_digits").replace(name=name))


@pytest.mark.parametrize("family", ["nofam", "registry", "build"])
def test_a_family_without_networks_is_refused(own_registry, family):
    with pytest.raises(kg.InputError, match=f"Unknown family '{family}'.*networks="):
        kg.zoo.register(kg.zoo.show("dcgan_digits").replace(name="mine", family=family))
    assert "mine" not in kg.zoo.names()


def test_what_is_registered_must_be_a_recipe_and_two_functions(own_registry):
    with pytest.raises(kg.InputError, match=r"takes a kerasgan.Recipe. Received: 'dcgan'"):
        kg.zoo.register("dcgan")
    recipe = kg.Recipe("mine_digits", family="mine", dataset="digits", image_shape=(8, 8, 1))
    for networks in ((tiny.generator,), (tiny.generator, "discriminator")):
        with pytest.raises(kg.InputError, match="two functions"):
            kg.zoo.register(recipe, networks=networks)


def test_unknown_family_is_named(own_registry):
    with pytest.raises(kg.InputError, match="Did you mean 'dcgan'"):
        kg.zoo.build(kg.zoo.show("dcgan_digits").replace(family="dcgn"))

"""Recipe: what is written beside every run, and read again."""

import dataclasses
import json

import numpy as np
import pytest

from kerasgan import Recipe
from kerasgan.errors import InputError

SMALL = {"name": "dcgan_digits", "family": "dcgan", "dataset": "digits", "image_shape": (16, 16, 1)}
FULL = {
    **SMALL,
    "image_shape": (40, 24, 4),
    "latent_dim": 7,
    "num_classes": 10,
    "prior": "uniform",
    "generator": {"width": 32, "blocks": [1, 2]},
    "discriminator": {"width": 48},
    "loss": "hinge",
    "label_smoothing": 0.1,
    "penalties": ({"name": "r1", "gamma": 0.1, "interval": 16}, {"name": "r2"}),
    "augment": "color,cutout",
    "g_optimizer": {"name": "adam", "learning_rate": 1e-4},
    "d_optimizer": {"name": "sgd"},
    "batch_size": 16,
    "decay": 0.25,
    "epochs": 3,
    "n_critic": 5,
    "ema": 0.0,
    "share_fakes": False,
    "mismatched": 0.5,
    "weight_clip": 0.01,
    "gradient_accumulation": 2,
    "precision": "mixed_float16",
    "seed": 42,
}


def test_every_field_has_a_value_here_that_is_not_its_default():
    full, plain = Recipe(**FULL), Recipe(**SMALL)
    assert set(FULL) == {f.name for f in dataclasses.fields(Recipe)}
    assert [f for f in FULL if f not in SMALL and getattr(full, f) == getattr(plain, f)] == []


@pytest.mark.parametrize("values", [SMALL, FULL], ids=["small", "full"])
def test_a_recipe_comes_back_from_json(values):
    recipe = Recipe(**values)
    again = Recipe.from_dict(json.loads(json.dumps(recipe.to_dict())))
    assert again == recipe
    assert isinstance(again.image_shape, tuple)
    assert {name: getattr(again, name) for name in values} == values


def test_to_dict_is_a_copy():
    recipe = Recipe(**FULL)
    values = recipe.to_dict()
    values["generator"]["width"] = 1
    values["penalties"][0]["gamma"] = 9.0
    assert recipe == Recipe(**FULL)


def test_a_recipe_keeps_its_penalties_whatever_becomes_of_those_given():
    given = {"name": "r1", "gamma": 0.1}
    recipe = Recipe(**SMALL, penalties=[given])
    given["gamma"] = 9.0
    assert recipe.penalties == ({"name": "r1", "gamma": 0.1},)


def test_a_field_nobody_knows_is_named():
    with pytest.raises(InputError, match=r"A recipe has no batchsize, epoch. Its fields are: .*batch_size"):
        Recipe.from_dict({**SMALL, "epoch": 3, "batchsize": 3})


def test_a_recipe_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Recipe(**SMALL).epochs = 2


def test_replace_changes_a_copy_and_checks_it():
    recipe = Recipe(**FULL)
    other = recipe.replace(epochs=9, image_shape=[8, 8, 3])
    assert (other.epochs, other.image_shape, other.seed) == (9, (8, 8, 3), 42)
    assert recipe == Recipe(**FULL)
    with pytest.raises(InputError, match=r"epochs must be at least 1. Received: 0"):
        recipe.replace(epochs=0)


def test_differences_name_each_field_with_both_values():
    recipe = Recipe(**FULL)
    assert recipe.differences(Recipe(**FULL)) == []
    other = recipe.replace(batch_size=32, loss="minimax", penalties=[{"name": "r2"}], image_shape=(8, 8, 1))
    assert recipe.differences(other) == [
        "image_shape: [40, 24, 4] -> [8, 8, 1]",
        "loss: 'hinge' -> 'minimax'",
        "penalties: [{'name': 'r1', 'gamma': 0.1, 'interval': 16}, {'name': 'r2'}] -> [{'name': 'r2'}]",
        "batch_size: 16 -> 32",
    ]


@pytest.mark.parametrize("image_shape", [(16, 16), (16, 16, 1, 1), (0, 16, 1), (16, -1, 1), ()])
def test_an_image_shape_that_is_none_is_refused(image_shape):
    with pytest.raises(InputError, match=r"image_shape must be \(height, width, channels\). Received: "):
        Recipe(**{**SMALL, "image_shape": image_shape})


def test_numbers_of_numpy_are_plain_ones():
    recipe = Recipe(**{**SMALL, "num_classes": np.int64(3), "seed": np.int32(7), "epochs": np.uint8(2)})
    assert [type(n) for n in (recipe.num_classes, recipe.seed, recipe.epochs)] == [int, int, int]
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    with pytest.raises(InputError, match=r"epochs must be a whole number. Received: 2.5"):
        Recipe(**SMALL, epochs=2.5)


@pytest.mark.parametrize("field", ["latent_dim", "batch_size", "epochs", "n_critic", "gradient_accumulation"])
@pytest.mark.parametrize("value", [0, -1])
def test_counts_below_one_are_refused(field, value):
    with pytest.raises(InputError, match=f"{field} must be at least 1. Received: {value}"):
        Recipe(**SMALL, **{field: value})

"""The command a record names trains the very recipe again."""

from pathlib import Path

import pytest

import kerasgan as kg
from kerasgan import again, plan

DIGITS = kg.zoo.show("dcgan_digits")
OWN = "--image-size 28x28x1 --epochs 40 --batch-size 32 --seed 0 --precision float32"


def own_pictures(name, count=5000, **changes):
    recipe = plan.own_pictures_recipe(Path(name), (32, 32, 3), count)
    recipe = recipe.for_images((32, 32, 3), 0)
    return recipe.replace(dataset=f"./{name}", **changes)


@pytest.mark.parametrize(
    "recipe, own, command",
    [
        (DIGITS, None, "kerasgan train dcgan_digits"),
        (DIGITS.replace(seed=3, epochs=2), None, "kerasgan train dcgan_digits --epochs 2 --seed 3"),
        (DIGITS.replace(num_classes=10), None, "kerasgan train dcgan_digits --conditional"),
        (
            DIGITS.replace(name="dcgan_digits_on_my_cats", dataset="./my cats", image_shape=(32, 32, 1)), None,
            "kerasgan train dcgan_digits --data './my cats' --image-size 32x32x1",
        ),
        (
            DIGITS.replace(name="dcgan_digits_on_mnist", dataset="mnist"), None,
            "kerasgan train dcgan_digits --data mnist",
        ),
        (
            own_pictures("cats"), None,
            "kerasgan train ./cats --image-size 32x32x3 --epochs 64 --batch-size 64 --seed 0 --precision float32",
        ),
        (
            own_pictures("mnist").for_images((32, 32, 3), 4), None,  # no entry's, and labels go without saying
            "kerasgan train ./mnist --image-size 32x32x3 --epochs 64 --batch-size 64 --seed 0 --precision float32",
        ),
        (DIGITS.replace(name="mine"), "mine.py", f"kerasgan train mine --from mine.py {OWN}"),
        (DIGITS.replace(name="mine", dataset="./cats"), "mine.py", f"kerasgan train mine --from mine.py {OWN}"),
        # What no option of the command says is changed by a call.
        (
            DIGITS.replace(loss="hinge", latent_dim=8, seed=3, num_classes=10), None,
            "kerasgan.train('dcgan_digits', conditional=True, seed=3, latent_dim=8, loss='hinge')",
        ),
        (
            DIGITS.replace(name="dcgan_digits_on_mnist", dataset="mnist", ema=0.9), None,
            "kerasgan.train('dcgan_digits', dataset='mnist', ema=0.9)",
        ),
        (
            own_pictures("cats", 100, loss="hinge", epochs=2), None,
            "kerasgan.train('./cats', image_shape=(32, 32, 3), epochs=2, batch_size=64, seed=0, precision='float32', "
            "loss='hinge')",
        ),
        (DIGITS.replace(dataset="arrays", epochs=1), None, "kerasgan.train('dcgan_digits', images=..., epochs=1)"),
    ],
)  # fmt: skip
def test_the_command_is_one_that_trains_this_again(recipe, own, command):
    assert again.command(recipe, own) == command


def test_an_own_entrys_changes_are_called_after_its_file_was_read(own_registry, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("import kerasgan as kg\nkg.zoo.register(kg.zoo.show('dcgan_digits').replace(name='mine'))\n")
    kg.zoo.register_file(file)
    mine = kg.zoo.show("mine")
    assert again.command(mine.replace(epochs=3), "mine.py") == "kerasgan train mine --from mine.py --epochs 3"
    assert again.command(mine.replace(loss="hinge"), "mine.py") == (
        "kerasgan.zoo.register_file('mine.py'); kerasgan.train('mine', loss='hinge')"
    )


def test_names_are_read_as_they_were_made(own_registry):
    """A folder, or an entry of one's own, may be called like an entry's training on other data."""
    assert again.command(own_pictures("cats_on_mats")).startswith("kerasgan train ./cats_on_mats --image-size")
    kg.zoo.register(DIGITS.replace(name="cats_on_mats"))
    mine = kg.zoo.show("cats_on_mats")
    assert again.command(mine, "mine.py") == "kerasgan train cats_on_mats --from mine.py"
    other = mine.replace(name="cats_on_mats_on_dogs", dataset="./dogs")
    assert again.command(other, "mine.py") == "kerasgan train cats_on_mats --from mine.py --data ./dogs"


def test_a_name_of_ones_own_is_given_again():
    """Called so, the entry it was made from trains that very recipe."""
    recipe, _ = plan.recipe_for("dcgan_digits", name="mine", epochs=2)
    assert again.command(recipe) == "kerasgan.train('dcgan_digits', epochs=2, name='mine')"
    other, _ = plan.recipe_for("gan_mnist", dataset="digits", name="mine")
    command = again.command(other)
    assert command.startswith("kerasgan.train('gan_digits', ")
    changes = eval(f"dict{command.removeprefix('kerasgan.train').replace('(', '(source=', 1)}")
    assert plan.recipe_for(**changes)[0] == other


def test_pictures_that_were_left_out_are_left_out_again():
    assert again.command(own_pictures("cats"), skip_corrupt=True).endswith(" --skip-corrupt")
    assert again.command(own_pictures("cats", loss="hinge"), skip_corrupt=True).endswith(
        "loss='hinge', data_options={'on_corrupt': 'skip'})"
    )


def test_wrong_labels_that_one_class_has_not_are_no_change():
    recipe = kg.zoo.show("cdcgan_mnist")
    one = recipe.for_images((28, 28, 1), 1).replace(name="cdcgan_mnist_on_ones", dataset="./ones")
    assert recipe.mismatched > 0 == one.mismatched
    assert again.command(one) == "kerasgan train cdcgan_mnist --data ./ones"

"""`kerasgan.train` in sittings, and on other data than an entry's own."""

import json
from pathlib import Path

import numpy as np
import pytest
import tiny
from PIL import Image

import kerasgan as kg
from kerasgan import again, callbacks, jsonl, plan, publish
from kerasgan.metrics import extractors


@pytest.fixture
def entry(own_registry, own_determinism):
    recipe = kg.Recipe(
        "tiny_digits", "tiny", "digits", image_shape=tiny.SHAPE, latent_dim=tiny.LATENT, num_classes=10,
        decay=0.5, batch_size=600, epochs=2, g_optimizer={"name": "adam", "learning_rate": 0.01},
        d_optimizer={"name": "adam", "learning_rate": 0.01},
    )  # fmt: skip
    return kg.zoo.register(recipe, networks=(tiny.generator, tiny.discriminator)).name


def sittings(run):
    return [(s["ended_at_step"], s["of_steps"]) for s in json.loads((run / "run.json").read_text())["sittings"]]


def test_sittings_of_a_few_seconds_end_as_one_long_one(entry, tmp_path):
    whole = kg.train(entry, tmp_path / "whole", exports=(), progress=False)
    cut, ended = tmp_path / "cut", []
    for _ in range(4):
        # No time at all: every sitting ends after its first step.
        kg.train(entry, cut, exports=("onnx",), minutes=0, progress=False)
        ended = sittings(cut)
        if len(ended) == 3:
            assert not (cut / "generator.onnx").exists()
            with pytest.raises(kg.InputError, match="stopped at step 3 of 4"):
                publish.pack(cut, tmp_path / "release", n=0)
    assert ended == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert (cut / "generator.onnx").exists()
    assert jsonl.read(cut / "log.jsonl") == jsonl.read(whole / "log.jsonl")
    a, b = (kg.Sampler.load(run / "sampler.keras").generator.get_weights() for run in (whole, cut))
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)


def test_a_sitting_that_is_cut_off_is_counted_up_to_its_last_checkpoint(entry, tmp_path, monkeypatch):
    class Interrupted(callbacks.Progress):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.step_count == 3:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(callbacks, "Progress", Interrupted)
        kg.train(entry, tmp_path, exports=(), checkpoint_every=0.0)
    assert sittings(tmp_path) == [(2, 4)]
    kg.train(entry, tmp_path, exports=(), progress=False)
    assert sittings(tmp_path) == [(2, 4), (4, 4)]
    seconds = [s["seconds"] for s in json.loads((tmp_path / "run.json").read_text())["sittings"]]
    assert min(seconds) > 0
    record = publish.pack(tmp_path, tmp_path / "release", n=0)
    assert record["minutes"] == round(sum(seconds) / 60, 1)


def test_a_second_training_in_the_folder_is_refused(entry, tmp_path, monkeypatch):
    refused = []

    class Meanwhile(callbacks.Progress):
        def on_train_batch_end(self, batch, logs=None):
            with pytest.raises(kg.InputError, match="Another training runs in"):
                kg.train(entry, tmp_path, exports=(), progress=False)
            refused.append(self.model.step_count)

    monkeypatch.setattr(callbacks, "Progress", Meanwhile)
    kg.train(entry, tmp_path, exports=())
    assert refused == [1, 2, 3, 4]
    assert sittings(tmp_path) == [(4, 4)]
    kg.train(entry, tmp_path, exports=(), progress=False)  # nobody trains there any more


def test_an_entry_on_other_data(entry, tmp_path):
    x, y = np.zeros((30, 9, 9, 3), "uint8"), np.arange(30) % 3
    np.savez(tmp_path / "Black Cats.npz", x=x, y=y)
    recipe, images = plan.recipe_for(entry, dataset=tmp_path / "Black Cats.npz")
    assert (recipe.name, recipe.family, recipe.dataset) == (
        "tiny_digits_on_black_cats",
        "tiny",
        str(tmp_path / "Black Cats.npz"),
    )
    assert (recipe.image_shape, recipe.num_classes) == (tiny.SHAPE, 3), "the entry's size, the data's classes"
    assert len(images) == 2070, "few pictures are repeated, so that there are whole batches"
    recipe, _ = plan.recipe_for(entry, dataset=tmp_path / "Black Cats.npz", image_shape=(12, 12, 3), epochs=7)
    assert (recipe.image_shape, recipe.epochs) == ((12, 12, 3), 7)
    assert again.command(recipe.replace(seed=3)) == (
        f"kerasgan train tiny_digits --data '{tmp_path / 'Black Cats.npz'}' --image-size 12x12x3 --epochs 7 --seed 3"
    )
    np.savez(tmp_path / "unlabelled.npz", x=x)
    with pytest.raises(kg.InputError, match=r"'tiny_digits' is conditional, and the data .* have no labels"):
        plan.recipe_for(entry, dataset=tmp_path / "unlabelled.npz")
    with pytest.raises(kg.InputError, match="Other data go with a zoo entry"):
        plan.recipe_for(str(tmp_path / "Black Cats.npz"), dataset="digits")
    with pytest.raises(kg.InputError, match="No folder and no file at"):
        plan.recipe_for(entry, dataset=tmp_path / "white_cats")


@pytest.mark.parametrize("known", ["wgan_digits", "wgan_gp_digits"])
def test_an_unconditional_entry_learns_classes_where_it_is_told_to(own_registry, tmp_path, known):
    x, y = np.random.default_rng(0).integers(0, 256, (80, 9, 9, 1)).astype("uint8"), np.arange(80) % 3
    np.savez(tmp_path / "three.npz", x=x, y=y)
    recipe = kg.zoo.show(known)
    networks = {"generator": {"width": 2}, "discriminator": {"width": 2}}
    kg.zoo.register(recipe.replace(name="small", batch_size=4, n_critic=2, **networks), networks=None)
    options = {"dataset": tmp_path / "three.npz", "conditional": True, "image_shape": (9, 9), "epochs": 1}
    assert plan.recipe_for("small", **{**options, "conditional": None})[0].num_classes == 0
    run = kg.train("small", tmp_path / "run", exports=(), progress=False, **options)
    sampler = kg.Sampler.load(run / "sampler.keras")
    assert sampler.spec.num_classes == 3
    assert not np.array_equal(sampler.generate(2, labels=0), sampler.generate(2, labels=1))
    made = kg.Recipe.from_dict(json.loads((run / "recipe.json").read_text()))
    assert "--conditional" in again.command(made.replace(dataset="./three.npz")).split()
    np.savez(tmp_path / "unlabelled.npz", x=x)
    with pytest.raises(kg.InputError, match="has no labels to learn"):
        plan.recipe_for("small", **{**options, "dataset": tmp_path / "unlabelled.npz"})
    with pytest.raises(kg.InputError, match="finds codes of its own"):
        plan.recipe_for("infogan_digits", **options)


def test_given_images_are_fitted_and_must_have_what_the_entry_learns():
    x = np.random.default_rng(0).integers(0, 256, (30, 20, 12, 1)).astype("uint8")
    images = kg.data.from_arrays(x, np.arange(30) % 3)
    recipe, fitted = plan.recipe_for("cdcgan_digits", images, image_shape=(8, 8))
    assert recipe.image_shape == fitted.image_shape == (8, 8, 1) and recipe.num_classes == 3
    assert plan.recipe_for("cdcgan_digits", images)[0].image_shape == (20, 12, 1)
    with pytest.raises(kg.InputError, match=r"'cdcgan_digits' is conditional, and the data .* have no labels"):
        plan.recipe_for("cdcgan_digits", kg.data.from_arrays(x))
    assert plan.recipe_for("infogan_digits", kg.data.from_arrays(x))[0].num_classes == 0


def test_the_codes_of_an_infogan_are_not_called_as_the_datas_classes(own_registry, own_determinism, tmp_path):
    networks = {"generator": {"width": 2}, "discriminator": {"width": 2}}
    kg.zoo.register(kg.zoo.show("infogan_digits").replace(name="five_codes", num_classes=5, epochs=1, **networks))
    run = kg.train("five_codes", tmp_path / "run", exports=(), progress=False, image_shape=(8, 8))
    names = kg.Sampler.load(run / "sampler.keras").spec.class_names
    assert names == tuple(f"code {i}" for i in range(5))


@pytest.mark.parametrize("size", [32, 512])
@pytest.mark.parametrize("count", [30, 1500, 2047, 2048, 2500, 400_000])
def test_own_pictures_are_trained_on_for_as_long_whatever_their_number(count, size):
    shape = (size, size, 3)
    recipe = plan.own_pictures_recipe(Path("pictures"), shape, count)
    shown = recipe.epochs * count * plan._times(count, shape)
    assert shown == pytest.approx(plan.FOLDER_IMAGES, rel=0.3)


def test_pictures_too_large_to_be_copied_are_not_repeated():
    images = kg.data.Images(np.broadcast_to(np.uint8(7), (1500, 512, 512, 3)))
    assert plan.recipe_for("dcgan_cifar10", images, dataset="digits", image_shape=(512, 512, 3))[1] is images
    small = images.resized((8, 8, 3))
    assert len(plan.recipe_for("dcgan_cifar10", small, dataset="digits", image_shape=(8, 8))[1]) == 3000


@pytest.mark.parametrize("extractor", [None, "mnist"])
def test_the_best_generator_is_chosen_by_the_extractor_asked_for(entry, tmp_path, monkeypatch, extractor):
    seen = []
    get = extractors.get
    monkeypatch.setattr(extractors, "get", lambda *args, **options: (seen.append(args[0]), get(*args, **options))[1])
    options = {"keep_best": True, "exports": (), "progress": False, "epochs": 1}
    run = kg.train(entry, tmp_path / "run", extractor=extractor, **options)
    assert seen[0] == extractor
    assert (run / "best_sampler.keras").is_file()


def test_an_epoch_that_was_stopped_is_told_once(entry, tmp_path, monkeypatch):
    """`--on-collapse stop` ends one early; the same command goes on in it, and its line takes the other's place."""
    logged = callbacks.JsonLog.on_train_batch_end

    def stop(self, batch, logs=None):
        self.model.stop_training = True
        logged(self, batch, logs)

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.JsonLog, "on_train_batch_end", stop)
        run = kg.train(entry, tmp_path / "run", exports=(), progress=False)
    assert [row["step"] for row in jsonl.read(run / "log.jsonl")] == [1]
    kg.train(entry, run, exports=(), progress=False)
    assert [(row["epoch"], row["step"]) for row in jsonl.read(run / "log.jsonl")] == [(1, 2), (2, 4)]


def test_a_folder_called_like_a_data_set_stands_in_nobodys_way(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("digits").mkdir()
    for i in range(3):
        Image.new("L", (9, 9), 80 * i).save(f"digits/{i}.png")
    recipe, images = plan.recipe_for("dcgan_digits")
    assert (recipe.dataset, len(images)) == ("digits", 1500)
    assert plan.recipe_for("dcgan_cifar10", dataset="digits")[0].dataset == "digits"
    recipe, images = plan.recipe_for("digits")
    assert (recipe.name, recipe.dataset) == ("dcgan_pictures_digits", str(tmp_path / "digits"))
    assert images.image_shape == (16, 16, 1), "not the 28 x 28 of digits"
    assert plan.recipe_for("dcgan_cifar10", dataset="./digits")[0].dataset == str(tmp_path / "digits")


def test_a_sitting_ends_though_every_epoch_is_one_call(entry, tmp_path):
    run = kg.train(entry, tmp_path / "run", minutes=0, progress=False, compile_options={"steps_per_execution": 2})
    assert sittings(run) == [(2, 4)]


def test_a_run_that_is_being_prolonged_is_not_published(own_registry, own_determinism, tmp_path):
    recipe = kg.zoo.register(kg.zoo.show("gan_digits").replace(name="brief", epochs=1, decay=0.0), networks=None)
    run = kg.train("brief", tmp_path / "run", exports=(), progress=False)
    (run / "recipe.json").write_text(json.dumps(recipe.replace(epochs=3).to_dict()))  # and then it was killed
    with pytest.raises(kg.InputError, match="being prolonged to 3 epochs"):
        publish.pack(run, tmp_path / "release", n=0)

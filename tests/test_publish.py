"""`kerasgan zoo pack`: what a release folder says is what lies in it."""

import hashlib
import json
import shutil
import threading
import time

import keras
import numpy as np
import pytest
import scored
from PIL import Image

import kerasgan as kg
from kerasgan import publish, viz
from kerasgan.metrics import classifiers
from kerasgan.zoo import manifest

SITTING = {"ended_at_step": 1, "seconds": 1.0, "backend": "jax", "machine": "m", "python": "3", "libraries": {}}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run folder as a short training leaves it, of a generator for digits that learnt nothing."""
    folder = tmp_path_factory.mktemp("runs") / "mine"
    recipe = kg.zoo.show("dcgan_digits").replace(generator={"width": 2}, latent_dim=8, seed=3)
    kg.zoo.build(recipe).sampler(recipe.to_dict()).save(folder / "sampler.keras")
    (folder / "recipe.json").write_text(json.dumps(recipe.to_dict()))
    sitting = {"ended_at_step": 60, "seconds": 90.0, "backend": "jax", "machine": "a machine", "python": "3.11",
               "commit": "abc", "libraries": {"keras": "3"}}  # fmt: skip
    (folder / "run.json").write_text(json.dumps({"sittings": [sitting, {**sitting, "ended_at_step": 120}]}))
    (folder / "log.jsonl").write_text(json.dumps({"epoch": 1, "step": 120, "d_loss": 0.5, "g_loss": 1.5}) + "\n")
    return folder


def test_a_release_holds_weights_record_picture_card_and_gallery(run, tmp_path):
    record = publish.pack(run, tmp_path, n=0)
    (read,) = manifest.read(tmp_path)
    assert read == json.loads(json.dumps(record))
    path = tmp_path / "weights" / record["file"]
    assert record["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (record["minutes"], record["steps"], record["backend"], record["version"]) == (3.0, 120, "jax", 1)
    assert record["command"] == "kerasgan.train('dcgan_digits', seed=3, latent_dim=8, generator={'width': 2})"
    assert (record["weights_license"], record["dataset_license"][:9]) == ("not stated", "CC BY 4.0")

    stored = kg.Sampler.load(path)
    np.testing.assert_array_equal(stored.generate(4), kg.Sampler.load(run / "sampler.keras").generate(4))
    with Image.open(tmp_path / record["golden"]["picture"]) as picture:
        shown = np.asarray(picture)
    np.testing.assert_array_equal(shown, viz.grid(stored.generate(100, seed=0), columns=10)[..., 0])
    card = (tmp_path / "cards" / "dcgan_digits-1.md").read_text()
    assert record["sha256"] in card and "a machine" in card and "Not scored" in card
    assert "dcgan_digits-1.svg" in card
    drawing = (tmp_path / "cards" / "dcgan_digits-1.svg").read_text()
    assert ">discriminator<" in drawing and ">generator<" in drawing and drawing.count('class="dot') == 2
    gallery = (tmp_path / "README.md").read_text()
    assert "cards/dcgan_digits-1.md" in gallery
    # This is not the package's own dcgan_digits, version 1, which is what a load without `release` would ask for.
    assert 'kerasgan.zoo.load("dcgan_digits", version=1, release="RELEASE")' in card and "RELEASE is" in card
    assert "kerasgan download NAME --release RELEASE" in gallery


def test_a_spread_generator_is_published_and_said_to_be_one(run, tmp_path):
    assert "spread" not in publish.pack(run, tmp_path, n=0)
    record = publish.pack(run, tmp_path, n=0, spread=1.5, storage="float16")
    assert record["spread"] == 1.5
    cards = [(tmp_path / "cards" / f"dcgan_digits-{version}.md").read_text() for version in (1, 2)]
    assert ["--spread 1.5" in card for card in cards] == [False, True]
    trained = kg.Sampler.load(run / "sampler.keras")
    stored = kg.Sampler.load(tmp_path / "weights" / record["file"]).generate(5, seed=2)
    np.testing.assert_allclose(stored.astype(int), trained.images(1.5 * trained.latents(5, seed=2)).astype(int), atol=1)
    assert np.abs(stored.astype(int) - trained.generate(5, seed=2)).max() > 5


def test_a_second_run_is_the_next_version_and_the_first_stays(run, tmp_path):
    publish.pack(run, tmp_path, n=0)
    second = publish.pack(run, tmp_path, n=0, storage="float16")
    assert second["version"] == 2
    assert manifest.find("dcgan_digits", release=tmp_path) == json.loads(json.dumps(second))
    assert manifest.find("dcgan_digits", 1, release=tmp_path)["storage"] == "float32"
    sizes = [(tmp_path / "weights" / f"dcgan_digits-{i}.keras").stat().st_size for i in (1, 2)]
    assert sizes[1] < sizes[0]
    half, whole = (kg.Sampler.load(tmp_path / "weights" / f"dcgan_digits-{i}.keras").generate(100) for i in (2, 1))
    largest = int(np.abs(half.astype(int) - whole.astype(int)).max())
    assert second["storage_difference"]["largest"] == largest
    assert f"by {largest} of 255" in (tmp_path / "cards" / "dcgan_digits-2.md").read_text()
    gallery = (tmp_path / "README.md").read_text()
    assert "dcgan_digits-2.md" in gallery and "dcgan_digits-1.md" not in gallery


def test_scores_are_those_of_the_stored_weights(run, tmp_path):
    record = publish.pack(run, tmp_path, n=300, storage="float16")
    stored = kg.Sampler.load(tmp_path / "weights" / record["file"])
    result = kg.metrics.evaluate(stored, "digits", metrics=("fid",), n=300, progress=False)
    assert record["scores"]["values"]["fid"] == pytest.approx(result["fid"], rel=1e-6)
    card = (tmp_path / "cards" / "dcgan_digits-1.md").read_text()
    assert f"{result['fid']:.4g}" in card and f"{result.floor['fid']:.4g}" in card


def _with_seed(run, folder, seed, **changes):
    """A copy of a run as another training would have left it: another seed, and weights of its own."""
    shutil.copytree(run, folder)
    recipe = kg.Recipe.from_dict(json.loads((run / "recipe.json").read_text())).replace(seed=seed, **changes)
    kg.zoo.build(recipe).sampler(recipe.to_dict()).save(folder / "sampler.keras")
    (folder / "recipe.json").write_text(json.dumps(recipe.to_dict()))
    return folder


def test_runs_with_other_seeds_are_scored_alike_and_the_card_has_their_spread(run, tmp_path):
    others = [_with_seed(run, tmp_path / f"seed{seed}", seed) for seed in (7, 4)]
    record = publish.pack(run, tmp_path / "release", n=100, seeds=others, storage="float16")
    assert list(record["seeds"]) == ["3", "4", "7"]
    assert record["seeds"]["3"]["values"] == record["scores"]["values"]
    assert {name: record["seeds"]["4"][name] for name in ("commit", "backend", "machine")} == {
        "commit": "abc", "backend": "jax", "machine": "a machine",
    }  # fmt: skip
    alone = publish.pack(others[0], tmp_path / "other", n=100, storage="float16")
    assert record["seeds"]["7"]["values"] == alone["scores"]["values"] and alone["seeds"] == {}

    card = (tmp_path / "release" / "cards" / "dcgan_digits-1.md").read_text()
    fids = [record["seeds"][seed]["values"]["fid"] for seed in ("3", "4", "7")]
    row = [*(f"{fid:.4g}" for fid in fids), f"{np.mean(fids):.4g}", f"{np.std(fids, ddof=1):.2g}"]
    assert f"| fid | {' | '.join(row)} |" in card and "| commit | abc | abc | abc |" in card
    assert "other seeds" not in (tmp_path / "other" / "cards" / "dcgan_digits-1.md").read_text()
    assert len(list((tmp_path / "release" / "weights").glob("*.keras"))) == 1


@pytest.mark.parametrize(
    ("seed", "changes", "message"),
    [(3, {}, "Seed 3 is there twice"), (4, {"epochs": 41}, "epochs: 40 -> 41"), (4, {"latent_dim": 9}, "latent_dim")],
)
def test_other_seeds_are_of_the_same_recipe(run, tmp_path, seed, changes, message):
    other = _with_seed(run, tmp_path / "other", seed, **changes)
    with pytest.raises(kg.InputError, match=message):
        publish.pack(run, tmp_path / "release", n=100, seeds=[other])
    assert not (tmp_path / "release").exists()


def test_no_seed_is_taken_twice_and_an_older_recipe_is_read_with_what_it_meant(run, tmp_path):
    others = [_with_seed(run, tmp_path / name, 4) for name in ("a", "b")]
    with pytest.raises(kg.InputError, match="Seed 4 is there twice"):
        publish.pack(run, tmp_path / "release", n=100, seeds=others)
    older = json.loads((others[0] / "recipe.json").read_text())
    del older["mismatched"]
    (others[0] / "recipe.json").write_text(json.dumps(older))
    assert list(publish.pack(run, tmp_path / "release", n=100, seeds=others[:1])["seeds"]) == ["3", "4"]


def test_other_seeds_need_scores(run, tmp_path):
    other = _with_seed(run, tmp_path / "other", 4)
    with pytest.raises(kg.InputError, match="Give n"):
        publish.pack(run, tmp_path / "release", n=0, seeds=[other])


def test_a_run_on_own_labelled_pictures_is_scored_by_an_own_extractor(tmp_path, monkeypatch):
    """One that tells the data's classes gives class agreement too; one that does not, leaves it out."""
    monkeypatch.setattr(classifiers, "fit", lambda *_, **__: scored.classifier())  # for the accuracy score
    real, others = scored.pictures(200, seed=1), scored.pictures(200, seed=2)
    np.savez(tmp_path / "shapes.npz", x_train=real.x, y_train=real.y, x_test=others.x, y_test=others.y)
    scored.classifier().save(tmp_path / "judge.keras")
    classifier = scored.classifier()
    keras.Model(classifier.input, classifier.get_layer("features").output).save(tmp_path / "features.keras")
    run = tmp_path / "run"
    recipe = kg.Recipe("shapes", "mine", str(tmp_path / "shapes.npz"), scored.SHAPE, num_classes=3).to_dict()
    scored.sampler(names=("0", "1", "2")).save(run / "sampler.keras")
    (run / "recipe.json").write_text(json.dumps(recipe))
    (run / "run.json").write_text(json.dumps({"sittings": [SITTING]}))
    kinds = {}
    for name in ("judge", "features"):
        record = publish.pack(run, tmp_path / name, n=150, extractor=tmp_path / f"{name}.keras")
        kinds[name] = record["scores"]["values"].keys()
        assert record["scores"]["values"]["cas"] > 0.9
        written = [path.read_bytes() for path in (tmp_path / name).rglob("*.*")]
        assert (record["dataset"], record["dataset_license"]) == ("./shapes.npz", "not stated")
        assert record["command"].startswith("kerasgan.train('./shapes.npz', image_shape=(6, 6, 1), epochs=50, ")
        assert "public data set" not in (tmp_path / name / "cards" / "shapes-1.md").read_text()
        assert not any(str(tmp_path).encode() in content for content in written), "where the data lay is told"
        stored = kg.Sampler.load(tmp_path / name / "weights" / record["file"])
        assert stored.recipe["dataset"] == "./shapes.npz"
    assert kinds["judge"] - kinds["features"] == {"class_agreement"}


def test_a_run_on_stacked_pictures_has_its_modes_counted(tmp_path):
    """This one draws the first class in all three channels, one mode of 27; the classifier may err in one or two."""
    real, others = (kg.data.stacked(scored.pictures(200, seed=seed), 200) for seed in (1, 2))
    data = tmp_path / "stacked_shapes.npz"
    np.savez(data, x_train=real.x, y_train=real.y, x_test=others.x, y_test=others.y)
    grey = scored.sampler(conditional=False).generator
    stack = keras.Model(grey.input, keras.layers.Concatenate()([grey.output] * 3))
    run = tmp_path / "run"
    spec = kg.SampleSpec(latent_dim=scored.LATENT, image_shape=(6, 6, 3))
    kg.Sampler(stack, spec).save(run / "sampler.keras")
    recipe = kg.Recipe("shapes", "mine", str(data), (6, 6, 3)).to_dict()
    (run / "recipe.json").write_text(json.dumps(recipe))
    (run / "run.json").write_text(json.dumps({"sittings": [SITTING]}))
    record = publish.pack(run, tmp_path / "release", n=150, extractor=scored.classifier())
    scores = record["scores"]
    assert scores["values"]["modes"] <= 3 and scores["floor"]["modes"] == 27
    assert scores["values"]["mode_kl"] == pytest.approx(np.log(27), rel=0.2)
    assert (
        f"| modes | {scores['values']['modes']} | 27 |" in (tmp_path / "release" / "cards" / "shapes-1.md").read_text()
    )


def test_what_was_trained_in_bfloat16_is_published_in_float32(run, tmp_path):
    recipe = kg.zoo.show("dcgan_digits").replace(generator={"width": 2}, latent_dim=8, precision="mixed_bfloat16")
    other = shutil.copytree(run, tmp_path / "run")
    trained = kg.zoo.build(recipe).sampler(recipe.to_dict())
    assert "mixed_bfloat16" in {layer.dtype_policy.name for layer in trained.generator.layers}
    trained.save(other / "sampler.keras")
    (other / "recipe.json").write_text(json.dumps(recipe.to_dict()))

    record = publish.pack(other, tmp_path / "release", n=0)
    stored = kg.Sampler.load(tmp_path / "release" / "weights" / record["file"])
    assert {layer.dtype_policy.name for layer in stored.generator.layers} == {"float32"}
    for ours, theirs in zip(stored.generator.get_weights(), trained.generator.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert "precision='mixed_bfloat16'" in record["command"]


def test_an_unfinished_run_is_refused(tmp_path):
    with pytest.raises(kg.InputError, match="no finished run"):
        publish.pack(tmp_path, tmp_path / "release")


@pytest.mark.parametrize("name", ["../../evil", "größe eins", "", ".hidden", "a/b"])
def test_a_name_that_can_be_no_files_is_refused_before_anything_is_written(run, tmp_path, name):
    with pytest.raises(kg.InputError, match="it has letters"):
        publish.pack(run, tmp_path / "release", n=0, entry=name or "/")
    assert not list(tmp_path.iterdir())
    assert publish.pack(run, tmp_path / "release", n=0, entry="evil")["entry"] == "evil"


def test_what_fails_half_way_leaves_nothing(run, tmp_path, monkeypatch):
    monkeypatch.setattr(viz, "save_grid", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        publish.pack(run, tmp_path, n=0)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_two_at_once_make_two_versions(run, tmp_path, monkeypatch):
    """While the first is at work another begins and ends: the first keeps its number, and its record is added."""
    save_grid = viz.save_grid

    def meanwhile(*args, **options):
        monkeypatch.setattr(viz, "save_grid", save_grid)
        assert publish.pack(run, tmp_path, n=0)["version"] == 2
        return save_grid(*args, **options)

    monkeypatch.setattr(viz, "save_grid", meanwhile)
    assert publish.pack(run, tmp_path, n=0)["version"] == 1
    records = manifest.read(tmp_path)
    assert [record["version"] for record in records] == [1, 2]
    for record in records:
        path = tmp_path / "weights" / record["file"]
        assert record["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_two_that_end_together_lose_no_record(run, tmp_path, monkeypatch):
    write, both = manifest.write, threading.Barrier(2, timeout=60)

    def slow(*args):
        time.sleep(0.5)  # long enough for the other to read the list before this one has written it
        write(*args)

    def pack(name):
        both.wait()
        publish.pack(run, tmp_path, n=0, entry=name)

    monkeypatch.setattr(manifest, "write", slow)
    threads = [threading.Thread(target=pack, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [record["entry"] for record in manifest.read(tmp_path)] == ["one", "two"]
    gallery = (tmp_path / "README.md").read_text()
    assert "cards/one-1.md" in gallery and "cards/two-1.md" in gallery


@pytest.mark.filterwarnings("ignore:Skipped 1 corrupt:UserWarning", "ignore:fid is biased:UserWarning")
def test_pictures_that_were_skipped_in_training_are_skipped_in_scoring(own_determinism, tmp_path):
    folder = tmp_path / "digits"  # of the same name as the data set, and of another licence
    (folder / "a").mkdir(parents=True)
    for i, picture in enumerate(kg.data.load("digits").x[:40]):
        viz.save_grid(picture[None], folder / "a" / f"{i}.png")
    (folder / "a" / "broken.png").write_bytes(b"no picture")
    options = {"on_corrupt": "skip"}
    changes = {"epochs": 1, "generator": {"width": 2}, "discriminator": {"width": 2}, "latent_dim": 4}
    run = kg.train(str(folder), tmp_path / "run", data_options=options, exports=(), progress=False, **changes)
    assert json.loads((run / "recipe.json").read_text())["name"] == "dcgan_pictures_digits"
    with pytest.raises(kg.InputError, match="--skip-corrupt"):
        publish.pack(run, tmp_path / "release", n=20, extractor="digits")
    record = publish.pack(run, tmp_path / "release", n=20, extractor="digits", data_options=options)
    assert record["scores"]["protocol"]["n_requested"] == 20
    assert (record["dataset"], record["dataset_license"]) == ("./digits", "not stated")
    assert record["command"].startswith("kerasgan.train('./digits'")


@pytest.mark.parametrize(
    "classes, columns, said", [(3, 3, "one class in each column"), (25, 10, "the 25 classes in turn"), (0, 10, "*:")]
)
def test_the_picture_and_what_the_card_says_of_it_agree(tmp_path, classes, columns, said):
    recipe = kg.zoo.show("dcgan_digits").replace(
        image_shape=(9, 7, 2), num_classes=classes, generator={"width": 2}, latent_dim=8
    )
    run = tmp_path / "run"
    kg.zoo.build(recipe).sampler(recipe.to_dict()).save(run / "sampler.keras")
    (run / "recipe.json").write_text(json.dumps(recipe.to_dict()))
    (run / "run.json").write_text(json.dumps({"sittings": [SITTING]}))
    record = publish.pack(run, tmp_path, n=0)
    assert record["golden"]["columns"] == columns
    with Image.open(tmp_path / record["golden"]["picture"]) as picture:
        assert picture.width == columns * (2 * 7 + 1) - 1
    if classes == 3:
        labels = np.arange(100) % classes
        assert len(set(labels[::columns])) == 1
    card = (tmp_path / "cards" / "dcgan_digits-1.md").read_text()
    assert f"*None picked{'' if not classes else ', ' + said}:" in card

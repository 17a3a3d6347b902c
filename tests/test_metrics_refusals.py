"""evaluate on broken input: an error or a warning, never a number alone; and which extractor is taken."""

import warnings

import keras
import numpy as np
import pytest
import scored

import kerasgan as kg
from kerasgan import metrics
from kerasgan.data import Images
from kerasgan.errors import InputError
from kerasgan.metrics import classifiers, extractors


def test_a_generator_that_gives_nan_is_refused(real):
    sampler = scored.sampler()
    spread = sampler.generator.get_layer("spread")
    spread.set_weights([np.full_like(weight, np.nan) for weight in spread.get_weights()])
    with pytest.raises(InputError, match="The Sampler gives NaN or infinity"):
        scored.evaluate(sampler, real)


def test_codes_nobody_named_are_no_classes(real):
    """What draws them is scored as pictures, asked for all of them alike; once they are named, they are classes."""
    codes = scored.sampler(names=("code 0", "code 1", "code 2"))
    found = scored.evaluate(codes, real, n=200)
    assert found["fid"] < 2 * scored.evaluate(scored.sampler(), real, n=200)["fid"]
    assert found.protocol.labels == "drawn evenly"
    with pytest.raises(InputError, match="without classes of the data"):
        scored.evaluate(codes, real, "class_agreement")
    assert scored.evaluate(scored.sampler(), real, "class_agreement")["class_agreement"] > 0.9


def test_classes_of_given_images_are_taken_by_their_names(real):
    """Folders of some classes only, or in another order, number them in their own way."""
    shown = scored.pictures(200, seed=5)
    expected = scored.evaluate(shown, real, "class_agreement")["class_agreement"]
    order = ("ring", "bar", "dot")
    numbers = np.array([order.index(name) for name in scored.NAMES])
    other = Images(shown.x, numbers[shown.y], order, "shown")
    assert scored.evaluate(other, real, "class_agreement")["class_agreement"] == expected > 0.9
    rings = Images(shown.x[shown.y == 2], np.zeros(np.sum(shown.y == 2), int), ("ring",), "rings")
    assert scored.evaluate(rings, real, "class_agreement")["class_agreement"] > 0.9
    by_number = Images(shown.x, shown.y, None, "shown")
    assert scored.evaluate(by_number, real, "class_agreement")["class_agreement"] == expected
    with pytest.raises(InputError, match="give them those names, or numbers alone"):
        scored.evaluate(Images(shown.x, shown.y, ("a", "bar", "c"), "shown"), real, "class_agreement")


def test_probabilities_are_known_by_their_numbers(real):
    """A softmax may be a layer's activation or an operation."""
    logits = scored.classifier()
    as_operation = keras.Model(logits.input, keras.ops.softmax(logits.output))
    expected = scored.evaluate(scored.sampler(), real, "inception_score")["inception_score"]
    assert expected > 2
    for model in (as_operation, scored.classifier(softmax=True)):
        judge = metrics.Extractor(model, "features")
        found = scored.evaluate(scored.sampler(), real, "inception_score", extractor=judge)["inception_score"]
        assert found == pytest.approx(expected, rel=1e-4)


def test_the_classifier_is_trained_in_float32_whatever_the_users_policy():
    x, y = scored.pictures(64).x, scored.pictures(64).y
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = classifiers.fit(x, y, 3, steps=1, width=2)
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")
    assert {layer.dtype_policy.name for layer in model.layers} == {"float32"}


def test_an_extractor_that_gives_nan_is_refused(real):
    model = scored.classifier()
    model.get_layer("features").bias.assign(np.full(8, np.nan))
    with pytest.raises(InputError, match="extractor 'templates' gave NaN or infinity"):
        scored.evaluate(scored.sampler(), real, extractor=model)


def test_constant_images_are_scored_with_a_warning(real, others):
    for constant in (np.zeros_like(others.x), np.repeat(others.x[:1], 400, axis=0)):
        with scored.warned("all 50 generated images are equal"):
            found = scored.evaluate(constant, real, ("fid", "kid", "precision_recall"))
        assert "all 50 generated images are equal" in found.protocol.notes[0]
        assert found["fid"] > 20 * scored.evaluate(others.x, real)["fid"] or found["recall"] < 0.1
    with scored.warned("all 50 real images are equal"):
        scored.evaluate(others.x, np.zeros_like(real.x))


def test_fewer_images_than_features_are_scored_with_a_warning(real):
    with scored.warned("fid is biased upwards: a covariance of 64 features from 50 images"):
        found = scored.evaluate(scored.sampler(), real, extractor=scored.classifier(width=64))
    assert "biased upwards" in str(found)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        scored.evaluate(scored.sampler(), real)


@pytest.mark.parametrize(("name", "least"), [("fid", 2), ("kid", 4), ("precision_recall", 4), ("inception_score", 10)])
def test_too_small_an_n_is_refused_by_name(real, name, least):
    with pytest.raises(InputError, match=f"'{name}' needs at least {least} images. Received: n={least - 1}"):
        scored.evaluate(scored.sampler(), real, name, n=least - 1)
    scored.evaluate(scored.sampler(), real, name, n=least, extractor=scored.classifier(width=1))


@pytest.mark.parametrize("n", [0, -1, 1.5, True])
def test_n_must_be_a_natural_number(real, n):
    with pytest.raises(InputError, match="n must be a whole number from 1 up"):
        scored.evaluate(scored.sampler(), real, n=n)


def test_what_cannot_be_scored_is_refused(real, others):
    sampler = scored.sampler()
    no_classes = metrics.Extractor(keras.Sequential([keras.Input(scored.SHAPE), keras.layers.Flatten()]))
    refused = [
        ((sampler, real, "fdi"), {}, "Unknown metric 'fdi'. Did you mean 'fid'"),
        ((sampler, real, ()), {}, "at least one metric"),
        ((sampler, None), {}, "nothing to score against"),
        ((sampler, real), {"seed": -1}, "seed must be a whole number from 0"),
        ((others.x.astype("float32"), real), {}, "Pictures must be uint8. Received: float32"),
        ((others.x[:, :4], real), {}, r"Generated images have shape \(4, 6, 1\), the data \(6, 6, 1\)"),
        ((["a"], real), {}, "Expected a Sampler, kerasgan.data.Images or a NumPy array"),
        ((sampler, Images(np.zeros((9, 2), "float32"))), {}, "Expected uint8 pictures of one shape"),
        ((sampler, real), {"extractor": "incepton_v3"}, "Unknown extractor 'incepton_v3'. Did you mean 'inception_v3'"),
        ((sampler, real), {"extractor": "nowhere.keras"}, "No file 'nowhere.keras'"),
        ((sampler, real), {"layer": "featurs"}, "Unknown layer of 'templates' 'featurs'. Did you mean 'features'"),
        ((sampler, real), {"layer": "image"}, r"Features must be \(n, d\). The output of 'image' has shape"),
        ((scored.sampler(conditional=False), real, "class_agreement"), {}, "which class each image was asked to show"),
        ((others.x, real, "class_agreement"), {}, "which class each image was asked to show"),
        ((sampler, real.x, "class_agreement"), {}, "needs labelled data"),
        ((sampler, real, "mode_coverage"), {"extractor": no_classes}, "needs an extractor with classes"),
        ((sampler, Images(real.x, real.y, (*"abcd",)), "mode_coverage"), {}, "classifier of the data's 4 classes"),
    ]
    for args, options, message in refused:
        with pytest.raises(InputError, match=message):
            scored.evaluate(*args, **options)


def test_inception_without_weights_says_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"No weights file 'nowhere.h5'"):
        metrics.inception_v3("nowhere.h5")
    with pytest.raises(InputError, match=r"weights file goes with the extractor 'inception_v3'. Received: 'mnist'"):
        extractors.get("mnist", weights="nowhere.h5")


@pytest.mark.slow
def test_inception_takes_a_local_file(tmp_path):
    keras.utils.set_random_seed(0)
    path = tmp_path / "inception.weights.h5"
    keras.applications.InceptionV3(weights=None, classifier_activation=None).save_weights(path)
    extractor = metrics.inception_v3(path)
    images = kg.data.load("digits").x[:4]
    features, probabilities = extractor(images)
    assert (features.shape, probabilities.shape) == ((4, 2048), (4, 1000))
    assert extractor.resize(images.shape[1:]).startswith("28x28x1 -> 299x299x3")
    assert (extractor.layer, extractor.value_range, extractor.num_classes(1)) == ("avg_pool", (-1.0, 1.0), 1000)
    (tmp_path / "bad.weights.h5").write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match="does not hold the weights of the whole inception_v3"):
        metrics.inception_v3(tmp_path / "bad.weights.h5")


@pytest.mark.parametrize("name", ["digits", "mnist", "cifar10"])
def test_the_classifier_called_like_the_data_is_the_default(name):
    if name not in classifiers.names():
        pytest.skip(f"the classifier {name!r} is not in the package")
    channels = classifiers.record(name)["image_shape"][2]
    extractor = extractors.get(None, data_name=name, channels=channels)
    assert (extractor.name, extractor.file_sha256) == (name, classifiers.record(name)["sha256"])
    if channels == 1:
        assert extractors.get(None, data_name=f"stacked_{name}", channels=3).num_classes(3) == 1000

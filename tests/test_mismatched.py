"""`mismatched`: real samples with wrong labels among what the discriminator learns to refuse."""

import keras
import numpy as np
import pytest
import tiny

import kerasgan as kg
from kerasgan import checkpoint


def softplus(x):
    return np.mean(np.logaddexp(0.0, x))


def stubbed(gan, real_logit=3.0, fake_logit=-1.0, wrong_logit=0.5):
    """`gan` with a D that knows real samples (all 1) from fakes and whether a label is 1; and the labels it saw."""
    shown = []

    def judge(samples, condition, training=True):
        labels = keras.ops.convert_to_numpy(condition)
        shown.append(labels)
        if float(keras.ops.mean(samples)) < 1.0:
            return keras.ops.full((len(labels), 1), fake_logit)
        return keras.ops.array(np.where(labels == 1, real_logit, wrong_logit)[:, None].astype("float32"))

    gan.judge = judge
    return shown


def non_saturating(real, fake):
    return softplus(-real) + softplus(fake)


def hinge(real, fake):
    return max(0.0, 1.0 - real) + max(0.0, 1.0 + fake)


def relativistic(real, fake):
    return softplus(fake - real)


@pytest.mark.parametrize("loss", [non_saturating, hinge, relativistic])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.2])
def test_the_loss_is_that_against_fakes_and_against_wrong_labels(share, loss):
    gan = tiny.gan(num_classes=4, mismatched=share, compile_options={"loss": loss.__name__})
    stubbed(gan)
    real, fake = keras.ops.ones((6, *tiny.SHAPE)), keras.ops.zeros((6, *tiny.SHAPE))
    value, report = gan.discriminator_loss(real, fake, keras.ops.ones((6,), "int32"))
    assert float(value) == pytest.approx((1 - share) * loss(3.0, -1.0) + share * loss(3.0, 0.5), rel=1e-5)
    assert (float(report["d_real_accuracy"]), float(report["d_fake_accuracy"])) == (1.0, 1.0)


@pytest.mark.parametrize(("wrong_logit", "refused"), [(0.5, 0.0), (-0.5, 1.0)])
def test_how_often_wrong_labels_are_refused_is_reported(wrong_logit, refused):
    gan = tiny.gan(num_classes=4, mismatched=0.5)
    stubbed(gan, wrong_logit=wrong_logit)
    real = keras.ops.ones((6, *tiny.SHAPE))
    _, report = gan.discriminator_loss(real, 0.0 * real, keras.ops.ones((6,), "int32"))
    assert float(report["d_mismatched_accuracy"]) == refused
    names = [[metric.name for metric in tiny.gan(num_classes=4, mismatched=share).metrics] for share in (0.5, 0.0)]
    assert ["d_mismatched_accuracy" in them for them in names] == [True, False]


def test_wrong_labels_are_all_the_others_alike_and_never_the_right_one():
    gan = tiny.gan(num_classes=4, mismatched=0.5)
    shown = stubbed(gan)
    real = keras.ops.ones((3000, *tiny.SHAPE))
    right = np.arange(3000, dtype="int32") % 4
    gan.discriminator_loss(real, 0.0 * real, keras.ops.array(right))
    wrong = shown[0][3000:]
    shift = np.bincount((wrong - right) % 4, minlength=4)
    assert shift[0] == 0 and wrong.min() == 0 and wrong.max() == 3
    np.testing.assert_allclose(shift[1:] / 3000, 1 / 3, atol=0.04)  # more than four standard deviations


@pytest.mark.parametrize(("share", "every"), [(0.8, 1), (0.5, 1), (0.3, 2), (0.2, 4), (0.01, 99)])
def test_every_kth_sample_is_shown_again_under_a_wrong_label_and_compared_with_itself(share, every):
    gan = tiny.gan(num_classes=4, mismatched=share, compile_options={"loss": "relativistic"})
    seen = []
    judge = gan.judge

    def noted(samples, labels):
        logits = judge(samples, labels)
        seen.append([keras.ops.convert_to_numpy(x) for x in (samples, labels, logits)])
        return logits

    gan.judge = noted
    real, fake = np.random.default_rng(0).normal(size=(2, 10, *tiny.SHAPE)).astype("float32")
    label = np.arange(10, dtype="int32") % 4
    value, _ = gan.discriminator_loss(*(keras.ops.array(x) for x in (real, fake, label)))
    (samples, labels, logits), (_, _, of_fakes) = seen
    np.testing.assert_array_equal(samples, np.concatenate([real, real[::every]]))
    np.testing.assert_array_equal(labels[:10], label)
    assert len(labels) == len(samples) and (labels[10:] != label[::every]).all()
    of_real, of_wrong = logits[:10], logits[10:]
    wanted = (1 - share) * softplus(of_fakes - of_real) + share * softplus(of_wrong - of_real[::every])
    assert float(value) == pytest.approx(wanted, rel=1e-5)


def test_d_learns_to_refuse_wrong_labels_where_fakes_alone_do_not_teach_it():
    """Bright and dark pictures, and fakes that are neither: a bright one under the label of the dark passes as real."""
    label = np.tile([0, 1], 64).astype("int32")
    noise = np.random.default_rng(0).integers(0, 25, (128, *tiny.SHAPE))
    x = (np.where(label == 1, 200, 20)[:, None, None, None] + noise).astype("uint8")
    resting = {"g_optimizer": {"name": "sgd", "learning_rate": 0.0}}

    def bright_called_dark(share):
        gan = tiny.gan(num_classes=2, mismatched=share, compile_options=resting)
        gan.fit(x, label, batch_size=16, epochs=6, verbose=0)
        bright = gan.scaled(x[label == 1])
        return float(keras.ops.mean(gan.judge(bright, keras.ops.zeros((64,), "int32"))))

    assert bright_called_dark(0.0) > 0.0 > bright_called_dark(0.5)


def test_a_training_goes_on_with_its_own_share_only_and_from_checkpoints_older_than_the_setting(tmp_path):
    def fit(epochs, **options):
        gan = tiny.gan(num_classes=3, **options)
        callbacks = [kg.callbacks.Checkpoint(tmp_path)]
        gan.fit(*tiny.batch(16, 3), batch_size=8, epochs=epochs, verbose=0, callbacks=callbacks)
        return gan.step_count

    def check_another_share_is_refused():
        with pytest.raises(kg.InputError, match=r"mismatched: 0\.0 -> 0\.5"):
            fit(2, mismatched=0.5)

    fit(1)
    check_another_share_is_refused()
    values, meta = checkpoint.read_newest(tmp_path)
    del meta["settings"]["mismatched"]
    checkpoint.write(tmp_path, values, meta)
    check_another_share_is_refused()
    assert fit(2) == 4


def test_it_is_saved(tmp_path):
    tiny.gan(num_classes=3, mismatched=0.25).save(tmp_path / "gan.keras")
    assert keras.models.load_model(tmp_path / "gan.keras").mismatched == 0.25


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_classes": 3, "mismatched": 1.0}, "at least 0 and below 1. Received: 1.0"),
        ({"num_classes": 3, "mismatched": -0.1}, "Received: -0.1"),
        ({"mismatched": 0.5}, r"1 input\(s\), and 0 class"),
        ({"num_classes": 1, "mismatched": 0.5}, r"2 input\(s\), and 1 class"),
    ],
)
def test_what_it_refuses(options, message):
    with pytest.raises(kg.InputError, match=message):
        tiny.gan(**options)


@pytest.mark.parametrize("num_classes", [0, 1])
def test_a_recipe_hands_it_on_and_drops_it_for_data_without_two_classes(num_classes):
    recipe = kg.zoo.show("cdcgan_digits").replace(mismatched=0.4)
    assert kg.zoo.build(recipe).mismatched == 0.4
    assert kg.zoo.build(recipe, num_classes=num_classes).mismatched == 0.0
    assert recipe.for_images((8, 8, 1), num_classes).mismatched == 0.0


@pytest.mark.parametrize(("name", "share"), [("dcgan_digits", 0.5), ("cdcgan_digits", 1.0), ("cdcgan_digits", -0.1)])
def test_a_recipe_that_nothing_can_be_trained_by_is_refused(name, share):
    with pytest.raises(kg.InputError, match=f"two classes or more. Received: {share}"):
        kg.zoo.show(name).replace(mismatched=share)

import subprocess
import sys

import numpy as np
import pytest

from kerasgan import data
from kerasgan.data import Images
from kerasgan.errors import InputError


def pictures(n=20, shape=(8, 8, 3)):
    return np.random.default_rng(0).integers(0, 256, (n, *shape), np.uint8)


def test_images_describe_themselves():
    images = Images(pictures(), np.arange(20) % 3, ["cat", "dog", "owl"], "pets")
    assert (len(images), images.image_shape, images.num_classes) == (20, (8, 8, 3), 3)
    assert images.y.dtype == np.int32
    assert repr(images) == "Images('pets': 20 of 8 x 8 x 3 uint8, 3 classes)"
    assert repr(Images(pictures())) == "Images('arrays': 20 of 8 x 8 x 3 uint8, no labels)"


def test_class_names_default_to_numbers_and_are_empty_without_labels():
    assert Images(pictures(), [2] * 20).class_names == ("0", "1", "2")
    assert Images(pictures()).class_names == ()


def test_labels_of_one_column_are_taken():
    assert Images(pictures(), np.ones((20, 1), "uint8")).y.shape == (20,)


def test_float_data_of_any_shape_stay_as_they_are():
    x = np.random.default_rng(0).normal(size=(9, 2)).astype("float32")
    images = Images(x)
    assert images.image_shape == (2,)
    assert images.x is x


@pytest.mark.parametrize(
    ("x", "y", "names", "message"),
    [
        (pictures(), [0] * 19, None, r"one whole number per image, shape \(20,\). Received shape \(19,\)"),
        (pictures(), np.eye(20), None, r"Received shape \(20, 20\). One-hot labels become"),
        (pictures(), np.zeros(20), None, "whole numbers. Received dtype float64"),
        (pictures(), [0] * 19 + [3], ["a", "b"], "between 0 and 1.*from 0 to 3.*at index 19"),
        (pictures(), [-1] * 20, ["a", "b"], "between 0 and 1.*from -1 to -1.*at index 0"),
        (pictures(), [-1] * 20, None, "count the classes from 0 upwards. Received labels from -1 to -1"),
        (pictures(), [10**9] * 20, None, "count the classes from 0 upwards"),
        (pictures(), None, ["a"], "class_names need labels y"),
        (pictures(0), None, None, r"empty: x has shape \(0, 8, 8, 3\)"),
        (pictures()[0], None, None, r"must have shape \(n, height, width, channels\). Received: \(8, 8, 3\)"),
        (pictures().astype("float64"), None, None, "Received: float64"),
        (np.zeros(5, "float32"), None, None, r"Received: float32 \(5,\)"),
        ([[1.0]], None, None, "must be a NumPy array. Received: list"),
        (np.float32([[0, 1], [np.nan, 1], [np.inf, 1]]), None, None, "infinity in 2 of 3 items, the first at index 1"),
    ],
)
def test_bad_arrays_are_refused_in_one_line(x, y, names, message):
    with pytest.raises(InputError, match=message) as caught:
        Images(x, y, names)
    assert "\n" not in str(caught.value)


def test_fingerprint_changes_with_whatever_a_run_depends_on():
    x, y = pictures(), np.arange(20) % 2
    same = Images(x.copy(), y.copy()).fingerprint
    changed = x.copy()
    changed[7, 3, 3, 1] ^= 1
    others = {
        Images(x).fingerprint,
        Images(changed, y).fingerprint,
        Images(x, 1 - y).fingerprint,
        Images(x, y, ["a", "b"]).fingerprint,
        Images(x.reshape(20, 4, 16, 3), y).fingerprint,
    }
    assert Images(x, y).fingerprint == same
    assert len(others) == 5
    assert same not in others


def test_fingerprint_of_a_large_set_is_that_of_its_memory_map(tmp_path, monkeypatch):
    monkeypatch.setattr("kerasgan.data.images.FINGERPRINT_BYTES", 100)
    np.save(tmp_path / "x.npy", pictures())
    mapped = Images(np.load(tmp_path / "x.npy", mmap_mode="r"))
    assert mapped.memory_mapped
    assert mapped.fingerprint == Images(pictures()).fingerprint


def test_resized_changes_size_and_channels():
    grey = Images(np.full((3, 8, 8, 1), 200, np.uint8), [0, 1, 2], ["a", "b", "c"], "flat")
    rgba = grey.resized((12, 20, 4))
    assert rgba.x.shape == (3, 12, 20, 4)
    assert (rgba.x[..., :3] == 200).all()
    assert (rgba.x[..., 3] == 255).all()
    assert (list(rgba.y), rgba.class_names, rgba.name) == ([0, 1, 2], ("a", "b", "c"), "flat")
    assert (rgba.resized((8, 8, 1)).x == 200).all()
    assert grey.resized((8, 8, 1)) is grey


def test_resized_averages_instead_of_picking_pixels():
    chequered = np.indices((64, 64)).sum(0) % 2 * 255
    small = Images(chequered.astype(np.uint8)[None, :, :, None]).resized((8, 8, 1))
    assert np.abs(small.x.astype(int) - 127).max() <= 3


def test_rgb_becomes_grey_by_its_luminance():
    green = np.zeros((1, 4, 4, 3), np.uint8)
    green[..., 1] = 255
    assert (Images(green).resized((4, 4, 1)).x == 150).all()  # 0.587 * 255


@pytest.mark.parametrize("shape", [(8,), (8, 8, 2), (0, 8, 1), (8.0, 8, 1)])
def test_resized_refuses_an_impossible_shape(shape):
    with pytest.raises(InputError, match=r"image_shape must be .height, width, channels"):
        Images(pictures()).resized(shape)


def test_data_of_that_shape_already_stay_whatever_they_are():
    images = Images(np.zeros((3, 4, 5, 2), "uint8"))
    assert images.resized((4, 5, 2)) is images
    assert images.resized([4, 5]) is images


def test_only_pictures_can_be_resized():
    with pytest.raises(InputError, match=r"Only uint8 pictures .* Received: float32"):
        Images(np.zeros((2, 8), "float32")).resized((8, 8, 1))


class TestFromArrays:
    def test_uint8_is_taken_as_it_is(self):
        x = pictures()
        assert data.from_arrays(x).x is x

    def test_grey_pictures_get_a_channel_axis(self):
        assert data.from_arrays(pictures(5, (6, 7))).image_shape == (6, 7, 1)

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "uint16"])
    def test_value_range_maps_to_bytes(self, dtype):
        low, high = (0, 16) if "int" in dtype else (-1, 1)
        x = np.linspace(low, high, 5).astype(dtype).reshape(5, 1, 1, 1)
        assert list(data.from_arrays(x, value_range=(low, high)).x.ravel()) == [0, 64, 128, 191, 255]

    def test_value_range_also_stretches_uint8(self):
        x = np.array([0, 16], np.uint8).reshape(2, 1, 1, 1)
        assert list(data.from_arrays(x, value_range=(0, 16)).x.ravel()) == [0, 255]

    def test_a_rounding_error_outside_the_range_is_clipped(self):
        x = np.float32([-1.00001, 1.00001]).reshape(2, 1, 1, 1)
        assert list(data.from_arrays(x, value_range=(-1, 1)).x.ravel()) == [0, 255]

    def test_image_shape_resizes(self):
        assert data.from_arrays(pictures(), image_shape=(16, 12, 1)).image_shape == (16, 12, 1)

    @pytest.mark.parametrize(
        ("x", "options", "message"),
        [
            (np.float32([[[0.25]], [[3]]]), {}, "float32 need value_range=.* found lie between 0.25 and 3"),
            (np.float32([[[0.25]], [[3]]]), {"value_range": (0, 1)}, r"\(0, 1\). Received values between 0.25 and 3"),
            (np.float32([[[0]], [[np.nan]]]), {"value_range": (0, 1)}, "NaN or infinity in 1 of 2 items.*index 1"),
            (np.float32([[[0]]]), {"value_range": (1, 0)}, "must be .lowest, highest"),
            (np.array([[["a"]]]), {}, "Pictures must be numbers"),
            (np.zeros((4, 3)), {}, r"Received: \(4, 3\). For data that are no pictures use Images"),
            (pictures(4, (3, 8, 8)), {}, r"Channels come last.* Use np.moveaxis"),
            (np.zeros((0, 8, 8, 1)), {}, "The data set is empty"),
        ],
    )
    def test_bad_values_are_refused(self, x, options, message):
        with pytest.raises(InputError, match=message):
            data.from_arrays(x, **options)


class TestDigits:
    def test_splits_share_nothing_and_make_up_the_whole(self):
        train, test, everything = (data.load("digits", split=s) for s in ("train", "test", "all"))
        assert (len(train), len(test), len(everything)) == (1500, 297, 1797)
        assert sorted(map(bytes, np.concatenate([train.x, test.x]))) == sorted(map(bytes, everything.x))

    def test_they_are_digits_of_every_class_in_the_full_range(self):
        images = data.load("digits", split="test")
        assert images.image_shape == (28, 28, 1)
        assert images.class_names == tuple("0123456789")
        assert np.bincount(images.y).min() >= 20
        assert (images.x.min(), images.x.max()) == (0, 255)

    def test_original_values_at_the_original_size(self):
        from sklearn.datasets import load_digits

        images = data.load("digits", split="all", image_shape=(8, 8, 1))
        original = load_digits()
        assert np.abs(images.x[..., 0] / 255 * 16 - original.images).max() < 0.04
        assert (images.y == original.target).all()

    def test_unknown_split(self):
        with pytest.raises(InputError, match=r"'digits' has the splits train, test, all. Received: 'valid'"):
            data.load("digits", split="valid")


def run_python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_data_imports_nothing_heavy():
    heavy = "{'keras', 'tensorflow', 'tensorflow_datasets', 'jax', 'torch', 'sklearn', 'PIL', 'tqdm', 'matplotlib'}"
    assert run_python(f"import sys, kerasgan.data; print(sorted({heavy} & set(sys.modules)))") == "[]"


def test_without_tensorflow_everything_but_its_data_sets_works(tmp_path):
    from PIL import Image

    Image.new("RGB", (16, 16), "red").save(tmp_path / "red.png")
    np.savez(tmp_path / "x.npz", x=pictures())
    code = f"""
import sys
sys.modules["tensorflow"] = sys.modules["tensorflow_datasets"] = None  # import now raises ImportError
import numpy as np
from kerasgan import data
print(len(data.from_arrays(np.zeros((2, 8, 8), "uint8"))), len(data.open(r"{tmp_path}")),
      len(data.open(r"{tmp_path}/x.npz")), len(data.open("digits")))
try:
    data.load("mnist")
except ValueError as error:
    print(error)
"""
    out = run_python(code)
    assert out.startswith("2 1 20 1500\nData sets other than 'digits' are read by tensorflow-datasets")
    assert "pip install tensorflow tensorflow-datasets" in out


def test_repeated_shows_every_picture_equally_often():
    images = Images(np.arange(3 * 4, dtype="uint8").reshape(3, 2, 2, 1), [0, 1, 1])
    thrice = images.repeated(3)
    assert len(thrice) == 9
    np.testing.assert_array_equal(thrice.x, np.concatenate([images.x] * 3))
    np.testing.assert_array_equal(thrice.y, [0, 1, 1] * 3)


def test_height_and_width_alone_keep_the_channels():
    images = Images(np.zeros((3, 8, 8, 4), "uint8"))
    assert images.resized((4, 6)).image_shape == (4, 6, 4)

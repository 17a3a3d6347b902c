import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kerasgan import data
from kerasgan.errors import InputError
from kerasgan.metrics import parts

SHARED = Path(__file__).parents[2] / "shared"
PREPARED = Path(os.environ.get("TFDS_DATA_DIR") or SHARED / "tensorflow_datasets")


def grey(n, value=0):
    return np.full((n, 8, 8), value, np.uint8)


class TestNpz:
    def test_splits(self, tmp_path):
        path = tmp_path / "set.npz"
        np.savez(path, x_train=grey(4, 1), y_train=[0, 1, 2, 1], x_test=grey(2, 9), y_test=[2, 0])
        train, test, everything = (data.from_npz(path, split=s) for s in ("train", "test", "all"))
        assert repr(train) == "Images('set': 4 of 8 x 8 x 1 uint8, 3 classes)"
        assert (test.x == 9).all()
        assert test.y.tolist() == [2, 0]
        assert everything.x[:, 0, 0, 0].tolist() == [1, 1, 1, 1, 9, 9]
        assert everything.y.tolist() == [0, 1, 2, 1, 2, 0]

    @pytest.mark.parametrize("split", ["train", "all"])
    def test_a_file_without_splits(self, tmp_path, split):
        np.savez(tmp_path / "x.npz", x=grey(3))
        assert len(data.from_npz(tmp_path / "x.npz", split=split)) == 3

    def test_floats_and_sizes(self, tmp_path):
        np.savez(tmp_path / "x.npz", x=np.ones((2, 8, 8, 1), "float32"))
        images = data.from_npz(tmp_path / "x.npz", value_range=(-1, 1), image_shape=(16, 16, 3))
        assert images.image_shape == (16, 16, 3)
        assert (images.x == 255).all()
        with pytest.raises(InputError, match=r"need value_range"):
            data.from_npz(tmp_path / "x.npz")

    def packed(self, path, colors, **changes):
        files = []
        for color in colors:
            file = io.BytesIO()
            Image.new("RGB", (8, 8), (color, 0, 0)).save(file, "JPEG")
            files.append(file.getvalue())
        arrays = {
            "jpeg_train": np.frombuffer(b"".join(files), np.uint8),
            "size_train": np.array([len(file) for file in files], np.int32),
            "y_train": np.arange(len(files)),
        }
        np.savez(path, **{**arrays, **changes})
        return arrays

    def test_packed_pictures(self, tmp_path):
        self.packed(tmp_path / "x.npz", [10, 100, 200])
        images = data.from_npz(tmp_path / "x.npz")
        assert images.image_shape == (8, 8, 3)
        assert np.abs(images.x[:, 0, 0, 0].astype(int) - [10, 100, 200]).max() <= 2
        assert images.y.tolist() == [0, 1, 2]

    def test_packed_pictures_stream(self, tmp_path, monkeypatch):
        monkeypatch.setenv("KERASGAN_CACHE", str(tmp_path / "cache"))
        self.packed(tmp_path / "x.npz", [10, 100])
        images = data.from_npz(tmp_path / "x.npz", memory_limit=0)
        assert images.memory_mapped
        assert (images.x == data.from_npz(tmp_path / "x.npz").x).all()

    def test_damaged_packed_pictures(self, tmp_path):
        arrays = self.packed(tmp_path / "x.npz", [10, 100], size_train=np.array([5]))
        with pytest.raises(InputError, match=r"bytes of each picture in size_train"):
            data.from_npz(tmp_path / "x.npz")
        broken = arrays["jpeg_train"].copy()
        broken[arrays["size_train"][0] :] = 0
        self.packed(tmp_path / "x.npz", [10, 100], jpeg_train=broken)
        with pytest.raises(InputError, match=r"The picture 1 of .*x\.npz cannot be read"):
            data.from_npz(tmp_path / "x.npz")
        with pytest.warns(UserWarning, match="Skipped 1 corrupt"):
            images = data.open(tmp_path / "x.npz", on_corrupt="skip")
        assert images.y.tolist() == [0] and len(images) == 1
        with pytest.raises(InputError, match="on_corrupt must be"):
            data.from_npz(tmp_path / "x.npz", on_corrupt="leave out")

    def test_missing_keys_are_answered_by_those_there(self, tmp_path):
        np.savez(tmp_path / "x.npz", images=grey(3), labels=[1])
        with pytest.raises(InputError, match=r"keys x_train and y_train, or x and y. .*there are: images, labels"):
            data.from_npz(tmp_path / "x.npz")
        np.savez(tmp_path / "x.npz", x=grey(3))
        with pytest.raises(InputError, match=r"Expected the keys x_test and y_test. .*there are: x."):
            data.from_npz(tmp_path / "x.npz", split="test")

    def test_damaged_files(self, tmp_path):
        path = tmp_path / "x.npz"
        with pytest.raises(InputError, match=r"No file .*x\.npz"):
            data.from_npz(path)
        np.savez_compressed(path, x=np.random.default_rng(0).integers(0, 255, (30, 8, 8), np.uint8))
        whole = path.read_bytes()
        for content in (b"", b"text", whole[:500], whole[:300] + b"damage" + whole[306:]):
            path.write_bytes(content)
            with pytest.raises(InputError, match=r"x\.npz' is damaged or no \.npz"):
                data.from_npz(path)
        with path.open("wb") as file:
            np.save(file, grey(3))
        with pytest.raises(InputError, match=r"is damaged or no \.npz"):
            data.from_npz(path)

    def test_pickles_are_never_loaded(self, tmp_path):
        np.savez(tmp_path / "x.npz", x=np.array([Path()], dtype=object))
        with pytest.raises(InputError, match=r"damaged or no .npz file of plain arrays .*allow_pickle"):
            data.from_npz(tmp_path / "x.npz")

    def test_unknown_split(self, tmp_path):
        with pytest.raises(InputError, match=r"split must be one of train, test, all. Received: 'valid'"):
            data.from_npz(tmp_path / "x.npz", split="valid")


class TestOpen:
    def test_folder_archive_and_name(self, tmp_path):
        Image.new("RGB", (16, 16), "red").save(tmp_path / "a.png")
        np.savez(tmp_path / "x.npz", x=grey(3))
        assert len(data.open(tmp_path)) == 1
        assert data.open(str(tmp_path), (32, 32, 1), fit="pad").image_shape == (32, 32, 1)
        assert len(data.open(str(tmp_path / "x.npz"))) == 3
        assert len(data.open("digits", split="test")) == 297

    @pytest.mark.parametrize("source", ["nowhere/x.npz", "./nowhere", "/nowhere", "~/nowhere", Path("nowhere")])
    def test_a_path_that_is_not_there(self, source):
        with pytest.raises(InputError, match=r"No folder and no file at .*folder of pict.* \.npz file, or the name"):
            data.open(source)

    def test_a_file_of_another_kind(self, tmp_path):
        (tmp_path / "faces.zip").touch()
        with pytest.raises(InputError, match=r"faces\.zip' is no \.npz. Expected a folder of pict.* \.npz file, or"):
            data.open(tmp_path / "faces.zip")


@pytest.fixture
def tfds(monkeypatch, tmp_path):
    """tensorflow-datasets with an empty data folder and one small image set, generated when it is prepared."""
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
    tfds = pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is not installed")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.setenv("KERASGAN_CACHE", str(tmp_path / "cache"))
    return tfds


@pytest.fixture
def mixed_sizes(tfds):
    class MixedSizes(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            return self.dataset_info_from_configs(
                features=tfds.features.FeaturesDict(
                    {
                        "mask": tfds.features.Image(shape=(None, None, 1)),
                        "picture": tfds.features.Image(),
                        "kind": tfds.features.ClassLabel(names=["dark", "light"]),
                        "note": tfds.features.Text(),
                    }
                ),
                supervised_keys=("picture", "kind"),
            )

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for i in range(10):
                size = (20 + i, 30, 3)
                yield (
                    i,
                    {
                        "picture": np.full(size, 200 * (i % 2) + 10, np.uint8),
                        "mask": np.zeros((5, 5, 1), np.uint8),
                        "kind": i % 2,
                        "note": "x",
                    },
                )

    yield "mixed_sizes"
    tfds.core.registered._DATASET_REGISTRY.pop("mixed_sizes")


class TestTensorFlowDatasets:
    @pytest.mark.parametrize("limit", [2**31, 0])
    def test_a_set_is_prepared_and_its_features_found_by_type(self, mixed_sizes, limit, capsys):
        images = data.load(mixed_sizes, image_shape=(16, 16, 3), memory_limit=limit)
        assert (len(images), images.class_names, images.name) == (10, ("dark", "light"), "mixed_sizes")
        assert images.memory_mapped == (limit == 0)
        assert (images.x[:, 8, 8, 0] == 200 * images.y + 10).all()
        assert images.y.sum() == 5
        out = capsys.readouterr()
        assert out.out == ""
        assert out.err.count("Downloading 'mixed_sizes' to ") == 1

    def test_mixed_sizes_need_a_shape(self, mixed_sizes):
        with pytest.raises(InputError, match=r"'mixed_sizes' have many sizes: give image_shape"):
            data.load(mixed_sizes)

    def test_splits(self, mixed_sizes):
        assert len(data.load(f"{mixed_sizes}:1.0.0", split="train[:30%]", image_shape=(16, 16, 1))) == 3
        with pytest.raises(InputError, match=r"has no split 'test'. Its splits are: train; parts"):
            data.load(mixed_sizes, split="test", image_shape=(16, 16, 1))
        with pytest.raises(InputError, match=r"The split 'train.:0%.' of 'mixed_sizes' is empty"):
            data.load(mixed_sizes, split="train[:0%]", image_shape=(16, 16, 1))

    def test_a_failed_download(self, tfds, monkeypatch):
        def offline(*_, **__):
            raise ConnectionError("Name or service\nnot known.")

        monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", offline)
        with pytest.raises(InputError) as caught:
            data.load("fashion_mnist")
        assert "could not be downloaded: ConnectionError: Name or service not known." in str(caught.value)
        assert "TFDS_DATA_DIR" in str(caught.value)

    def test_unknown_names_get_close_matches(self, tfds):
        with pytest.raises(InputError, match=r"Unknown data set 'mnst'. Did you mean 'mnist' or"):
            data.load("mnst")
        with pytest.raises(InputError, match=r"Unknown data set 'digit'. Did you mean 'digits'"):
            data.load("digit")
        with pytest.raises(InputError, match=r"No folder and no .npz file 'mnst', and as .* Did you mean 'mnist'"):
            data.open("mnst")

    def test_a_name_of_the_zoos_data_is_never_a_folder(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Path("digits").mkdir()
        Image.new("L", (9, 9)).save("digits/one.png")
        assert len(data.open("digits")) == len(data.open("digits", on_corrupt="skip")) == 1500
        assert len(data.open("./digits")) == len(data.open(Path("digits"))) == 1
        train, test = parts.open_parts("digits", None, None, {})
        assert (len(train), len(test)) == (1500, 297)
        train, test = parts.open_parts("./digits", None, None, {})
        assert (len(train), test) == (1, None)

    def test_versions_and_configurations_that_are_not_there(self, tfds):
        with pytest.raises(InputError, match=r"cannot open 'mnist:9.9.9': .*only: 3.0.1"):
            data.load("mnist:9.9.9")
        with pytest.raises(InputError, match=r"cannot open 'mnist/abc'"):
            data.load("mnist/abc")

    def test_sets_without_pictures(self, tfds):
        with pytest.raises(InputError, match=r"'imdb_reviews' has no 8-bit pictures; its features are: text, label"):
            data.load("imdb_reviews")


class TestRealSets:
    @pytest.fixture
    def prepared(self, tfds, monkeypatch, request):
        if not (PREPARED / request.param).is_dir():
            pytest.skip(f"no {request.param} in {PREPARED}: set TFDS_DATA_DIR")
        monkeypatch.setenv("TFDS_DATA_DIR", str(PREPARED))
        return request.param

    def arrays(self, name):
        if not (SHARED / "data" / name).is_file():
            pytest.skip(f"no {name} in {SHARED / 'data'}")
        return SHARED / "data" / name

    @pytest.mark.parametrize("prepared", ["mnist"], indirect=True)
    def test_mnist_equals_the_arrays_but_for_the_order(self, prepared):
        images = data.load(prepared, split="test")
        assert repr(images) == "Images('mnist': 10,000 of 28 x 28 x 1 uint8, 10 classes)"
        assert pairs(images) == pairs(data.from_npz(self.arrays("mnist.npz"), split="test"))

    @pytest.mark.parametrize("prepared", ["cifar10"], indirect=True)
    def test_cifar10_looks_like_the_packed_pictures(self, prepared, tmp_path):
        """TensorFlow decodes JPEG by a faster transform than Pillow: the same pictures, but not to the last bit."""
        with np.load(self.arrays("cifar10_jpeg.npz")) as arrays:
            sizes, labels = arrays["size_test"][:20], arrays["y_test"][:20]
            np.savez(tmp_path / "x.npz", jpeg=arrays["jpeg_test"][: sizes.sum()], size=sizes, y=labels)
        images = data.load(prepared, split="test")
        assert repr(images) == "Images('cifar10': 10,000 of 32 x 32 x 3 uint8, 10 classes)"
        assert images.class_names[:3] == ("airplane", "automobile", "bird")
        packed = data.from_npz(tmp_path / "x.npz")
        for picture, label in zip(packed.x, packed.y, strict=True):
            candidates = images.x[images.y == label].astype(np.int16)
            assert np.abs(candidates - picture).mean((1, 2, 3)).min() < 2


def pairs(images):
    return sorted((picture.tobytes(), int(label)) for picture, label in zip(images.x, images.y, strict=True))

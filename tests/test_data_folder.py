import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from kerasgan import data
from kerasgan.errors import InputError


def save(path, color, size=(32, 32), mode="RGB", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, color).save(path, **options)
    return path


def halves(width, height, first, second):
    """A picture whose left half has one colour and the right half another."""
    image = Image.new("RGB", (width, height), first)
    image.paste(second, (width // 2, 0, width, height))
    return image


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "data"


class TestLayout:
    def test_sub_folders_are_classes_in_sorted_order(self, tmp_path):
        save(tmp_path / "pets/dog/1.png", "red")
        save(tmp_path / "pets/cat/2.png", "lime")
        save(tmp_path / "pets/cat/deep/3.png", "blue")
        images = data.from_directory(tmp_path / "pets")
        assert images.class_names == ("cat", "dog")
        assert images.y.tolist() == [0, 0, 1]
        assert images.x[:, 0, 0].tolist() == [[0, 255, 0], [0, 0, 255], [255, 0, 0]]
        assert images.name == "pets"

    @pytest.mark.parametrize("where", ["", "all/"])
    def test_a_flat_folder_or_a_single_sub_folder_has_no_labels(self, tmp_path, where):
        save(tmp_path / f"{where}1.png", "red")
        save(tmp_path / f"{where}2.png", "red")
        images = data.from_directory(tmp_path)
        assert (len(images), images.y, images.class_names) == (2, None, ())

    def test_hidden_and_other_files_are_ignored(self, tmp_path):
        save(tmp_path / "1.png", "red")
        save(tmp_path / ".2.png", "red")
        save(tmp_path / ".thumbnails/3.png", "red")
        (tmp_path / "notes.txt").write_text("no picture")
        (tmp_path / "empty").mkdir()
        assert len(data.from_directory(tmp_path)) == 1

    def test_pictures_beside_classes_are_refused(self, tmp_path):
        save(tmp_path / "stray.png", "red")
        save(tmp_path / "cat/1.png", "red")
        with pytest.raises(InputError, match=r"holds 1 picture.* beside class folders, the first is 'stray.png'.* cat"):
            data.from_directory(tmp_path)

    def test_empty_and_missing_folders(self, tmp_path):
        with pytest.raises(InputError, match=r"No pictures in .*\. Looked for \.png, \.jpg, .* in its sub-folders"):
            data.from_directory(tmp_path)
        with pytest.raises(InputError, match=r"No folder '.*nowhere'"):
            data.from_directory(tmp_path / "nowhere")

    def test_unknown_options(self, tmp_path):
        with pytest.raises(InputError, match=r"fit must be one of crop, pad, stretch. Received: 'zoom'"):
            data.from_directory(tmp_path, fit="zoom")
        with pytest.raises(InputError, match=r'on_corrupt must be "raise" or "skip". Received: 1'):
            data.from_directory(tmp_path, on_corrupt=1)


class TestFormats:
    @pytest.mark.parametrize("suffix", ["png", "PNG", "jpg", "jpeg", "webp", "bmp", "gif"])
    def test_every_format_gives_its_colour(self, tmp_path, suffix):
        save(tmp_path / f"a.{suffix}", (200, 100, 50))
        images = data.from_directory(tmp_path, image_shape=(16, 16, 3))
        assert np.abs(images.x.astype(int) - [200, 100, 50]).max() <= 4

    def test_grey(self, tmp_path):
        save(tmp_path / "a.png", 77, mode="L")
        images = data.from_directory(tmp_path)
        assert images.image_shape == (32, 32, 1)
        assert (images.x == 77).all()

    def test_one_bit(self, tmp_path):
        save(tmp_path / "a.png", 1, mode="1")
        assert (data.from_directory(tmp_path).x == 255).all()

    def test_sixteen_bit_grey_keeps_its_levels(self, tmp_path):
        levels = np.linspace(0, 65535, 32).astype(np.uint16)
        Image.fromarray(np.tile(levels, (32, 1))).save(tmp_path / "a.png")
        images = data.from_directory(tmp_path)
        assert images.image_shape == (32, 32, 1)
        assert np.abs(images.x[0, 0, :, 0] - np.linspace(0, 255, 32)).max() <= 1

    def test_palette(self, tmp_path):
        halves(32, 32, "red", "blue").convert("P").save(tmp_path / "a.png")
        images = data.from_directory(tmp_path)
        assert images.x[0, 0, [0, 31]].tolist() == [[255, 0, 0], [0, 0, 255]]

    def test_palette_with_transparency(self, tmp_path):
        image = Image.new("P", (32, 32), 0)
        image.putpalette([255, 0, 0, 0, 0, 255])
        image.paste(1, (16, 0, 32, 32))
        image.save(tmp_path / "a.png", transparency=0)
        images = data.from_directory(tmp_path)
        assert images.image_shape == (32, 32, 4)
        assert images.x[0, 0, 0, 3] == 0
        assert images.x[0, 0, 31].tolist() == [0, 0, 255, 255]

    def test_cmyk(self, tmp_path):
        save(tmp_path / "a.jpg", (0, 255, 255, 0), mode="CMYK")  # magenta and yellow ink: red
        assert np.abs(data.from_directory(tmp_path).x.astype(int) - [255, 0, 0]).max() <= 4
        grey = data.from_directory(tmp_path, image_shape=(32, 32, 1))
        assert np.abs(grey.x.astype(int) - 76).max() <= 3

    def test_alpha_is_kept_in_rgba(self, tmp_path):
        save(tmp_path / "a.png", (10, 20, 30, 40), mode="RGBA")
        save(tmp_path / "b.png", (1, 2, 3))
        images = data.from_directory(tmp_path)
        assert images.image_shape == (32, 32, 4)
        assert images.x[0, 5, 5].tolist() == [10, 20, 30, 40]
        assert images.x[1, 5, 5].tolist() == [1, 2, 3, 255]

    def test_transparency_is_laid_on_white_where_alpha_is_lost(self, tmp_path):
        save(tmp_path / "a.png", (0, 0, 0, 0), mode="RGBA")
        assert (data.from_directory(tmp_path, image_shape=(32, 32, 3)).x == 255).all()
        assert (data.from_directory(tmp_path, image_shape=(32, 32, 1)).x == 255).all()

    def test_colours_do_not_bleed_out_of_transparent_pixels(self, tmp_path):
        image = Image.new("RGBA", (32, 32), (255, 0, 0, 0))
        image.paste((0, 0, 255, 255), (0, 0, 16, 32))
        image.save(tmp_path / "a.png")
        small = data.from_directory(tmp_path, image_shape=(5, 5, 4)).x[0]
        assert small[small[..., 3] > 0][:, 0].max() <= 1

    def test_a_picture_on_its_side_is_turned(self, tmp_path):
        exif = Image.Exif()
        exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright: left becomes top
        halves(64, 32, "red", "blue").save(tmp_path / "a.png", exif=exif)
        images = data.from_directory(tmp_path)
        assert images.image_shape == (64, 32, 3)
        assert images.x[0, 0, 0].tolist() == [255, 0, 0]
        assert images.x[0, 63, 0].tolist() == [0, 0, 255]

    def test_an_animation_gives_its_first_frame(self, tmp_path):
        frames = [Image.new("RGB", (32, 32), c) for c in ("red", "blue")]
        frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
        assert data.from_directory(tmp_path).x[0, 0, 0].tolist() == [255, 0, 0]

    def test_a_large_photograph_decoded_at_reduced_size_looks_the_same(self, tmp_path):
        ramp = np.tile(np.linspace(0, 255, 1024).astype(np.uint8)[:, None, None], (1, 800, 3))
        Image.fromarray(ramp).save(tmp_path / "a.jpg", quality=95)
        rows = data.from_directory(tmp_path, image_shape=(64, 50, 3)).x[0].mean((1, 2))
        assert np.abs(rows - np.linspace(2, 253, 64)).max() < 2


class TestSize:
    def test_crop_keeps_the_middle(self, tmp_path):
        image = Image.new("RGB", (96, 32), "red")
        image.paste("lime", (32, 0, 64, 32))
        image.save(tmp_path / "a.png")
        images = data.from_directory(tmp_path, image_shape=(32, 32, 3))
        assert (images.x == [0, 255, 0]).all()

    def test_pad_keeps_everything(self, tmp_path):
        save(tmp_path / "a.png", "white", size=(64, 32))
        x = data.from_directory(tmp_path, image_shape=(32, 32, 3), fit="pad").x[0]
        assert (x[:8] == 0).all()
        assert (x[8:24] == 255).all()
        assert (x[24:] == 0).all()
        assert data.from_directory(tmp_path, image_shape=(32, 32, 4), fit="pad").x[0, 0, 0].tolist() == [0, 0, 0, 0]

    def test_stretch_fills_everything(self, tmp_path):
        halves(64, 16, "red", "blue").save(tmp_path / "a.png")
        x = data.from_directory(tmp_path, image_shape=(32, 32, 3), fit="stretch").x[0]
        assert (x[:, :14] == [255, 0, 0]).all()
        assert (x[:, 18:] == [0, 0, 255]).all()

    @pytest.mark.parametrize(
        ("sizes", "shape"),
        [
            ([(28, 28), (28, 28)], (28, 28, 3)),
            ([(24, 40)], (40, 24, 3)),
            ([(30, 30)], (16, 16, 3)),
            ([(100, 50), (300, 200)], (48, 48, 3)),
            ([(640, 480)], (64, 64, 3)),
            ([(9, 9), (20, 30)], (16, 16, 3)),
        ],
    )
    def test_a_shape_is_chosen_where_none_is_given(self, tmp_path, sizes, shape):
        for i, size in enumerate(sizes):
            save(tmp_path / f"{i}.png", "red", size=size)
        assert data.from_directory(tmp_path).image_shape == shape


class TestCorrupt:
    @pytest.fixture
    def folder(self, tmp_path):
        for name in ("a/1.png", "a/2.png", "b/3.jpg", "b/4.png"):
            save(tmp_path / "set" / name, "red")
        whole = (tmp_path / "set/b/3.jpg").read_bytes()
        (tmp_path / "set/b/3.jpg").write_bytes(whole[: len(whole) // 2])
        (tmp_path / "set/a/1.png").write_text("not a picture")
        return tmp_path / "set"

    @pytest.mark.parametrize("shape", [None, (16, 16, 3)])
    def test_the_first_damaged_picture_is_named(self, folder, shape):
        with pytest.raises(InputError, match=r'picture .*1\.png cannot be read .*on_corrupt="skip"'):
            data.from_directory(folder, image_shape=shape)

    @pytest.mark.parametrize("limit", [2**31, 0])
    def test_damaged_pictures_are_skipped_with_their_labels_and_named(self, folder, cache, limit):
        for _ in range(2):  # the second call reads the cache, and still warns
            with pytest.warns(UserWarning, match=r"Skipped 2 corrupt picture\(s\): .*1\.png, .*3\.jpg") as caught:
                images = data.from_directory(folder, on_corrupt="skip", memory_limit=limit)
            assert caught[0].filename == __file__
            assert images.y.tolist() == [0, 1]
            assert (images.x == [255, 0, 0]).all()

    @pytest.mark.parametrize("shape", [None, (16, 16, 3)])
    def test_nothing_readable(self, tmp_path, shape):
        (tmp_path / "a.png").write_text("not a picture")
        with pytest.raises(InputError, match=r"None of the 1 pictures can be read; the first is .*a\.png"):
            data.from_directory(tmp_path, image_shape=shape, on_corrupt="skip")


def test_many_pictures_come_in_order(tmp_path):
    for i in range(200):
        save(tmp_path / f"{i:03}.png", i, size=(16, 16), mode="L")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        images = data.from_directory(tmp_path)
    assert images.x[:, 0, 0, 0].tolist() == list(range(200))


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    save(Path(tmp_path) / "faces/1.png", "red")
    assert data.from_directory("~/faces").name == "faces"


class TestOrientation:
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_all_eight_are_turned_as_pillow_turns_them(self, tmp_path, orientation):
        pixels = np.random.default_rng(0).integers(0, 256, (16, 24, 3)).astype("uint8")
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
        with Image.open(tmp_path / "a.png") as opened:
            expected = np.asarray(ImageOps.exif_transpose(opened))
        images = data.from_directory(tmp_path, image_shape=expected.shape)
        np.testing.assert_array_equal(images.x[0], expected)

    @pytest.mark.parametrize("block", [b"no TIFF header at all", b"II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\x02\0\0\0six\0"])
    def test_a_damaged_block_beside_a_sound_picture_says_nothing(self, tmp_path, block):
        Image.new("RGB", (16, 24), "red").save(tmp_path / "a.jpg", exif=b"Exif\0\0" + block, dpi=(72, 72))
        images = data.from_directory(tmp_path)
        assert images.image_shape[:2] == (24, 16) and images.x[0, 0, 0, 0] > 200

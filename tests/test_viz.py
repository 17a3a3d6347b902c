"""Grids and animations, read back pixel by pixel."""

import numpy as np
import pytest
from PIL import Image

from kerasgan import viz
from kerasgan.errors import InputError


def images(n, height=3, width=4, channels=3):
    return np.random.default_rng(0).integers(0, 255, (n, height, width, channels), "uint8")


def frames(n, size=(8, 6)):
    return [Image.new("RGB", size, (30 * i, 255 - 30 * i, 7)) for i in range(n)]


def sheet(x, columns, gap):
    """The grid, put together from whole rows of white and of images."""
    height, width, channels = x.shape[1:]
    blank = np.full((1, height, width, channels), 255, "uint8")
    x = np.concatenate([x] + [blank] * (-len(x) % columns))
    between_columns = np.full((height, gap, channels), 255, "uint8")
    rows = []
    for start in range(0, len(x), columns):
        row = [x[start]]
        for image in x[start + 1 : start + columns]:
            row += [between_columns, image]
        rows.append(np.concatenate(row, axis=1))
        rows.append(np.full((gap, rows[0].shape[1], channels), 255, "uint8"))
    return np.concatenate(rows[:-1])


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(("n", "columns", "gap"), [(6, 3, 1), (5, 2, 2), (4, 2, 0), (1, 1, 3), (2, 5, 1), (3, 1, 1)])
def test_a_grid_lays_images_out_in_rows(n, columns, gap, channels):
    x = images(n, channels=channels)
    np.testing.assert_array_equal(viz.grid(x, columns, gap), sheet(x, columns, gap))


@pytest.mark.parametrize(("n", "columns"), [(1, 1), (2, 2), (4, 2), (5, 3), (9, 3), (10, 4), (64, 8)])
def test_a_grid_is_as_square_as_it_can_be(n, columns):
    np.testing.assert_array_equal(viz.grid(images(n)), sheet(images(n), columns, 1))


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((0, 3, 4, 1), "uint8"),
        np.zeros((3, 4, 1), "uint8"),
        np.zeros((2, 3, 4, 1), "float32"),
        np.zeros((2, 3, 4, 1), "int64"),
    ],
)
def test_what_are_no_uint8_images_is_refused(bad):
    with pytest.raises(InputError, match=r"Expected images uint8 \(n, height, width, channels\), n > 0. Received "):
        viz.grid(bad)


@pytest.mark.parametrize("scale", [1, 3])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_saved_grid_reads_back_equal(tmp_path, channels, scale):
    x = images(5, channels=channels)
    path = viz.save_grid(x, tmp_path / "new folder" / "grid.png", columns=2, scale=scale)
    assert path == tmp_path / "new folder" / "grid.png"
    with Image.open(path) as picture:
        assert picture.mode == {1: "L", 3: "RGB", 4: "RGBA"}[channels]
        pixels = np.asarray(picture).reshape(*picture.size[::-1], channels)
    np.testing.assert_array_equal(pixels, sheet(x, 2, 1).repeat(scale, axis=0).repeat(scale, axis=1))
    assert [p.name for p in path.parent.iterdir()] == ["grid.png"]


def test_two_channels_are_drawn_side_by_side(tmp_path):
    x = images(2, channels=2)
    with Image.open(viz.save_grid(x, tmp_path / "grid.png", columns=1)) as picture:
        expected = np.concatenate([x[..., :1], x[..., 1:]], axis=2)
        np.testing.assert_array_equal(np.asarray(picture), sheet(expected, 1, 1)[..., 0])
    with Image.open(viz.save_animation(x[None], tmp_path / "grid.gif", columns=1)) as picture:
        assert picture.size == (2 * x.shape[2], 2 * x.shape[1] + 1)


def test_a_picture_that_cannot_be_written_leaves_the_old_one(tmp_path):
    path = viz.save_grid(images(4), tmp_path / "grid.png")
    before = path.read_bytes()
    for name in ("grid.unknown", "grid", "grid.mp4"):
        with pytest.raises(InputError, match=r"Pillow knows. Received: 'grid"):
            viz.save_grid(images(4), tmp_path / name)
    with pytest.raises(InputError, match="at least 1 column"):
        viz.save_grid(images(4), path, columns=-3)
    with pytest.raises(InputError, match="scale must be at least 1"):
        viz.save_grid(images(4), path, scale=0)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["grid.png"]


def test_an_endless_animation_does_not_rest(tmp_path):
    x = np.stack([images(1), 255 - images(1)])
    for endless, last in ((True, 100), (False, 1500)):
        path = viz.save_animation(x, tmp_path / "walk.GIF", fps=10, endless=endless)
        with Image.open(path) as gif:
            gif.seek(1)
            assert (gif.format, gif.n_frames, gif.info["duration"]) == ("GIF", 2, last)


def test_an_animation_shows_every_frame_and_stays_on_the_last(tmp_path):
    given = frames(4)
    given[1].save(tmp_path / "second.png")
    mixed = [given[0], tmp_path / "second.png", given[2], given[3]]
    path = viz.save_gif(iter(mixed), tmp_path / "training.gif", seconds_per_frame=0.3)
    with Image.open(path) as gif:
        assert (gif.n_frames, gif.size, gif.info["loop"]) == (4, (8, 6), 0)
        durations = []
        for i, frame in enumerate(given):
            gif.seek(i)
            durations.append(gif.info["duration"])
            np.testing.assert_allclose(np.asarray(gif.convert("RGB"), int), np.asarray(frame, int), atol=3)
    assert durations == [300, 300, 300, 1500]


def test_equal_frames_keep_their_time(tmp_path):
    path = viz.save_gif(frames(1) * 3 + frames(2)[1:], tmp_path / "still.gif", seconds_per_frame=0.2)
    with Image.open(path) as gif:
        durations = []
        for i in range(gif.n_frames):
            gif.seek(i)
            durations.append(gif.info["duration"])
    assert (durations[-1], sum(durations)) == (1500, 600 + 1500)


def test_frames_stay_usable_after_an_animation(tmp_path):
    given = frames(2)
    viz.save_gif(given, tmp_path / "a.gif")
    assert given[0].getpixel((0, 0)) == (0, 255, 7)


def test_no_frames_make_no_animation(tmp_path):
    with pytest.raises(InputError, match="at least one frame"):
        viz.save_gif([], tmp_path / "empty.gif")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["x.mpg", "x.psd", "x.nothing", "x"])
def test_formats_that_can_only_be_read_are_refused(tmp_path, name):
    with pytest.raises(InputError, match="A picture is written as"):
        viz.save_grid(np.zeros((2, 4, 4, 1), "uint8"), tmp_path / name)
    assert not list(tmp_path.iterdir())

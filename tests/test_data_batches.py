import threading

import keras
import numpy as np
import pytest

from kerasgan.data import Images
from kerasgan.errors import InputError


def numbered(n=22, labels=True):
    x = np.zeros((n, 2, 2, 1), np.uint8)
    x[:, 0, 0, 0] = np.arange(n)
    return Images(x, np.arange(n) % 2 if labels else None, name="numbered")


def order(batches):
    return [int(v) for batch in batches for v in batch[0][:, 0, 0, 0]]


def test_an_epoch_is_a_permutation_that_drops_the_remainder():
    batches = numbered().batches(4, seed=1)
    assert batches.num_batches == 5
    assert len(set(order(batches))) == 20
    dropped = set()
    for batches.epoch in range(20):
        dropped |= set(range(22)) - set(order(batches))
    assert len(dropped) > 10


def test_the_whole_set_is_seen_when_batches_divide_it():
    assert sorted(order(numbered(20).batches(4))) == list(range(20))


def test_order_depends_on_seed_and_epoch_and_nothing_else():
    first, again, other = (numbered().batches(4, seed=s) for s in (1, 1, 2))
    again.epoch = 5
    order(again)
    assert order(again) != order(first)
    again.epoch = 0
    assert order(again) == order(first)
    assert order(other) != order(first)
    assert [x.tolist() for x, _ in [first[3], first[0]]] == [again[3][0].tolist(), again[0][0].tolist()]


def test_images_keep_their_labels_and_stay_bytes():
    x, y = numbered().batches(4)[2]
    assert (x.dtype, x.shape, y.dtype, y.shape) == (np.uint8, (4, 2, 2, 1), np.int32, (4,))
    assert (x[:, 0, 0, 0] % 2 == y).all()
    assert len(numbered(labels=False).batches(4)[2]) == 1


def test_without_shuffling_the_order_is_that_of_the_data():
    batches = numbered().batches(4, shuffle=False)
    batches.epoch = 3
    assert order(batches) == list(range(20))


def test_start_goes_on_in_the_middle_of_an_epoch():
    whole, rest = numbered().batches(4, seed=3), numbered().batches(4, seed=3)
    whole.epoch = rest.epoch = 7
    rest.start = 3
    assert rest.num_batches == 2
    assert order(rest) == order(whole)[12:]


def test_indices_outside_the_epoch_are_refused():
    batches = numbered().batches(4)
    batches.start = 3
    for index in (-1, 2):
        with pytest.raises(IndexError):
            batches[index]


@pytest.mark.parametrize(
    ("size", "message"),
    [(23, "batch_size 23 is larger than the data set: 'numbered' has 22 images"), (0, "at least 1. Received: 0")],
)
def test_impossible_batch_sizes(size, message):
    with pytest.raises(InputError, match=message):
        numbered().batches(size)


def test_a_reader_that_lags_an_epoch_behind_disturbs_nobody():
    """Two threads ask one object for batches while its epoch changes under them: each batch is of one of the epochs."""
    batches = numbered(200).batches(10, seed=1)
    allowed = set()
    for batches.epoch in range(4):
        allowed |= {x.tobytes() for x, _ in batches}
    wrong = []

    def read():
        wrong.extend(1 for _ in range(200) if batches[5][0].tobytes() not in allowed)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for step in range(2000):
        batches.epoch = step % 4
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_memory_map_gives_plain_arrays(tmp_path):
    np.save(tmp_path / "x.npy", numbered().x)
    (x,) = Images(np.load(tmp_path / "x.npy", mmap_mode="r")).batches(4)[0]
    assert type(x) is np.ndarray


def test_fit_consumes_batches_and_sees_each_image_once_an_epoch():
    seen = []

    class Recorder(keras.Model):
        def train_step(self, *args):
            seen.extend(int(v) for v in np.asarray(args[-1][0])[:, 0, 0, 0])
            return super().train_step(*args)

    image = keras.Input((2, 2, 1))
    model = Recorder(image, keras.layers.Dense(2)(keras.layers.Flatten()(image)))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    batches = numbered(20).batches(5, seed=2)

    def next_epoch(epoch, logs=None):
        batches.epoch = epoch

    model.fit(
        batches,
        epochs=2,
        verbose=0,
        shuffle=False,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=next_epoch)],
    )
    expected = []
    for batches.epoch in range(2):
        expected += order(batches)
    assert seen == expected
    assert seen[:20] != seen[20:]


def test_what_tensorflow_iterates_is_not_tuned_and_holds_the_same_batches():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("only TensorFlow's pipeline has a tuning thread to wait for")
    from kerasgan import backend

    batches = numbered().batches(4, seed=1)
    feed = backend.feed(batches)
    assert feed.options().autotune.enabled is False  # the end of a fit waited 5.1 seconds for it, now and then
    assert int(feed.cardinality()) == 5
    batches.epoch = 2
    assert order([v.numpy() for v in b] for b in feed) == order(batches)

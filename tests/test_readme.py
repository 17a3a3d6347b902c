"""README: its blocks of Python do what they say, its table holds the published scores."""

import re
from pathlib import Path

import numpy as np
import pytest
import tiny

import kerasgan as kg
from kerasgan import cards
from kerasgan.zoo import manifest

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


@pytest.mark.slow
def test_ten_lines_of_python(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(BLOCKS[0].replace("epochs=10", "epochs=1"), names)
    assert names["sevens"].shape == (16, 28, 28, 1)
    assert (tmp_path / "sevens.png").exists()
    assert (tmp_path / "digits.onnx").exists()
    again = kg.Sampler.load("digits.keras").generate(16, labels=7, seed=0)
    assert (again == names["sevens"]).all()


def test_networks_of_ones_own():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (128, *tiny.SHAPE), "uint8"), rng.integers(0, 3, 128)
    generator, discriminator = tiny.generator(num_classes=3), tiny.discriminator(num_classes=3)
    before = generator.get_weights()
    names = {"kg": kg, "my_generator": generator, "my_discriminator": discriminator, "x": x, "y": y}
    exec(BLOCKS[1].replace("epochs=50", "epochs=2"), names)
    assert int(names["gan"].steps) == 4
    assert {"r1", "g_loss"} <= set(names["gan"].history.history)
    assert any((a != b).any() for a, b in zip(before, generator.get_weights(), strict=True))


def test_the_table_of_trained_generators_is_that_of_the_records():
    table = cards.summary(manifest.read(), "zoo")
    assert table in README.read_text(), f"the table of README should be:\n{table}"

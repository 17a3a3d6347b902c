"""README: its first block of Python does what it says, its table holds the published scores."""

import re
from pathlib import Path

import pytest

import kerasgan as kg
from kerasgan import cards
from kerasgan.zoo import manifest

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.slow
def test_ten_lines_of_python(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    block = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)[0]
    names = {}
    exec(block.replace("epochs=10", "epochs=1"), names)
    assert names["sevens"].shape == (16, 28, 28, 1)
    assert (tmp_path / "sevens.png").exists()
    assert (tmp_path / "digits.onnx").exists()
    again = kg.Sampler.load("digits.keras").generate(16, labels=7, seed=0)
    assert (again == names["sevens"]).all()


def test_the_table_of_trained_generators_is_that_of_the_records():
    table = cards.summary(manifest.read(), "zoo")
    assert table in README.read_text(), f"the table of README should be:\n{table}"

"""The notebooks as they lie there: outputs that belong to their code, and nothing of the machine that made them."""

import re
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

import kerasgan as kg

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import notebooks  # noqa: E402

PATHS = notebooks.notebooks()
NAMES = [
    "01_quickstart",
    "02_train_with_fit",
    "03_conditional",
    "04_your_own_pictures",
    "05_export",
    "06_when_it_fails",
]
MACHINE = re.compile(r"/tmp/|/home/|/root/|/Users/")


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook):
    return [output for cell in code(notebook) for output in cell.outputs]


def test_every_notebook_is_there():
    assert [path.stem for path in PATHS] == NAMES


def test_the_stored_outputs_belong_to_the_code(notebook):
    assert notebook.metadata["kerasgan"]["code_sha256"] == notebooks.code_sha256(notebook), (
        "the code was changed: run scripts/notebooks.py again"
    )
    counts = [cell.execution_count for cell in code(notebook)]
    assert counts == list(range(1, len(counts) + 1)), "run from top to bottom"


def test_it_says_first_what_the_reader_will_have_and_installs_what_it_needs(notebook):
    nbformat.validate(notebook)
    assert notebook.cells[0].source.startswith("# ")
    assert "At the end you will" in notebook.cells[0].source
    assert notebooks.installs(code(notebook)[0])


FIRST_CELL = code(nbformat.read(PATHS[0], as_version=4))[0].source


def test_all_install_alike(notebook):
    assert code(notebook)[0].source == FIRST_CELL


@pytest.mark.parametrize(
    ("installed", "there", "source"),
    [
        (False, ["kerasgan-0.1.0-py3-none-any.whl", "../pyproject.toml"], "kerasgan-0.1.0-py3-none-any.whl[notebooks]"),
        (False, ["../pyproject.toml"], "..[notebooks]"),
        (False, [], "kerasgan[notebooks]"),
        (True, ["../pyproject.toml"], None),
    ],
)
def test_the_first_cell_installs_what_is_at_hand(tmp_path, monkeypatch, installed, there, source):
    import importlib.util
    import subprocess

    (tmp_path / "colab").mkdir()
    monkeypatch.chdir(tmp_path / "colab")
    for name in there:
        Path(name).touch()
    asked = []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: installed or None)
    monkeypatch.setattr(subprocess, "run", lambda command: asked.append(command[1:]) or SimpleNamespace(returncode=0))
    exec(FIRST_CELL, {})
    assert asked == ([["-m", "pip", "install", "-q", source]] if source else [])
    monkeypatch.setattr(subprocess, "run", lambda command: SimpleNamespace(returncode=1))
    with pytest.raises(RuntimeError, match="Lay its wheel beside this notebook") if source else nullcontext():
        exec(FIRST_CELL, {})


def test_it_has_pictures_and_no_errors(notebook):
    kinds = {kind for output in outputs(notebook) for kind in output.get("data", {})}
    assert "image/png" in kinds
    errors = [output for output in outputs(notebook) if output.output_type == "error" or output.get("name") == "stderr"]
    assert not "".join(notebooks.MONITOR.sub("", error.get("text", "an error")) for error in errors)


def test_the_stored_outputs_are_of_the_zoo_as_it_is():
    """A new version of what a notebook draws with, or a new entry in its list, asks for a new run of it."""
    for name, entry in (("01", "dcgan_mnist"), ("05", "cdcgan_mnist")):
        (path,) = notebooks.notebooks([name])
        shown = "".join(output.get("text", "") for output in outputs(nbformat.read(path, as_version=4)))
        assert re.search(rf"^version +{kg.zoo.record(entry)['version']}$", shown, re.MULTILINE), f"run {name} again"
        if name == "01":
            assert "\n".join(kg.zoo.names(pretrained=True)) + "\n" in shown, "run 01 again"


def test_nothing_of_the_machine_is_stored(notebook):
    for output in outputs(notebook):
        data = output.get("data", {})
        for text in (output.get("text", ""), data.get("text/plain", ""), data.get("text/html", "")):
            assert not MACHINE.search(text)


def test_a_warning_or_an_error_in_a_cell_ends_the_run():
    from nbclient.exceptions import CellExecutionError

    def made_of(*cells):
        return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])

    sound = made_of("import warnings", "print(1 + 1)")
    notebooks.run(sound)
    assert sound.cells[1].outputs[0].text == "2\n"
    told = made_of("import sys; print('a machine\\nStep 1,050, collapse: seen', file=sys.stderr)", "print(2)")
    notebooks.run(told)
    assert told.cells[0].outputs[0].text == "Step 1,050, collapse: seen\n"
    where = made_of("import pathlib", "print(pathlib.Path('a.png').absolute())")
    notebooks.run(where)
    assert where.cells[1].outputs[0].text == "a.png\n"
    with pytest.raises(SystemExit, match="old and grey"):
        notebooks.run(made_of("import warnings", "warnings.warn('old and grey')"))
    with pytest.raises(SystemExit, match="WARNING:root:dusk"):
        notebooks.run(made_of("import logging", "logging.basicConfig(); logging.warning('dusk')"))
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        notebooks.run(made_of("1 / 0"))

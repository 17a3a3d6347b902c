"""The picture in CONTRIBUTING.md, kept: arrows point down, imports are lazy, the wheel holds every room."""

import ast
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from kerasgan.zoo import manifest

ROOT = Path(__file__).parents[1]

FOLDERS = {"kerasgan": "kerasgan", "zoo": "kerasgan.zoo", "export": "kerasgan.export"}
LEVELS = {
    0: {"errors", "files", "quiet"},
    1: {
        "augment",
        "backend",
        "cards",
        "charts",
        "checkpoint",
        "data",
        "jsonl",
        "layers",
        "losses",
        "penalties",
        "precision",
        "priors",
        "recipe",
        "storage",
        "viz",
    },
    2: {"gans", "callbacks", "sampler", "spec", "metrics", "walks"},
    3: {"zoo", "export", "report"},
    4: {"plan"},
    5: {"again", "runs", "verdict"},
    6: {"publish"},
    7: {"commands"},
    8: {"cli"},
    9: {"__main__"},
}
LEVEL = {room: level for level, rooms in LEVELS.items() for room in rooms}
PEERS = 2  # the only level whose rooms may import each other


def modules():
    for folder, package in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            name = ".".join((package, *(p for p in parts if p != "__init__")))
            if name != "kerasgan":
                yield name, path


def room(module):
    return module.split(".")[1]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("kerasgan"))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            if node.module == "kerasgan":
                yield from (f"kerasgan.{alias.name}" for alias in node.names)
            elif node.module and node.module.startswith("kerasgan."):
                yield node.module


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=lambda value: value if isinstance(value, str) else "")
def test_arrows_point_down(module, path):
    mine = room(module)
    for target in imported(path):
        theirs = room(target)
        level, other = LEVEL[mine], LEVEL[theirs]
        down = other < level and (level > 1 or other == 0)
        peers = level == other == PEERS
        assert mine == theirs or down or peers, f"{module} (level {level}) imports {target} (level {other})"


def test_files_stay_short():
    long = {name: n for name, path in modules() if (n := len(path.read_text().splitlines())) > 300}
    assert not long


def test_nothing_unpickles():
    """Pickles run what they hold: no module reads or writes one, and Keras' safe mode stays on."""
    found = []
    for name, path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
                found += [
                    (name, n) for n in names if n in {"pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
                ]
            elif isinstance(node, ast.keyword) and node.arg in {"allow_pickle", "safe_mode"}:
                safe = node.arg == "safe_mode"
                found += [(name, node.arg)] * (not isinstance(node.value, ast.Constant) or node.value.value is not safe)
            elif isinstance(node, ast.Attribute) and node.attr == "enable_unsafe_deserialization":
                found.append((name, node.attr))
    assert not found


def modules_after(code, **env):
    process = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **env},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(process.stdout.splitlines()[-1]))


def test_importing_costs_nothing():
    loaded = modules_after("import kerasgan, kerasgan.cli, kerasgan.zoo; kerasgan.zoo.names()")
    assert not loaded & {"keras", "tensorflow", "jax", "torch", "numpy", "PIL", "sklearn", "onnx", "matplotlib"}


def test_training_on_jax_needs_no_tensorflow():
    pytest.importorskip("jax", reason="jax is not installed")
    code = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("tensorflow", "tensorflow_datasets", "tf2onnx", "onnx"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
sys.path.insert(0, "tests/scripts")
import tiny
gan = tiny.gan()
gan.fit(*tiny.batch(16), batch_size=8, epochs=1, verbose=0)
assert int(gan.steps) == 2
assert gan.sampler().generate(3).shape == (3, 8, 8, 1)
"""
    assert "tensorflow" not in modules_after(code, KERAS_BACKEND="jax")


@pytest.mark.parametrize("order", ["import keras, kerasgan", "import kerasgan, keras"])
def test_saved_models_load_without_custom_objects(tmp_path, order):
    import tiny

    gan = tiny.gan()
    gan.save(tmp_path / "gan.keras")
    modules_after(f"{order}\nassert keras.models.load_model({str(tmp_path / 'gan.keras')!r}).latent_dim == 4")


def test_wheel_holds_every_module(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)],
        check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    expected = {
        f"{package.replace('.', '/')}/{path.relative_to(ROOT / folder)}"
        for folder, package in FOLDERS.items()
        for path in (ROOT / folder).rglob("*.py")
    }
    expected |= {
        f"kerasgan/export/{path.relative_to(ROOT / 'export')}"
        for path in (ROOT / "export" / "page").rglob("*")
        if path.is_file()
    }
    expected |= {
        f"kerasgan/metrics/weights/{path.name}" for path in (ROOT / "kerasgan" / "metrics" / "weights").iterdir()
    }
    assert expected <= names
    assert {f"kerasgan/zoo/weights/{record['file']}" for record in manifest.read()} <= names
    assert "kerasgan/py.typed" in names
    assert not [name for name in names if name.startswith(("zoo/", "export/", "tests/"))]

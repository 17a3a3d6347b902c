"""What several tests need."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

# JAX, in every process the tests start: compiling takes longer than all the rest of a tiny training.
os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "tests" / "scripts"


@pytest.fixture
def run_script():
    """Runs a script of tests/scripts in a new process, on a backend of choice; skips where that is not installed."""

    def run(name, *args, backend="tensorflow", env=None, timeout=240):
        pytest.importorskip(backend, reason=f"{backend} is not installed")
        process = subprocess.run(
            [sys.executable, str(SCRIPTS / name), *map(str, args)],
            env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "2", **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert process.returncode == 0, process.stderr[-3000:]
        return process.stdout

    return run


@pytest.fixture
def own_registry(monkeypatch):
    """Entries registered in a test are gone after it."""
    from kerasgan.zoo import registry

    monkeypatch.setattr(registry, "_RECIPES", dict(registry._RECIPES))
    monkeypatch.setattr(registry, "_FAMILIES", dict(registry._FAMILIES))
    monkeypatch.setattr(registry, "_FILES", {})


@pytest.fixture
def own_determinism(monkeypatch):
    """A training by `kerasgan.runs` in this process leaves TensorFlow as it was: XLA refuses its deterministic mode."""
    from kerasgan import runs

    monkeypatch.setattr(runs, "_make_deterministic", lambda: None)


@pytest.fixture(scope="session")
def real():
    import scored

    return scored.pictures(600, seed=100)


@pytest.fixture(scope="session")
def others():
    """Other pictures like `real`'s."""
    import scored

    return scored.pictures(400, seed=200)


@pytest.fixture(scope="session")
def extractor():
    import scored

    from kerasgan import metrics

    return metrics.Extractor(scored.classifier())


@pytest.fixture(scope="session")
def evaluator(real, others, extractor):
    import scored

    from kerasgan import metrics

    return metrics.Evaluator(real, scored.CHEAP, n=scored.N, extractor=extractor, held_out=others, progress=False)


@pytest.fixture(scope="session")
def perfect(evaluator):
    """Scores of pictures as good as real ones."""
    import scored

    return evaluator.score(scored.sampler())


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """A release folder with one small trained generator."""
    import released

    return released.make(tmp_path_factory.mktemp("release"))


@pytest.fixture
def installed(release, tmp_path, monkeypatch):
    """A package that knows that generator's record but does not ship the file, and an empty cache."""
    from kerasgan.zoo import manifest

    shutil.copy(release / "weights.json", tmp_path / "weights.json")
    monkeypatch.setattr(manifest, "FOLDER", tmp_path)
    monkeypatch.setenv("KERASGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "weights"


@pytest.fixture
def server(release, installed, monkeypatch):
    """A host of that release which fails as it is told to."""
    from faulty import Server

    server = Server(release)
    monkeypatch.setenv("KERASGAN_MIRROR", server.url)
    # Retries wait for seconds, which the tests need not.
    monkeypatch.setattr(time, "sleep", lambda seconds, sleep=time.sleep: sleep(min(seconds, 0.05)))
    yield server
    server.http.shutdown()
    server.http.server_close()

"""Every published generator draws its picture again, on every backend."""

import json
import subprocess
from pathlib import Path

import pytest

import kerasgan as kg
from kerasgan import again
from kerasgan.zoo import manifest


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_seed_0_gives_the_stored_picture(run_script, backend):
    found = json.loads(run_script("golden.py", backend=backend).splitlines()[-1])
    allowed = {record["file"]: record["golden"]["tolerance"] for record in manifest.read()}
    assert found.keys() == allowed.keys() and allowed
    assert not {file: found[file] for file in found if found[file] > allowed[file]}


def test_published_files_ship_and_stay_small():
    sizes = {
        record["file"]: (manifest.FOLDER / "weights" / record["file"]).stat().st_size for record in manifest.read()
    }
    assert all(size <= 3e6 for size in sizes.values()) and sum(sizes.values()) <= 25e6
    assert {record["file"]: record["bytes"] for record in manifest.read()} == sizes


def test_the_recorded_commits_are_in_this_history():
    root = Path(kg.__file__).parents[1]

    def git(*words):
        return subprocess.run(["git", "-C", root, *words], capture_output=True, text=True)

    if git("rev-parse", "--is-shallow-repository").stdout.strip() != "false":
        pytest.skip("no clone with its whole history")
    commits = {record["commit"] for record in manifest.read()}
    assert not {commit for commit in commits if git("merge-base", "--is-ancestor", commit, "HEAD").returncode}


def test_the_recorded_command_trains_the_recorded_recipe():
    """An entry's recipe may change after its weights were published; then their command has to say what differs.

    Of an older version the recorded commit has the recipe.
    """
    for record in {record["entry"]: record for record in manifest.read()}.values():
        assert record["command"] == again.command(kg.Recipe.from_dict(record["recipe"])), record["entry"]
        trained, now = kg.Recipe(**record["recipe"]).to_dict(), kg.zoo.show(record["entry"]).to_dict()
        differ = {field for field in now if trained[field] != now[field]}
        assert differ <= {"epochs", "batch_size", "seed", "precision"}, f"{record['entry']}: no option says {differ}"

"""Trained generators over a real HTTP server: whole and checked, or not there and an error that says what to do."""

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tiny
from released import FILE, nothing_is_kept, sha256
from tqdm import tqdm

import kerasgan as kg
from kerasgan.zoo import download, manifest, transfer


def test_downloaded_once_then_used_offline(server, installed):
    first = kg.zoo.load("tiny_noise").generate(3, seed=1)
    np.testing.assert_array_equal(first, tiny.gan().sampler().generate(3, seed=1))
    server.http.shutdown()
    server.http.server_close()
    np.testing.assert_array_equal(kg.zoo.load("tiny_noise", version=1).generate(3, seed=1), first)
    assert server.asked == 1
    assert [path.name for path in installed.iterdir()] == [FILE]


@pytest.mark.parametrize("fault", ["wrong", "truncated", "drip", "endless", 500, 503])
def test_a_fault_that_passes_is_retried(server, installed, fault, monkeypatch):
    monkeypatch.setattr(transfer, "SILENCE", 0.3)
    server.faults = [fault]
    assert kg.zoo.load("tiny_noise").spec.latent_dim == tiny.LATENT
    assert server.asked == 2


@pytest.mark.parametrize(
    "fault, message",
    [
        ("wrong", "SHA-256 differs"),
        ("truncated", "KERASGAN_MIRROR"),
        ("endless", "more than the [0-9,]+ bytes it should"),
        ("drip", "bytes in 0 seconds"),
        (404, "404"),
        (500, "500"),
    ],
)
def test_a_fault_that_stays_leaves_nothing_behind(server, installed, fault, message, monkeypatch):
    monkeypatch.setattr(transfer, "SILENCE", 0.3)
    server.faults = [fault] * 9
    with pytest.raises(kg.InputError, match=message):
        kg.zoo.load("tiny_noise")
    assert nothing_is_kept(installed)


def test_what_comes_packed_is_unpacked(server, installed):
    server.faults = ["gzip"]
    assert kg.zoo.load("tiny_noise").spec.latent_dim == tiny.LATENT
    assert server.asked == 1


@pytest.mark.parametrize("quiet", [False, True])
def test_no_more_is_taken_than_the_record_says(server, installed, monkeypatch, quiet):
    # As TQDM_DISABLE=1 does it, which is read at import; the progress bar counts nothing then.
    monkeypatch.setattr(tqdm, "__init__", functools.partialmethod(tqdm.__init__, disable=quiet))
    server.faults = ["endless"] * 3
    with pytest.raises(kg.InputError):
        kg.zoo.load("tiny_noise")
    assert server.poured < 3 * 2**22  # what was in flight


def test_the_cache_may_be_shared_and_what_was_killed_long_ago_is_swept_away(server, installed):
    installed.mkdir(parents=True)
    old, new, published = installed / "tmpold", installed / "tmpnew", installed / "tmp_pets-1.keras"
    for path in (old, new, published):
        path.write_bytes(b"half")
        os.utime(path, None if path is new else (1, 1))
    kg.zoo.load("tiny_noise")
    assert (installed / FILE).stat().st_mode & 0o777 == 0o644
    assert sorted(path.name for path in installed.iterdir()) == [FILE, published.name, new.name]


@pytest.mark.parametrize(
    "mirror",
    [
        "example.org/zoo", "/srv/zoo", "file:///srv/zoo", "http://", "http://[::1", "ftp://me:secret@host",
        "http://host/zoo?token=secret", "http://host/#zoo", "http://me:se/secret@host", "http://me:a secret@host",
        "me:secret@host/zoo", "http://host:0", "http://host:99999",
    ],
)  # fmt: skip
def test_a_mirror_that_is_no_address(installed, monkeypatch, mirror):
    monkeypatch.setenv("KERASGAN_MIRROR", mirror)
    with pytest.raises(kg.InputError, match="KERASGAN_MIRROR must be an http:// or https:// address") as raised:
        kg.zoo.load("tiny_noise")
    assert "secret" not in str(raised.value)


def test_a_mirror_as_it_was_pasted(server, monkeypatch):
    monkeypatch.setenv("KERASGAN_MIRROR", f" {server.url}/ \n")
    assert kg.zoo.load("tiny_noise").spec.latent_dim == tiny.LATENT


@pytest.mark.parametrize("mirror", ["http://a..b", f"http://{'a' * 70}.org", "http://me:secret@127.0.0.1:9"])
def test_a_mirror_nobody_answers_at(server, installed, monkeypatch, mirror):
    monkeypatch.setenv("KERASGAN_MIRROR", mirror)
    with pytest.raises(kg.InputError, match="Could not download") as raised:
        kg.zoo.load("tiny_noise")
    assert "secret" not in str(raised.value)


def test_a_server_that_is_gone(server, installed):
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(kg.InputError, match="Check the connection"):
        kg.zoo.load("tiny_noise")
    assert nothing_is_kept(installed)


def test_a_damaged_file_in_the_cache_is_fetched_again(server, installed):
    installed.mkdir(parents=True)
    (installed / FILE).write_bytes(b"half a file")
    kg.zoo.load("tiny_noise")
    assert sha256(installed / FILE) == manifest.find("tiny_noise")["sha256"]


def test_without_a_host(installed, monkeypatch):
    monkeypatch.delenv("KERASGAN_MIRROR", raising=False)
    with pytest.raises(kg.InputError, match="Set KERASGAN_MIRROR") as raised:
        kg.zoo.load("tiny_noise")
    assert "SHA-256" not in str(raised.value)
    installed.mkdir(parents=True)
    (installed / FILE).write_bytes(b"half a file")
    with pytest.raises(kg.InputError, match=rf"{FILE}' is not the published file by its SHA-256. .*KERASGAN_MIRROR"):
        kg.zoo.load("tiny_noise")


def test_a_cache_one_cannot_write_to(server, installed):
    installed.parent.parent.mkdir(exist_ok=True)
    installed.parent.write_text("a file where the folder should be")
    with pytest.raises(kg.InputError, match="Set KERASGAN_CACHE"):
        kg.zoo.load("tiny_noise")


@pytest.mark.parametrize("made", [os.mkdir, pytest.param(getattr(os, "mkfifo", None), id="mkfifo")])
def test_what_is_no_file_where_the_file_should_be(server, installed, made):
    if not made:
        pytest.skip("no pipes in this system's folders")
    installed.mkdir(parents=True)
    made(installed / FILE)
    with pytest.raises(kg.InputError, match=rf"{FILE}' is no file. Remove it"):
        kg.zoo.load("tiny_noise")


READ_ONLY = """
import os, pathlib, sys
from kerasgan.zoo import manifest, published
record = manifest.find("tiny_noise", release=sys.argv[1])
folder = manifest.FOLDER = pathlib.Path(sys.argv[2])
full, empty = folder / "full", folder / "empty"
os.environ["KERASGAN_CACHE"] = str(full)
published.fetch(record)
(empty / "weights").mkdir(parents=True)
for cache in (full, empty):
    (cache / "weights").chmod(0o555)
if os.geteuid() == 0:
    os.setuid(65534)  # root may write everywhere
print(published.fetch(record))
os.environ["KERASGAN_CACHE"] = str(empty)
try:
    print(published.fetch(record))
except ValueError as error:
    print(error)
"""


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are of another kind here")
def test_a_cache_that_may_only_be_read(server, release):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        run = [sys.executable, "-c", READ_ONLY, str(release), folder]
        used, refused = subprocess.run(run, check=True, capture_output=True, text=True).stdout.splitlines()
        for cache in Path(folder).iterdir():
            (cache / "weights").chmod(0o755)  # so that it can be removed
    assert used == str(Path(folder) / "full" / "weights" / FILE)
    assert "Set KERASGAN_CACHE" in refused
    assert server.asked == 1


def test_a_cache_in_nobodys_home(server, monkeypatch):
    monkeypatch.setenv("KERASGAN_CACHE", "~no-such-user/cache")
    with pytest.raises(kg.InputError, match="KERASGAN_CACHE must name a folder"):
        kg.zoo.load("tiny_noise")


def test_the_cache_folder_may_start_with_a_tilde(monkeypatch):
    monkeypatch.setenv("KERASGAN_CACHE", "~/kerasgan")
    assert download.cache_folder() == Path.home() / "kerasgan" / "weights"


def test_a_part_of_somebody_elses_download_is_no_reason_to_fail(server, installed, monkeypatch):
    installed.mkdir(parents=True)
    (installed / "tmpold").write_bytes(b"half")
    os.utime(installed / "tmpold", (1, 1))
    unlink = Path.unlink

    def not_mine(path, **options):
        if path.name == "tmpold":
            raise PermissionError("it is another user's")
        unlink(path, **options)

    monkeypatch.setattr(Path, "unlink", not_mine)
    assert kg.zoo.load("tiny_noise").spec.latent_dim == tiny.LATENT


PROCESS = """
import sys, pathlib
from kerasgan.zoo import manifest, published
print(published.fetch(manifest.find("tiny_noise", release=sys.argv[1])), flush=True)
"""


@contextlib.contextmanager
def process(release):
    with subprocess.Popen(
        [sys.executable, "-c", PROCESS, str(release)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as started:
        yield started


def test_killed_half_way_and_again(server, installed, release):
    server.faults = ["slow"]
    with process(release) as first:
        while not server.asked:
            time.sleep(0.02)
        first.kill()
    assert not (installed / FILE).exists()
    kg.zoo.load("tiny_noise")
    assert sha256(installed / FILE) == manifest.find("tiny_noise")["sha256"]


def test_two_processes_at_once(server, installed, release):
    server.faults = ["slow", "slow"]
    with process(release) as one, process(release) as two:
        paths = {Path(p.communicate()[0].strip()) for p in (one, two)}
    assert paths == {installed / FILE}
    assert server.asked == 2, "the second came too late to be at once"
    assert sha256(installed / FILE) == manifest.find("tiny_noise")["sha256"]


def test_a_file_that_ships_needs_no_network_and_is_checked(release, installed, monkeypatch):
    monkeypatch.delenv("KERASGAN_MIRROR", raising=False)
    shutil.copytree(release / "weights", manifest.FOLDER / "weights")
    kg.zoo.load("tiny_noise")
    with (manifest.FOLDER / "weights" / FILE).open("ab") as file:
        file.write(b"x")
    with pytest.raises(kg.InputError, match="Install the package again"):
        kg.zoo.load("tiny_noise")


def test_unknown_names_and_versions(installed):
    with pytest.raises(kg.InputError, match="Did you mean 'tiny_noise'"):
        kg.zoo.load("tiny_nose")
    with pytest.raises(kg.InputError, match="published in version 1"):
        kg.zoo.load("tiny_noise", version=2)


def test_a_layer_that_would_run_code_is_refused(server, installed, tmp_path):
    latent = keras.Input((4,))
    image = keras.layers.Reshape((2, 2, 1))(keras.layers.Lambda(lambda x: x)(latent))
    spec = kg.SampleSpec(latent_dim=4, image_shape=(2, 2, 1))
    path = kg.Sampler(keras.Model(latent, image), spec).save(tmp_path / "evil.keras")
    record = {"entry": "evil", "version": 1, "file": "evil-1.keras", "sha256": sha256(path)}
    server.pages["/weights.json"] = json.dumps({"published": [record]}).encode()
    server.pages["/weights/evil-1.keras"] = path.read_bytes()
    for load in (lambda: kg.Sampler.load(path), lambda: kg.zoo.load("evil", release=server.url)):
        with pytest.raises(kg.InputError, match="Lambda") as raised:
            load()
        assert "safe_mode" not in str(raised.value) and "unsafe" not in str(raised.value)


def test_names_know_what_is_published(installed):
    assert "dcgan_digits" in kg.zoo.names(pretrained=False)
    assert kg.zoo.names(pretrained=True) == []  # what is published here is no entry of the registry
    assert manifest.cache_folder() == installed

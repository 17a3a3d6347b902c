"""Releases that are not the package's: their list as the server has it now, else the copy kept, else an error."""

import json
import shutil
import threading
import time
import warnings

import numpy as np
import pooch
import pytest
import tiny
from released import FILE, nothing_is_kept

import kerasgan as kg
from kerasgan.zoo import manifest, transfer


def test_somebody_elses_release_by_its_address(server, installed, monkeypatch):
    """Its own weights.json counts, each release has a cache of its own, and both work offline."""
    manifest.write(manifest.FOLDER, [])
    monkeypatch.delenv("KERASGAN_MIRROR")
    expected = tiny.gan().sampler().generate(3, seed=1)
    assert kg.zoo.record("tiny_noise", release=server.url)["file"] == FILE
    np.testing.assert_array_equal(kg.zoo.load("tiny_noise", release=server.url).generate(3, seed=1), expected)
    server.http.shutdown()
    server.http.server_close()
    with pytest.warns(UserWarning, match="Using the copy of the last time"):
        again = kg.zoo.load("tiny_noise", release=server.url + "/")
    np.testing.assert_array_equal(again.generate(3, seed=1), expected)
    assert not installed.exists()
    with pytest.raises(kg.InputError, match="Check the connection and the address"):
        kg.zoo.load("tiny_noise", release=server.url + "/elsewhere")


def test_a_page_in_place_of_the_list(server, installed):
    """It is not kept; the copy of the last time is, and serves meanwhile."""
    server.faults = ["page"] * 3
    with pytest.raises(kg.InputError, match="is damaged or no list of published files"):
        kg.zoo.record("tiny_noise", release=server.url)
    assert server.asked == 3
    assert kg.zoo.record("tiny_noise", release=server.url)["version"] == 1
    for fault in ("page", 503):
        server.faults = [fault] * 3
        with pytest.warns(UserWarning, match="Using the copy of the last time"):
            assert kg.zoo.record("tiny_noise", release=server.url)["version"] == 1


@pytest.mark.parametrize("faults", [[500, 503], ["truncated", "page"], [429]])
@pytest.mark.parametrize("folder", ["", "/a b"])
def test_a_fault_that_passes_is_retried_for_the_list_too(server, installed, faults, folder):
    server.pages["/a%20b/weights.json"] = (server.folder / "weights.json").read_bytes()
    server.faults = list(faults)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert kg.zoo.record("tiny_noise", release=server.url + folder)["version"] == 1
    assert server.asked == 1 + len(faults)


def test_a_list_that_does_not_come_is_asked_for_once(server, installed, monkeypatch):
    monkeypatch.setattr(transfer, "SILENCE", 0.3)
    server.faults = ["drip"] * 3
    with pytest.raises(kg.InputError, match="Check the connection and the address"):
        kg.zoo.record("tiny_noise", release=server.url)
    assert server.asked == 1


@pytest.mark.parametrize("content", [b"\xff\xfe{", b'{"published": [', b"", None])
def test_a_copy_of_the_list_that_is_of_no_use_is_named(server, installed, content):
    kg.zoo.record("tiny_noise", release=server.url)
    copy = manifest.cache_folder(server.url) / "weights.json"
    if content is None:
        copy.unlink()
        copy.mkdir()
    else:
        copy.write_bytes(content)
    server.faults = [503] * 3
    with pytest.raises(kg.InputError, match=r"Could not read .*503.* The copy of the last time, .* is of no use"):
        kg.zoo.record("tiny_noise", release=server.url)
    if content is not None:
        assert kg.zoo.record("tiny_noise", release=server.url)["version"] == 1
        assert json.loads(copy.read_text())["published"]


def test_threads_that_read_one_list_do_not_hinder_each_other(server, installed):
    """Each keeps a copy under the same name."""
    threads = [
        threading.Thread(target=kg.zoo.record, args=["tiny_noise"], kwargs={"release": server.url}) for _ in range(30)
    ]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not said
    assert [path.name for path in manifest.cache_folder(server.url).iterdir()] == ["weights.json"]


def test_no_password_of_a_release_is_shown(server, installed, caplog):
    release = server.url.replace("//", "//me:secret@")
    server.faults = ["page"] * 3
    with pytest.raises(kg.InputError, match="is damaged") as raised:
        kg.zoo.record("tiny_noise", release=release)
    assert "secret" not in str(raised.value)
    pooch.get_logger().addHandler(caplog.handler)
    kg.zoo.load("tiny_noise", release=release)
    pooch.get_logger().removeHandler(caplog.handler)
    assert server.url in caplog.text and "secret" not in caplog.text


def test_somebody_elses_list_is_read_where_no_copy_can_be_kept(server, installed):
    installed.parent.write_text("a file where the folder should be")
    with pytest.warns(UserWarning, match="Without a copy for use offline.*KERASGAN_CACHE"):
        assert kg.zoo.record("tiny_noise", release=server.url)["version"] == 1


@pytest.mark.parametrize("name", ["../evil.keras", "/etc/x.keras", "a/b.keras"])
def test_an_unsafe_file_name_in_somebody_elses_list_is_never_asked_for(server, installed, name):
    record = {"entry": "e", "version": 1, "file": name, "sha256": "0" * 64}
    server.pages["/weights.json"] = json.dumps({"published": [record]}).encode()
    with pytest.raises(kg.InputError, match="unsafe file"):
        kg.zoo.load("e", release=server.url)
    assert server.asked == 3  # for the list alone: another may come
    assert nothing_is_kept(installed.parent)


def test_what_a_release_by_its_address_does_not_give(server, installed):
    """Another mirror would not be asked, so that the error does not speak of one."""
    kg.zoo.record("tiny_noise", release=server.url)
    for fault in (404, "wrong"):
        server.faults = [None, *[fault] * 3]
        with pytest.raises(kg.InputError, match="ask whoever publishes the release") as raised:
            kg.zoo.load("tiny_noise", release=server.url)
        assert "KERASGAN_MIRROR" not in str(raised.value)


def test_a_server_that_asks_to_come_again_tomorrow_is_not_waited_for(server, installed, monkeypatch):
    kg.zoo.record("tiny_noise", release=server.url)
    waits = []
    monkeypatch.setattr(time, "sleep", waits.append)
    server.faults = ["tomorrow"] * 3
    with pytest.warns(UserWarning, match="Using the copy of the last time"):
        kg.zoo.record("tiny_noise", release=server.url)
    assert server.asked == 4 and sum(waits) < 5


def test_a_release_in_a_folder(release, installed):
    manifest.write(manifest.FOLDER, [])
    assert kg.zoo.load("tiny_noise", release=release).spec.latent_dim == tiny.LATENT
    with pytest.raises(kg.InputError, match="expected a folder that `kerasgan zoo pack` wrote"):
        kg.zoo.load("tiny_noise", release=installed)
    shutil.copytree(release, installed)
    (installed / "weights" / FILE).write_bytes(b"other")
    with pytest.raises(kg.InputError, match="Pack the release again"):
        kg.zoo.load("tiny_noise", release=installed)
    (installed / "weights.json").unlink()
    (installed / "weights.json").mkdir()
    for folder in (installed, installed / ("a" * 300)):
        with pytest.raises(kg.InputError, match="cannot be read"):
            kg.zoo.load("tiny_noise", release=folder)

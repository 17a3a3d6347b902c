"""`weights.json`: whatever is wrong with it is named, and no file name leads out of the folder."""

import json

import pytest

import kerasgan as kg
from kerasgan.zoo import manifest

RECORD = {"entry": "e", "version": 1, "file": "e-1.keras", "sha256": "0" * 64}


@pytest.mark.parametrize(
    "text, message",
    [
        ('{"published": [', "is damaged or no list of published files"),
        ("", "is damaged"),
        ("[" * 100_000, "is damaged"),
        ("null", "is damaged"),
        ("[]", "is damaged"),
        ('{"published": {}}', "is damaged"),
        ('{"published": ""}', "is damaged"),
        ('{"published": ["e"]}', "is damaged"),
        *[
            (json.dumps({"published": [{key: RECORD[key] for key in RECORD if key != missing}]}), "is damaged")
            for missing in RECORD
        ],
        (json.dumps({"published": [{**RECORD, "file": 3}]}), "is damaged"),
        (json.dumps({"published": [{**RECORD, "sha256": None}]}), "is damaged"),
        (json.dumps({"published": [{**RECORD, "sha256": "0"}]}), "no SHA-256"),
        (json.dumps({"published": [{**RECORD, "entry": 3}]}), "no name"),
        *[
            (json.dumps({"published": [{**RECORD, "bytes": size}]}), "size that is no number from 1")
            for size in ("1", -5, 0, True, None)
        ],
        *[
            (json.dumps({"published": [{**RECORD, "version": version}]}), "no number from 1")
            for version in ("1", None, 1.5, -1, True)
        ],
        (json.dumps({"published": [RECORD, RECORD]}), "version 1 of 'e' twice"),
    ],
)
def test_a_damaged_list_is_named(tmp_path, text, message):
    (tmp_path / "weights.json").write_text(text)
    with pytest.raises(kg.InputError, match=message):
        manifest.read(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "../evil.keras", "/etc/x.keras", "a/b.keras", ".hidden.keras", "x.pkl", "a\\b.keras", "a.keras\n",
        "CON.keras", "nul.x.keras", "Lpt1.keras", "a" * 250 + ".keras",
    ],
)  # fmt: skip
def test_unsafe_file_names_are_refused(tmp_path, name):
    record = {"entry": "e", "version": 1, "file": name, "sha256": "0" * 64}
    (tmp_path / "weights.json").write_text(json.dumps({"published": [record]}))
    with pytest.raises(kg.InputError, match="unsafe file"):
        manifest.read(tmp_path)


@pytest.mark.parametrize("name", ["console-1.keras", "con-1.keras", "com12.keras", "_x.keras"])
def test_other_file_names_are_taken(tmp_path, name):
    record = {"entry": "e", "version": 1, "file": name, "sha256": "0" * 64}
    (tmp_path / "weights.json").write_text(json.dumps({"published": [record]}))
    assert manifest.read(tmp_path) == [record]


@pytest.mark.parametrize("name", ["", "../e", "a b", "aux.x", "CON.gan", "a" * 160, None])
def test_a_name_that_a_list_would_refuse_is_not_published(name):
    with pytest.raises(kg.InputError, match="An entry's name cannot be"):
        manifest.check_name(name)
    for taken in ("e", "con", "a" * 151):
        manifest.check_name(taken)

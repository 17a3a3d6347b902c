"""What a result of evaluate carries, and what it can be compared with."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import scored

from kerasgan import metrics
from kerasgan.errors import InputError

N = scored.N


def test_a_result_carries_its_protocol(perfect, real, others, extractor):
    p = perfect.protocol
    assert (p.data, p.data_fingerprint, p.image_shape) == ("shapes", real.fingerprint, scored.SHAPE)
    assert (p.n_real, p.n_fake, p.seed, p.layer, p.resize) == (N, N, 0, "features", "none")
    assert (p.extractor, p.extractor_sha256, p.value_range) == ("templates", extractor.sha256, (0.0, 255.0))
    assert (p.split, p.held_out) == ("300 of 600 train", "300 of 400 test")
    assert p.libraries["keras"] == keras.__version__
    assert p.libraries["backend"] == keras.backend.backend()
    assert set(perfect.floor) == set(perfect.values)
    printed = str(perfect)
    for field in dataclasses.fields(p):
        assert field.name in printed or field.name in ("notes", "held_out_fingerprint")
    assert extractor.sha256 in printed
    assert f"{perfect['fid']:.6g}" in printed


def test_a_result_is_the_same_after_a_file(tmp_path, perfect):
    path = perfect.save(tmp_path / "scores.json")
    assert metrics.Result.load(path) == perfect
    assert json.loads(path.read_text())["protocol"]["n_fake"] == N
    assert perfect.compare(metrics.Result.load(path)) == dict.fromkeys(perfect.values, 1.0)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"values": {}, "floor": {}, "subject": "", "protocol": {"data": 1}}']
)
def test_a_file_without_scores_is_refused(tmp_path, content):
    (tmp_path / "scores.json").write_text(content)
    with pytest.raises(InputError, match="is damaged or holds no scores"):
        metrics.Result.load(tmp_path / "scores.json")
    with pytest.raises(InputError, match="No file"):
        metrics.Result.load(tmp_path / "none.json")


@pytest.mark.parametrize(
    "change",
    [
        {"n_fake": 301}, {"n_real": 299}, {"seed": 1}, {"extractor_sha256": "0" * 64}, {"layer": "logits"},
        {"resize": "28x28x1 -> 299x299x3"}, {"value_range": (-1.0, 1.0)}, {"split": "300 of 600 test"},
        {"data": "other"}, {"data_fingerprint": "0"}, {"image_shape": (8, 8, 1)},
        {"settings": {"kid": {"subsets": 3}}},
    ],
)  # fmt: skip
def test_scores_of_different_protocols_cannot_be_compared(perfect, change):
    other = dataclasses.replace(perfect, protocol=dataclasses.replace(perfect.protocol, **change))
    with pytest.raises(InputError, match=f"different protocols and cannot be compared: .*{next(iter(change))}"):
        perfect.compare(other)


def test_accuracy_scores_on_other_test_pictures_cannot_be_compared(perfect):
    """Others than `cas` do not look at them; a result of before they were noted is taken as it is."""

    def taken(fingerprint, *names):
        settings = {name: {} for name in names}
        protocol = dataclasses.replace(perfect.protocol, held_out_fingerprint=fingerprint, settings=settings)
        return dataclasses.replace(perfect, values=dict.fromkeys(names, 1.0), protocol=protocol)

    with pytest.raises(InputError, match="held_out_fingerprint: '1' -> '2'"):
        taken("1", "fid", "cas").compare(taken("2", "fid", "cas"))
    for ours, theirs in ((taken("1", "fid"), taken("2", "cas", "fid")), (taken("1", "cas"), taken(None, "cas"))):
        assert set(ours.compare(theirs).values()) == {1.0}


def test_scores_of_one_protocol_compare_as_ratios(perfect):
    values = {**perfect.values, "fid": 2 * perfect["fid"], "kid": -0.1, "repeated": 0.5}
    other = dataclasses.replace(perfect, values=values, protocol=dataclasses.replace(perfect.protocol, libraries={}))
    ratios = other.compare(perfect)
    assert ratios["fid"] == pytest.approx(2)
    assert np.isnan(ratios["kid"])
    assert ratios["repeated"] == np.inf
    fewer = dataclasses.replace(
        perfect, values={"fid": 1.0}, protocol=dataclasses.replace(perfect.protocol, settings={"fid": {}})
    )
    assert list(perfect.compare(fewer)) == ["fid"]
    with pytest.raises(InputError, match=r"There is no 'fdi' here. Known: fid"):
        perfect["fdi"]

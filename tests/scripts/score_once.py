"""Scores the generator of `scored` on this process' backend: score_once.py DATA.npz N."""

import json
import sys

import keras
import scored

from kerasgan import metrics
from kerasgan.data import Images, from_npz

path, n = sys.argv[1], int(sys.argv[2])
train, test = (from_npz(path, split=split) for split in ("train", "test"))
train, test = (Images(part.x, part.y, scored.NAMES) for part in (train, test))
names = ("fid", "kid", "precision_recall", "class_agreement", "inception_score")
found = metrics.evaluate(scored.sampler(), train, names, n=n, held_out=test, extractor=scored.classifier())
print(json.dumps({**found.values, "backend": keras.backend.backend()}))

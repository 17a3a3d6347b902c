"""Trains a classifier for a few updates; prints logits. Run on each backend."""

import json
import sys

import keras
import numpy as np

from kerasgan.metrics import classifiers

if __name__ == "__main__":
    with np.load(sys.argv[1]) as arrays:
        x, y = arrays["x"], arrays["y"]
    first = classifiers.build(x.shape[1:], 2, 4, 6)
    rng = np.random.default_rng(0)
    weights = [rng.normal(0, 0.3, w.shape).astype("float32") if w.ndim > 1 else w for w in first.get_weights()]
    # Keras' seeded initializers draw other numbers on each backend.
    first.set_weights(weights)
    classifiers.build = lambda *_, **__: first
    model = classifiers.fit(x, y, 2, steps=3, batch_size=32, augment="affine")
    print(json.dumps(np.asarray(keras.ops.convert_to_numpy(model.predict(x[:20], verbose=0))).tolist()))

"""Data: pictures from arrays, files, folders and tensorflow-datasets, as `Images` that `fit` can iterate.

Importing this needs NumPy alone; Keras, Pillow, scikit-learn and TensorFlow are imported by the functions that use them.
"""

from kerasgan.data.arrays import from_arrays
from kerasgan.data.images import Images
from kerasgan.data.sources import load

__all__ = ["Images", "from_arrays", "load"]

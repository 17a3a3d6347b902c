"""Data: pictures from arrays, files, folders and tensorflow-datasets, as `Images` that `fit` can iterate.

Importing this needs NumPy alone; the functions import Keras, Pillow, scikit-learn and TensorFlow when they use them.
"""

from kerasgan.data.archive import from_npz
from kerasgan.data.arrays import from_arrays
from kerasgan.data.folder import from_directory
from kerasgan.data.images import Images
from kerasgan.data.sources import load, open
from kerasgan.data.stacked import stacked

__all__ = ["Images", "from_arrays", "from_directory", "from_npz", "load", "open", "stacked"]

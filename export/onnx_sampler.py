"""A `.onnx` file of `to_onnx` run by ONNX Runtime: draws what `Sampler` draws, where there is no Keras."""

import json
from pathlib import Path

import numpy as np

from kerasgan.errors import InputError
from kerasgan.spec import Labels, SampleSpec, check_truncation

_SPEC = ("latent_dim", "image_shape", "value_range", "class_names")


class OnnxSampler:
    """What `to_onnx` wrote, ready to draw from; everything it must know stands in the file.

    `spec` is the Sampler's, but for `mean_latent`, which the graph itself holds; `metadata` is what the file says of
    itself, as strings.

    Args:
        path: the file; it is read once, and may go away afterwards.

    Raises:
        InputError: no such file, one that ONNX Runtime does not run, or one that kerasgan did not write.

    Example:
        >>> sampler = OnnxSampler("generator.onnx")
        >>> sampler.generate(4, seed=0).shape
        (4, 28, 28, 1)
    """

    def __init__(self, path: str | Path):
        import onnxruntime

        path = Path(path)
        if not path.is_file():
            raise InputError(f"No file {str(path)!r}. Expected an ONNX file written by kerasgan.")
        try:
            self._session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's own classes have no common one
            raise InputError(f"{str(path)!r} is no ONNX file that ONNX Runtime runs ({error}).") from error
        self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        try:
            values = {key: json.loads(self.metadata[key]) for key in _SPEC}
            self.spec = SampleSpec(**values, prior=self.metadata["prior"])
        except (KeyError, ValueError, TypeError) as error:
            raise InputError(
                f"{str(path)!r} was not written by kerasgan's to_onnx: it does not say what it takes ({error!r})."
            ) from error

    def generate(self, n: int, labels: Labels = None, seed: int = 0, truncation: float = 1.0) -> np.ndarray:
        """Images uint8 (n, *image_shape), those of `Sampler.generate` but for rounding: one grey level at most."""
        return self.images(self.spec.latents(n, seed), labels, truncation)

    def images(self, latents: np.ndarray, labels: Labels = None, truncation: float = 1.0) -> np.ndarray:
        """Images uint8 (n, *image_shape) of given latents float32 (n, latent_dim), computed at once.

        Raises:
            InputError: latents, labels or truncation that are not as they must be, or images that are not finite.
        """
        latents = self.spec.check_latents(latents)
        label = self.spec.labels(labels, len(latents))
        inputs = {"latent": latents, "truncation": np.array(check_truncation(truncation), "float32")}
        values = self._session.run(["image"], inputs if label is None else {**inputs, "label": label})[0]
        if not np.isfinite(values).all():
            raise InputError("The generator gives NaN or infinity for these latents: they are too large.")
        return self.spec.to_uint8(values)

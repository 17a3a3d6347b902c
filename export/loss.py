"""What a smaller dtype costs: how far its images are from Keras', and when that is too far."""

import dataclasses

import numpy as np

from kerasgan.export.parity import ParityError, Reference, Run, check_contract, full_precision

IMAGES = 128  # that the loss is measured on, beside those of the parity check
LEAST_PSNR = {"float16": 40.0, "int8": 25.0}  # dB
MOST_LOST = {"float16": 0.02, "int8": 0.25}  # of the variation
_FAINT = 4.0  # grey levels; 8 bits cannot keep less, and a generator that varies less has little to lose


@dataclasses.dataclass(frozen=True)
class Loss:
    """What a smaller dtype was measured to cost.

    Args:
        against: whose images were the reference.
        largest: largest absolute difference of `image`.
        mean: mean absolute difference of `image`.
        mean_uint8: mean absolute difference of `image_uint8`, in grey levels.
        psnr: peak signal-to-noise ratio of `image`, in dB: its range squared over the mean squared difference.
        worst: the same of the worst image.
        lost: mean squared difference over the variance of Keras' own images around their mean; where it nears 1, the
            latents no longer decide what is drawn. A variation below four grey levels counts as four.
        images: how many were compared.

    Example:
        >>> loss = kg.export.to_onnx(sampler, "half.onnx", dtype="float16").loss[0]
        >>> print(loss)
        against Keras on tensorflow, ... images: PSNR ... dB (worst image ...), ...
    """

    against: str
    largest: float
    mean: float
    mean_uint8: float
    psnr: float
    worst: float
    lost: float
    images: int

    def __str__(self) -> str:
        return (
            f"against {self.against}, {self.images} images: PSNR {self.psnr:.1f} dB (worst image {self.worst:.1f}), "
            f"mean difference {self.mean:.2g}, as uint8 {self.mean_uint8:.2g}, {self.lost:.2%} of the variation lost"
        )


@full_precision()
def measure(run: Run, reference: Reference, value_range: tuple[float, float], dtype: str) -> Loss:
    """Runs an artifact on every case, and compares.

    Args:
        run: the artifact, loaded by its own runtime.
        reference: Keras' images in float32.
        value_range: (low, high) of the images.
        dtype: of `LEAST_PSNR`.

    Raises:
        ParityError: another shape or type than the contract's, NaN, or more loss than `LEAST_PSNR` and `MOST_LOST`
            allow.
    """
    low, high = value_range
    images, apart, apart_uint8 = [], [], []
    for case in reference.cases:
        image, image_uint8 = run(case.latent, case.label, case.truncation)
        check_contract(image, image_uint8, case, reference.name, value_range)
        images.append(case.image.astype("float64"))
        apart.append(image - images[-1])
        apart_uint8.append(image_uint8.astype("float64") - case.image_uint8)
    reference_images, difference = np.concatenate(images), np.concatenate(apart)
    squared = np.square(difference).reshape(len(difference), -1).mean(axis=1)
    variance = float(np.square(reference_images - reference_images.mean(axis=0)).mean())
    loss = Loss(
        against=reference.name,
        largest=float(np.abs(difference).max()),
        mean=float(np.abs(difference).mean()),
        mean_uint8=float(np.abs(np.concatenate(apart_uint8)).mean()),
        psnr=_psnr(float(squared.mean()), high - low),
        worst=_psnr(float(squared.max()), high - low),
        lost=float(squared.mean()) / max(variance, (_FAINT * (high - low) / 255.0) ** 2),
        images=len(difference),
    )
    if loss.psnr < LEAST_PSNR[dtype] or loss.lost > MOST_LOST[dtype]:
        raise ParityError(
            f"As {dtype} this generator loses too much: PSNR {loss.psnr:.1f} dB (at least {LEAST_PSNR[dtype]:.0f}), "
            f"{loss.lost:.1%} of the variation between images (at most {MOST_LOST[dtype]:.0%}), against "
            f"{reference.name}. The artifact was removed. Choose a larger dtype."
        )
    return loss


def _psnr(squared: float, span: float) -> float:
    return float(-10.0 * np.log10(max(squared / span**2, 1e-15)))

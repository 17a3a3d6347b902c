"""Fewer bits for a generator's numbers: half precision weights, and int8 calibrated on latents of the prior."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from kerasgan.errors import InputError
from kerasgan.spec import SampleSpec

if TYPE_CHECKING:
    import onnx

DTYPES = ("float32", "float16", "int8")
IMAGES = 128  # that int8 is calibrated on, more where there are more classes
_BATCH = 16
_SEED = 10_000  # far from those of `parity.reference_of`: what is measured was not calibrated on
_LARGE = 1024  # values; smaller weights stay float32, which costs nothing and keeps epsilons what they are
_HALF = float(np.finfo("float16").max)
_WITH_WEIGHTS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_PREPARED = ("onnx.quant.pre_process", "onnxruntime.quant")


def calibration(spec: SampleSpec) -> Iterator[dict[str, np.ndarray]]:
    """Batches of the contract's inputs: latents of the prior, every class in turn, no truncation."""
    n = -(-max(IMAGES, spec.num_classes) // _BATCH) * _BATCH
    latents = spec.latents(n, _SEED)
    for start in range(0, n, _BATCH):
        batch = {"latent": latents[start : start + _BATCH], "truncation": np.array(1.0, "float32")}
        if spec.class_names:
            batch["label"] = (np.arange(start, start + _BATCH) % spec.num_classes).astype("int32")
        yield batch


def check_half(generator: keras.Model) -> None:
    """Raises `InputError` where a weight is beyond float16's range."""
    for weight in generator.weights:
        if np.abs(keras.ops.convert_to_numpy(weight)).max(initial=0.0) > _HALF:
            raise InputError(
                f"The weight {weight.path!r} holds values beyond float16's range, +-{_HALF:,.0f}. Export it as float32."
            )


def half(proto: "onnx.ModelProto") -> None:
    """Stores the large float32 weights as float16, each followed by the cast that makes it float32 again.

    Runtimes do the cast once, when they load the file, so neither speed nor rounding on the way changes. Most have no
    half precision kernels for the CPU to gain by more.
    """
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for weight in proto.graph.initializer:
        if weight.data_type == TensorProto.FLOAT and np.prod(weight.dims) >= _LARGE:
            name, stored = weight.name, f"{weight.name}_half"
            weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight).astype("float16"), stored))
            casts.append(helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT))
    rest = list(proto.graph.node)
    del proto.graph.node[:]
    proto.graph.node.extend([*casts, *rest])


def int8(proto: "onnx.ModelProto", spec: SampleSpec) -> "onnx.ModelProto":
    """Every operation that has weights in 8 bits, its input too, by ONNX Runtime's static quantization.

    Unsigned on both sides: with signed weights x86 processors without VNNI add pairs of products in 16 bits, which
    overflows (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html).
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_static
    from onnxruntime.quantization.calibrate import CalibrationDataReader

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.batches = calibration(spec)

        def get_next(self):
            return next(self.batches, None)

    # It would only fold what tf2onnx has folded already; without the mark its absence is logged.
    onnx.helper.set_model_props(proto, dict([_PREPARED]))
    weights = {weight.name for weight in proto.graph.initializer}
    without = [node.name for node in proto.graph.node if not weights.intersection(node.input)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "int8.onnx"
        quantize_static(
            proto,
            path,
            Reader(),
            op_types_to_quantize=list(_WITH_WEIGHTS),
            nodes_to_exclude=without,  # products of two activations, as in attention
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QUInt8,
        )
        return onnx.load(path)

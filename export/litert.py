"""LiteRT: one `.tflite` file of built-in operations alone, for phones and small machines."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerasgan.errors import InputError
from kerasgan.export import network, quantize
from kerasgan.export.job import Artifact, Format, export
from kerasgan.export.parity import Run
from kerasgan.export.readme import imports_program, inputs_program, requirements, save_program
from kerasgan.quiet import quiet, without_native_log
from kerasgan.sampler import Sampler, SampleSpec

SIGNATURE = "serving_default"
METADATA = "kerasgan"  # the buffer that holds them, as JSON
_UNKNOWN = re.compile(r"'tf\.(\w+)' op is neither a custom op nor a flex op")


def to_litert(
    sampler: Sampler,
    path: str | Path,
    *,
    dtype: str = "float32",
    overwrite: bool = False,
    about: Mapping[str, str] | None = None,
) -> Artifact:
    """Writes one `.tflite` file with the signature `serving_default`, and its README beside it, `<file>.tflite.md`.

    Inputs `latent` float32 (batch, latent_dim), for a conditional generator `label` int32 (batch,), and `truncation`
    float32 (). Outputs `image` float32 (batch, height, width, channels) in the sampler's value range, and
    `image_uint8`. The batch is free: a signature runner resizes to what it is given, elsewhere call
    `resize_tensor_input` first. The metadata stand in the file's metadata buffer `kerasgan`, as JSON.

    Args:
        sampler: what to export, trained on any backend; half precision policies are exported as float32.
        path: the file to write, ending in `.tflite`.
        dtype: of the weights inside; inputs and outputs stay as they are. `"float16"` halves the file and computes in
            float32, on GPUs in float16; `"int8"` quarters it and computes in 8 bits, calibrated on latents of the
            prior.
        overwrite: replace an existing file.
        about: any of `name`, `version`, `dataset`, `license` and `dataset_license`, for the metadata; otherwise from
            the zoo's record or the recipe.

    Returns:
        the file, its README, and how closely LiteRT's images follow Keras', or how much the smaller dtype loses.

    Raises:
        InputError: an existing file, a wrong suffix, an unknown dtype, a full disk, weights that are not finite or
            too large for the dtype, or a layer that cannot travel.
        ParityError: LiteRT gives other images than Keras, or a smaller dtype loses too much.

    Example:
        >>> artifact = kg.export.to_litert(sampler, "generator.tflite", dtype="int8")
        >>> artifact.loss[0].psnr > 30.0
        True
    """
    return export(FORMAT, sampler, path, overwrite, about, dtype=dtype)


def write(generator: keras.Model, spec: SampleSpec, path: Path, values: Mapping[str, Any]) -> None:
    """Converts by TensorFlow's converter, and adds names and metadata."""
    network.check_size(generator, FORMAT.name)
    path.write_bytes(_described(_converted(generator, spec, values["dtype"]), values))


def load(path: Path, spec: SampleSpec) -> Run:
    """The file as LiteRT runs it on the CPU."""
    with quiet(), without_native_log():  # TensorFlow's own interpreter is deprecated, and both log their delegate
        interpreter = _interpreter()(model_content=path.read_bytes())
        interpreter.allocate_tensors()
        generate = interpreter.get_signature_runner(SIGNATURE)

    def run(latent, label, truncation):
        inputs = {"latent": latent, "label": label, "truncation": np.asarray(truncation, "float32")}
        outputs = generate(**{name: value for name, value in inputs.items() if value is not None})
        return outputs["image"], outputs["image_uint8"]

    return run


def program(values: Mapping[str, Any], name: str) -> str:
    """The README's chapter on running it."""
    label = "label=label, " if values["class_names"] else ""
    lines = [
        *imports_program(values, "from ai_edge_litert.interpreter import Interpreter"),
        "",
        *inputs_program(values),
        f'generate = Interpreter("{name}").get_signature_runner("{SIGNATURE}")',
        f"outputs = generate(latent=latent, {label}truncation=np.float32(0.7))",
        'images = outputs["image_uint8"]',
        save_program(values),
    ]
    return (
        "## Run it\n\n`{}`, then, beside the file:\n\n```python\n{}\n```\n\nAll operations are built into LiteRT. The "
        f"signature is `{SIGNATURE}`; its runner resizes to the batch it is given. Without a runner, as in C++, Kotlin "
        "or Swift, resize the inputs to your batch before you allocate the tensors: their stored batch is 1. The "
        f"file's metadata buffer `{METADATA}` holds what is said below, as JSON."
    ).format(requirements(values, "ai-edge-litert"), "\n".join(lines))


def _interpreter() -> Any:
    """LiteRT's own where it is installed (`pip install kerasgan[litert]`), else the copy inside TensorFlow."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        import tensorflow as tf

        return tf.lite.Interpreter
    return Interpreter


def _converted(generator: keras.Model, spec: SampleSpec, dtype: str) -> bytes:
    import tensorflow as tf

    from kerasgan.export.graph import layer_of, operations, traced

    function = traced(generator, spec).get_concrete_function()
    module = tf.Module()
    module.weights = [weight.value for weight in generator.weights]
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], module)
    if dtype != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if dtype == "float16":
        converter.target_spec.supported_types = [tf.float16]
    try:
        with without_native_log():
            return _int8(converter, function, spec) if dtype == "int8" else converter.convert()
    except tf.errors.OpError as error:  # the converter's own temporary folder: no space, no permission
        raise OSError(error.message) from error
    except Exception as error:
        if found := _UNKNOWN.search(str(error)):
            name = next((name for name, operation in operations(function.graph) if operation == found[1]), found[1])
            raise InputError(
                f"The layer {layer_of(name, generator)!r} cannot be exported to LiteRT: it uses TensorFlow's "
                f"{found[1]}, which is not built into LiteRT."
            ) from error
        raise InputError(
            f"The generator cannot be exported to LiteRT: TensorFlow's converter failed with {error!r}."
        ) from error


def _int8(converter: Any, function: Any, spec: SampleSpec) -> bytes:
    """Static quantization of the network alone: truncation, and the way to uint8, stay float32."""
    import tensorflow as tf

    from kerasgan.export.graph import TO_UINT8, TRUNCATE, operations

    converter.representative_dataset = lambda: ((SIGNATURE, batch) for batch in quantize.calibration(spec))
    outside = [name for name, _ in operations(function.graph) if name.split("/")[0] in (TRUNCATE, TO_UINT8)]
    # The converter itself cannot leave single operations out; its debugger can.
    options = tf.lite.experimental.QuantizationDebugOptions(denylisted_nodes=outside)
    debugger = tf.lite.experimental.QuantizationDebugger(converter=converter, debug_options=options)
    return debugger.get_nondebug_quantized_model()


def _described(content: bytes, values: Mapping[str, Any]) -> bytes:
    """With the metadata, the contract's names, and no name of a layer, which counts up per process."""
    from tensorflow.lite.python import schema_py_generated as schema
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    for graph in model.subgraphs:
        for k, tensor in enumerate(graph.tensors):
            tensor.name = f"value_{k:04d}"
    for signature in model.signatureDefs:
        for end in [*signature.inputs, *signature.outputs]:
            model.subgraphs[signature.subgraphIndex].tensors[end.tensorIndex].name = end.name.decode()
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(json.dumps(values, sort_keys=True).encode(), "uint8")
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = METADATA, len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


FORMAT = Format("LiteRT", ".tflite", "", ("tensorflow",), write, load, program, quantize.DTYPES)

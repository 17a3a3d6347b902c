"""ONNX: one file that is checked, shape-inferred, and the same bytes for the same weights."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx

from kerasgan.errors import InputError
from kerasgan.export import network, quantize
from kerasgan.export.job import Artifact, Format, export
from kerasgan.export.metadata import as_strings
from kerasgan.export.parity import ParityError, Run
from kerasgan.export.readme import imports_program, inputs_program, requirements, save_program
from kerasgan.quiet import without_native_log
from kerasgan.sampler import Sampler, SampleSpec

OPSET = 18  # tf2onnx 1.17 writes none above


def to_onnx(
    sampler: Sampler,
    path: str | Path,
    *,
    dtype: str = "float32",
    overwrite: bool = False,
    about: Mapping[str, str] | None = None,
) -> Artifact:
    """Writes one `.onnx` file, opset 18, and its README beside it, `<file>.onnx.md`.

    Inputs `latent` float32 (batch, latent_dim), for a conditional generator `label` int32 (batch,), and `truncation`
    float32 (). Outputs `image` float32 (batch, height, width, channels) in the sampler's value range, and
    `image_uint8`. The batch is free. The metadata stand in the file's `metadata_props`.

    Args:
        sampler: what to export, trained on any backend; half precision policies are exported as float32.
        path: the file to write, ending in `.onnx`.
        dtype: of the weights inside; inputs and outputs stay as they are. `"float16"` halves the file and computes in
            float32; `"int8"` quarters it and computes in 8 bits, calibrated on latents of the prior.
        overwrite: replace an existing file.
        about: any of `name`, `version`, `dataset`, `license` and `dataset_license`, for the metadata; otherwise from
            the zoo's record or the recipe.

    Returns:
        the file, its README, and how closely ONNX Runtime's images follow Keras', or how much the smaller dtype loses.

    Raises:
        InputError: an existing file, a wrong suffix, an unknown dtype, a full disk, weights that are not finite or
            too large for the dtype, or a layer that cannot travel.
        ParityError: ONNX Runtime gives other images than Keras, or a smaller dtype loses too much.

    Example:
        >>> artifact = kg.export.to_onnx(sampler, "generator.onnx", about={"license": "CC-BY-4.0"})
        >>> artifact.parity[0].largest < 1e-4
        True
    """
    return export(FORMAT, sampler, path, overwrite, about, dtype=dtype)


def write(generator: keras.Model, spec: SampleSpec, path: Path, values: Mapping[str, Any]) -> None:
    """Converts by tf2onnx, and gives the result the contract's names and canonical bytes."""
    network.check_size(generator, FORMAT.name)
    proto = _converted(generator, spec)
    _canonical(proto)
    if values["dtype"] == "float16":
        quantize.half(proto)
        _canonical(proto)
    elif values["dtype"] == "int8":
        proto = quantize.int8(proto, spec)
        _canonical(proto)
    for value in [*proto.graph.input, *proto.graph.output]:
        if value.name != "truncation":
            value.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.helper.set_model_props(proto, as_strings(values))
    try:
        proto = onnx.shape_inference.infer_shapes(proto, strict_mode=True, data_prop=True)
        onnx.checker.check_model(proto, full_check=True)
    except (onnx.shape_inference.InferenceError, onnx.checker.ValidationError) as error:
        raise ParityError(f"tf2onnx made a graph that is not valid ONNX; nothing was written ({error}).") from error
    path.write_bytes(proto.SerializeToString(deterministic=True))


def load(path: Path, spec: SampleSpec) -> Run:
    """The file as ONNX Runtime runs it on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def run(latent, label, truncation):
        inputs = {"latent": latent, "label": label, "truncation": np.asarray(truncation, "float32")}
        return session.run(["image", "image_uint8"], {k: v for k, v in inputs.items() if v is not None})

    return run


def program(values: Mapping[str, Any], name: str) -> str:
    """The README's chapter on running it."""
    label = '"label": label, ' if values["class_names"] else ""
    lines = [
        *imports_program(values, "import onnxruntime"),
        "",
        *inputs_program(values),
        f'session = onnxruntime.InferenceSession("{name}", providers=["CPUExecutionProvider"])',
        f'inputs = {{"latent": latent, {label}"truncation": np.array(0.7, "float32")}}',
        'images = session.run(["image_uint8"], inputs)[0]',
        save_program(values),
    ]
    return "## Run it\n\n`{}`, then, beside the file:\n\n```python\n{}\n```".format(
        requirements(values, "onnxruntime"), "\n".join(lines)
    )


def _converted(generator: keras.Model, spec: SampleSpec) -> onnx.ModelProto:
    import tf2onnx

    from kerasgan.export.graph import input_specs, layer_of, traced

    function = traced(generator, spec)
    try:
        with without_native_log():
            proto, _ = tf2onnx.convert.from_function(function, input_signature=input_specs(spec), opset=OPSET)
    except Exception as error:
        raise InputError(f"The generator cannot be exported to ONNX: tf2onnx failed with {error!r}.") from error
    for node in _nodes(proto.graph):
        # tf2onnx leaves what it does not know in the graph, under TensorFlow's name.
        if not onnx.defs.has(node.op_type, OPSET, node.domain):
            raise InputError(
                f"The layer {layer_of(node.name, generator)!r} cannot be exported to ONNX: it uses TensorFlow's "
                f"{node.op_type}, which ONNX opset {OPSET} does not have."
            )
    return proto


def _canonical(proto: onnx.ModelProto) -> None:
    """Names in graph order, nothing that only a process knows: the same weights give the same bytes."""
    graph = proto.graph
    weights = {weight.name for weight in graph.initializer}
    names = {value.name: value.name for value in [*graph.input, *graph.output]}
    count = {"weight": 0, "value": 0}

    def new(old: str) -> str:
        if old and old not in names:
            kind = "weight" if old in weights else "value"
            names[old] = f"{kind}_{count[kind]:04d}"
            count[kind] += 1
        return names.get(old, old)

    domains = set()
    for k, node in enumerate(_nodes(graph)):
        node.input[:] = [new(name) for name in node.input]
        node.output[:] = [new(name) for name in node.output]
        node.name, node.doc_string = f"{node.op_type}_{k:04d}", ""
        domains.add(node.domain)
    for inner in _graphs(graph):
        inner.name, inner.doc_string = "body", ""
        for value in [*inner.input, *inner.output, *inner.initializer]:
            value.name = new(value.name)
        del inner.value_info[:]
    for weight in graph.initializer:
        weight.name, weight.doc_string = new(weight.name), ""
    ordered = sorted(graph.initializer, key=lambda weight: weight.name)
    del graph.initializer[:]
    graph.initializer.extend(ordered)
    del graph.value_info[:]
    for entry in [entry for entry in proto.opset_import if entry.domain not in domains]:
        proto.opset_import.remove(entry)
    graph.name, graph.doc_string, proto.doc_string = "generator", "", ""


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """All nodes in graph order, those of a loop's or a branch's body before the node they belong to."""
    for node in graph.node:
        for inner in _bodies(node):
            yield from _nodes(inner)
        yield node


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """The bodies of all loops and branches, at any depth."""
    for node in graph.node:
        for inner in _bodies(node):
            yield inner
            yield from _graphs(inner)


def _bodies(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    one = [attribute.g for attribute in node.attribute if attribute.type == onnx.AttributeProto.GRAPH]
    return one + [graph for attribute in node.attribute for graph in attribute.graphs]


FORMAT = Format(
    "ONNX", ".onnx", "", ("tensorflow", "tf2onnx", "onnx", "onnxruntime"), write, load, program, quantize.DTYPES
)

"""The README beside every artifact: what it is, a short program that runs it, and how closely it follows Keras."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from kerasgan.export.loss import LEAST_PSNR, MOST_LOST, Loss
from kerasgan.export.parity import BATCHES, TRUNCATIONS, Parity

_DRAWS = {
    "normal": "rng.standard_normal(({n}, {dim}))",
    "uniform": "rng.uniform(-1, 1, ({n}, {dim}))",
    # Standard normal between -2 and 2, by its inverse distribution function, as `Sampler.generate` draws it.
    "truncated_normal": "np.vectorize(NormalDist().inv_cdf)(rng.uniform(0.0227501319, 0.9772498681, ({n}, {dim})))",
}


_STORED = {
    "float16": "The weights are stored in half precision; runtimes compute in float32 with them, or in half precision "
    "where they can.",
    "int8": "Weights and activations have 8 bits, calibrated on latents of the prior and every class; what goes beyond "
    "is clipped.",
}


def readme(format_name: str, chapter: str, values: Mapping[str, Any], figures: Sequence[Parity | Loss]) -> str:
    """The whole text, Markdown.

    Args:
        format_name: "ONNX", "SavedModel".
        chapter: the format's own, on running it.
        values: see `metadata.metadata`.
        figures: what was measured: parity, or, below float32, loss.
    """
    title = f"{values['name']} {values['version']}".strip()
    parity = [figure for figure in figures if isinstance(figure, Parity)]
    losses = [figure for figure in figures if isinstance(figure, Loss)]
    dtype = "" if values["dtype"] == "float32" else f", {values['dtype']}"
    return (
        "\n\n".join(
            [
                f"# {title}, {format_name}{dtype}",
                f"An image generator trained with [kerasgan](https://pypi.org/project/kerasgan/), as {format_name}. "
                "It runs without Keras and without kerasgan.",
                _contract(values),
                chapter,
                _loss(losses, values["dtype"]) if losses else _parity(parity),
                _origin(values),
            ]
        ).rstrip()
        + "\n"
    )


def inputs_program(values: Mapping[str, Any], n: int = 8) -> list[str]:
    """Lines that draw `latent`, and `label` with the range check no graph makes."""
    draw = _DRAWS[values["prior"]].format(n=n, dim=values["latent_dim"])
    lines = ["rng = np.random.default_rng(0)", f'latent = {draw}.astype("float32")']
    if values["class_names"]:
        classes = len(values["class_names"])
        lines += [
            f'label = np.arange({n}, dtype="int32") % {classes}',
            f"assert label.shape == latent.shape[:1] and label.min() >= 0 and label.max() < {classes}",
        ]
    return lines


def imports_program(values: Mapping[str, Any], runtime: str) -> list[str]:
    """The import lines the other parts need."""
    lines = ["import numpy as np", runtime]
    if values["prior"] == "truncated_normal":
        lines.insert(0, "from statistics import NormalDist")
    return lines + (["from PIL import Image"] if _is_picture(values) else [])


def save_program(values: Mapping[str, Any]) -> str:
    """The line that writes `images`, side by side as a PNG, or as `.npy` where they are no pictures."""
    if not _is_picture(values):
        return 'np.save("samples.npy", images)'
    row = "np.concatenate(images, axis=1)" + ("[..., 0]" if values["image_shape"][-1] == 1 else "")
    return f'Image.fromarray({row}).save("samples.png")'


def requirements(values: Mapping[str, Any], runtime: str) -> str:
    return f"pip install numpy {runtime}" + (" pillow" if _is_picture(values) else "")


def _is_picture(values: Mapping[str, Any]) -> bool:
    shape = values["image_shape"]
    return len(shape) == 3 and shape[-1] in (1, 3, 4)


def _contract(values: Mapping[str, Any]) -> str:
    low, high = values["value_range"]
    shape = ", ".join(["batch", *map(str, values["image_shape"])])
    classes = values["class_names"]
    label = f"| in | `label` | int32 | [batch] | class, 0 to {len(classes) - 1} |\n" if classes else ""
    table = (
        "| | name | type | shape | meaning |\n|---|---|---|---|---|\n"
        f"| in | `latent` | float32 | [batch, {values['latent_dim']}] | drawn from the prior: {values['prior']} |\n"
        f"{label}"
        "| in | `truncation` | float32 | scalar | 1 leaves the latents, less gives more typical images, 0 one image |\n"
        f"| out | `image` | float32 | [{shape}] | {low:g} to {high:g}, which a generator may leave |\n"
        f"| out | `image_uint8` | uint8 | [{shape}] | the same, from 0 to 255; what lies beyond is cut off |"
    )
    undefined = "an empty batch, and NaN in `latent`"
    if classes:
        names = ", ".join(f"{k} {name}" if str(k) != name else name for k, name in enumerate(classes))
        table += f"\n\nClasses: {names}."
        undefined = (
            "a `label` outside this range (-1 was seen to draw the last class), a `label` of another length than "
            f"`latent`, {undefined}"
        )
    return (
        f"{table}\n\nLatents of another length are refused by the runtime. The graph itself does not check the rest, "
        f"and what comes out is undefined, an error or any image: {undefined}. Check before you call"
        f"{', as the program does with `label`' if classes else ''}."
    )


def _parity(figures: Sequence[Parity]) -> str:
    rows = "\n".join(
        f"| {f.against} | {f.images} | {f.largest:.2g} | {f.allowed:.2g} | {f.largest_uint8} |" for f in figures
    )
    return (
        "## Parity\n\n"
        "After writing, this artifact was loaded again by its own runtime and compared with Keras: random latents, "
        f"every class, batches {', '.join(map(str, BATCHES))}, truncations {', '.join(map(str, TRUNCATIONS))}.\n\n"
        "| against | images | largest difference of `image` | allowed | of `image_uint8` |\n|---|---|---|---|---|\n"
        f"{rows}"
    )


def _loss(figures: Sequence[Loss], dtype: str) -> str:
    rows = "\n".join(
        f"| {f.against} | {f.images} | {f.psnr:.1f} dB | {f.worst:.1f} dB | {f.mean:.2g} | {f.largest:.2g} | "
        f"{f.mean_uint8:.2g} | {f.lost:.2%} |"
        for f in figures
    )
    return (
        "## Loss\n\n"
        f"{_STORED[dtype]} After writing, this artifact was loaded again by its own runtime, on one machine's CPU, and "
        "compared with Keras in float32: random latents that it was not calibrated on, every class, batches "
        f"{', '.join(map(str, BATCHES))} and larger, truncations {', '.join(map(str, TRUNCATIONS))}.\n\n"
        "| against | images | PSNR | of the worst image | mean difference of `image` | largest | mean of `image_uint8` "
        f"| variation lost |\n|---|---|---|---|---|---|---|---|\n{rows}\n\n"
        "PSNR: the image's range squared over the mean squared difference. Variation lost: the mean squared difference "
        f"over the variance of Keras' own images. Below {LEAST_PSNR[dtype]:.0f} dB, or above {MOST_LOST[dtype]:.0%}, "
        "it would not have been written."
    )


def _origin(values: Mapping[str, Any]) -> str:
    data_license = f"; its licence: {values['dataset_license']}" if values["dataset_license"] else ""
    libraries = ", ".join(f"{name} {version}" for name, version in values["libraries"].items())
    recipe = f"\n\n```json\n{json.dumps(values['recipe'], indent=2, sort_keys=True)}\n```" if values["recipe"] else ""
    return (
        "## Origin\n\n"
        f"- data set: {values['dataset'] or 'not stated'}{data_license}\n"
        f"- licence: {values['license'] or 'not stated'}\n"
        f"- computes in {'8 bits' if values['dtype'] == 'int8' else 'float32'}; trained in {values['trained_in']}\n"
        f"- parameters: {values['parameters']:,}\n"
        f"- SHA-256 of the weights: `{values['weights_sha256']}`\n"
        f"- written with: {libraries}"
        f"{recipe}"
    )

"""SavedModel: a folder for TensorFlow Serving and `tf.saved_model.load`, with every weight stored once."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerasgan import priors
from kerasgan.errors import InputError
from kerasgan.export.job import Artifact, Format, export
from kerasgan.export.parity import Run
from kerasgan.export.readme import imports_program, inputs_program, requirements, save_program
from kerasgan.sampler import Sampler, SampleSpec

METADATA = "metadata.json"


def to_saved_model(
    sampler: Sampler, path: str | Path, *, overwrite: bool = False, about: Mapping[str, str] | None = None
) -> Artifact:
    """Writes a SavedModel folder with its `README.md` and `metadata.json` inside.

    Signatures, all with free batch size:

    - `serving_default`: `latent` float32 (batch, latent_dim), for a conditional generator `label` int32 (batch,), and
      `truncation` float32 () to `image` float32 (batch, height, width, channels) and `image_uint8`;
    - `generate_uint8`: the same inputs to `image_uint8` alone, a quarter of the bytes;
    - `sample`: `n` int32 (), `seed` int32 (2,), for a conditional generator one class `label` int32 (), and
      `truncation` float32 () to `image_uint8`; the latents are drawn inside, the same for the same seed.

    Args:
        sampler: what to export, trained on any backend; half precision policies are exported as float32.
        path: the folder to write.
        overwrite: replace an existing SavedModel.
        about: any of `name`, `version`, `dataset` and `license`, for the metadata; otherwise from the recipe.

    Returns:
        the folder, its README, and how closely the loaded SavedModel follows Keras.

    Raises:
        InputError: an existing folder, a full disk, weights that are not finite, or a layer that cannot travel.
        ParityError: the loaded SavedModel gives other images than Keras.

    Example:
        >>> folder = kg.export.to_saved_model(sampler, "generator_savedmodel").path
        >>> import tensorflow as tf
        >>> sample = tf.saved_model.load(folder).signatures["sample"]
        >>> options = {"n": 4, "seed": [1, 2], "label": 7, "truncation": 1.0}
        >>> sample(**{name: tf.constant(value) for name, value in options.items()})["image_uint8"].shape
        TensorShape([4, 28, 28, 1])
    """
    return export(FORMAT, sampler, path, overwrite, about)


def write(generator: keras.Model, spec: SampleSpec, path: Path, values: Mapping[str, Any]) -> None:
    """Saves a module that holds nothing but the variables and the three functions."""
    import tensorflow as tf

    from kerasgan.export.graph import sample_function, traced

    module = tf.Module(name="generator")
    # The raw variables: a Keras model as an attribute would store each of them a second time.
    module.weights = [weight.value for weight in generator.weights]
    module.generate = traced(generator, spec)
    module.generate_uint8 = tf.function(
        lambda *inputs: {"image_uint8": module.generate(*inputs)["image_uint8"]},
        input_signature=module.generate.input_signature,
    )
    module.sample = sample_function(module.generate_uint8, spec)
    signatures = {
        "serving_default": module.generate,
        "generate_uint8": module.generate_uint8,
        "sample": module.sample,
    }
    try:
        tf.saved_model.save(module, str(path), signatures=signatures)
    except tf.errors.OpError as error:  # TensorFlow's file system has its own errors: no space, no permission
        raise OSError(error.message) from error
    except (AssertionError, ValueError) as error:
        raise InputError(
            f"The generator cannot be exported as SavedModel: TensorFlow cannot save it ({error})."
        ) from error
    (path / METADATA).write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def load(path: Path, spec: SampleSpec) -> Run:
    """The folder as `tf.saved_model.load` runs it."""
    import tensorflow as tf

    signatures = tf.saved_model.load(str(path)).signatures

    def run(latent, label, truncation):
        inputs = {"latent": latent, "label": label, "truncation": np.float32(truncation)}
        inputs = {name: tf.constant(value) for name, value in inputs.items() if value is not None}
        image = signatures["serving_default"](**inputs)["image"].numpy()
        return image, signatures["generate_uint8"](**inputs)["image_uint8"].numpy()

    return run


def program(values: Mapping[str, Any], name: str) -> str:
    """The README's chapter on running it."""
    label = "label=tf.constant(label), " if values["class_names"] else ""
    lines = [
        *imports_program(values, "import tensorflow as tf"),
        "",
        *inputs_program(values),
        'generate = tf.saved_model.load(".").signatures["generate_uint8"]',
        f"outputs = generate(latent=tf.constant(latent), {label}truncation=tf.constant(0.7))",
        'images = outputs["image_uint8"].numpy()',
        save_program(values),
    ]
    one_class = " of one class `label` (scalar)" if values["class_names"] else ""
    return (
        "## Run it\n\n`{}`, then, inside this folder:\n\n```python\n{}\n```\n\n"
        "Signatures: `serving_default` takes and gives all of the table above; `generate_uint8` gives `image_uint8` "
        "alone; `sample` takes `n` (int32 scalar), `seed` (int32 [2]) and `truncation`, draws the latents itself, the "
        "same for the same seed, and gives `n` images{} as `image_uint8`. `metadata.json` holds what is said below, "
        "for programs.\n\n{}"
    ).format(requirements(values, "tensorflow"), "\n".join(lines), one_class, _tensorflow_serving(values))


def _tensorflow_serving(values: Mapping[str, Any]) -> str:
    """The README's chapter on TensorFlow Serving: its REST requests for two signatures, in full."""
    classes = bool(values["class_names"])
    latent = priors.sample(values["prior"], 1, values["latent_dim"], 0).astype(float).round(2).tolist()
    sample = {"n": 8, "seed": [7, 0], **({"label": 0} if classes else {}), "truncation": 0.7}
    generate = {"latent": latent, **({"label": [0]} if classes else {}), "truncation": 0.7}
    url = "http://localhost:8501/v1/models/generator:predict"
    requests = [
        f"curl {url} -d '{json.dumps({'signature_name': name, 'inputs': inputs})}'"
        for name, inputs in (("sample", sample), ("generate_uint8", generate))
    ]
    return (
        "## TensorFlow Serving\n\nInside this folder, which becomes version 1 of a model named `generator`:\n\n```\n"
        'docker run --rm -p 8501:8501 -e MODEL_NAME=generator -v "$PWD:/models/generator/1:ro" tensorflow/serving\n'
        f"```\n\nEight images of a seed:\n\n```\n{requests[0]}\n```\n\nImages of given latents, here of one:\n\n"
        f"```\n{requests[1]}\n```\n\nThe reply's `outputs` is the list of images, numbers from 0 to 255; that of "
        "`serving_default`, which takes the same inputs, holds `image` and `image_uint8`. TensorFlow Serving's other "
        "form of request, `instances`, wants a value of every input for each row; here `truncation` is one for all."
    )


FORMAT = Format("SavedModel", "", "saved_model.pb", ("tensorflow",), write, load, program)

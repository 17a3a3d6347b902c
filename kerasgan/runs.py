"""One training from a recipe to a run folder: what `kerasgan train` does, callable from Python."""

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock

from kerasgan import report, zoo
from kerasgan.data.images import Images
from kerasgan.errors import InputError
from kerasgan.files import whole_file
from kerasgan.plan import entry_of, recipe_for
from kerasgan.recipe import Recipe
from kerasgan.zoo import registry


def train(
    source: str,
    out: str | Path | None = None,
    *,
    images: Images | None = None,
    data_options: dict[str, Any] | None = None,
    resume: bool = True,
    checkpoint_every: float = 30.0,
    exports: tuple[str, ...] = ("onnx", "saved_model"),
    on_collapse: str = "warn",
    keep_best: bool = False,
    extractor: Any = None,
    minutes: float | None = None,
    progress: bool = True,
    compile_options: dict[str, Any] | None = None,
    **changes: Any,
) -> Path:
    """Trains, or goes on where the same call stopped, and leaves a run folder.

    Args:
        source: a zoo entry, a folder of pictures, or an `.npz` file.
        out: the run folder; `runs/<name>` by default.
        images: data in place of what `source` names.
        data_options: for `kerasgan.data.open`, for instance `{"on_corrupt": "skip"}`.
        resume: go on in a folder that holds this very training; `False` refuses such a folder.
        checkpoint_every: seconds between checkpoints.
        exports: formats to write at the end, of `"onnx"` and `"saved_model"`.
        on_collapse: what follows trouble: `"warn"`, `"stop"` or `"rollback"`, see `kerasgan.callbacks.HealthMonitor`.
        keep_best: score the generator after every epoch and keep the best, see `kerasgan.callbacks.BestGenerator`.
        extractor: for those scores, see `kerasgan.metrics.extractors.get`: by default the classifier called like the
            data, else Inception v3, whose weights Keras downloads once.
        minutes: of this sitting, after which it ends with a checkpoint, the Sampler as it is by then, and no exports.
            Only what a rollback may go back to is not kept from one sitting to the next.
        progress: show a progress bar.
        compile_options: `jit_compile`, `steps_per_execution`.
        **changes: recipe fields to set, for instance `epochs=10`; `None` leaves them.

    Returns:
        The run folder: `report.html`, `recipe.json`, `run.json`, `log.jsonl`, `health.jsonl`, `samples/`,
        `checkpoints/`, `sampler.keras` and exports.

    Raises:
        InputError: an unknown source, a run folder made by other settings (the message shows the difference), or one
            that another training runs in.

    Example:
        >>> run = kg.train("gan_digits", epochs=1, exports=(), progress=False)
        >>> kg.Sampler.load(run / "sampler.keras").generate(2).shape
        (2, 28, 28, 1)
    """
    recipe, images = recipe_for(source, images, data_options, **changes)
    judge = _judge(extractor, images) if keep_best else None
    folder = Path(out or Path("runs") / recipe.name)
    with _alone(folder):
        _claim(folder, recipe, resume)
        gan = _build(recipe, images, compile_options or {})
        try:
            over = _fit(gan, recipe, images, folder, checkpoint_every, progress, on_collapse, judge, minutes)
        finally:
            report.write(folder)  # also of a training that is interrupted
        sampler = gan.sampler(recipe.to_dict())
        sampler.save(folder / "sampler.keras")
        _export(sampler, folder, exports if over else ())
    return folder


def rehearse(
    source: str,
    *,
    data_options: dict[str, Any] | None = None,
    compile_options: dict[str, Any] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """Builds everything, trains a few steps in memory, writes nothing.

    Returns:
        The recipe, both parameter counts, steps, and the minutes the whole training would take at the speed measured.
    """
    recipe, images = recipe_for(source, None, data_options, **changes)
    gan = _build(recipe, images, compile_options or {})
    batches = images.batches(recipe.batch_size * recipe.n_critic, seed=recipe.seed)
    warmup, measured = 3, 10
    for i in range(warmup + measured):
        if i == warmup:
            start = time.perf_counter()
        gan.train_on_batch(*batches[i % batches.num_batches])
    seconds = (time.perf_counter() - start) / measured
    steps = batches.num_batches * recipe.epochs
    return {
        "recipe": recipe.to_dict(),
        "images": len(images),
        "generator_parameters": gan.generator.count_params(),
        "discriminator_parameters": gan.discriminator.count_params(),
        "steps": steps,
        "minutes": round(steps * seconds / 60, 1),
    }


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Refuses a second training in the folder while this one lasts; a process that is killed lets go of it."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = filelock.FileLock(folder / ".training.lock").acquire(timeout=0)
    except filelock.Timeout:
        raise InputError(
            f"Another training runs in {str(folder)!r}. Stop it first (the same command then goes on where it "
            "stopped), or choose another --out."
        ) from None
    with lock:
        yield


def _claim(folder: Path, recipe: Recipe, resume: bool) -> None:
    """Makes the folder this recipe's; only the number of epochs may have changed since, if no rate falls by it."""
    path = folder / "recipe.json"
    if path.exists():
        before = Recipe.from_dict(json.loads(path.read_text()))
        differences = (before if recipe.decay else before.replace(epochs=recipe.epochs)).differences(recipe)
        if differences:
            raise InputError(
                f"{str(folder)!r} holds a run made by other settings ({'; '.join(differences)}). "
                "Choose another --out, or repeat those settings."
            )
        if recipe.epochs < before.epochs:
            raise InputError(
                f"{str(folder)!r} holds a run of {before.epochs} epochs. Received epochs={recipe.epochs}: a run can be "
                "prolonged, not shortened. Choose another --out."
            )
        if not resume:
            raise InputError(f"{str(folder)!r} holds this run already. Choose another --out, or let it resume.")
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(recipe.to_dict(), indent=2) + "\n")


def _build(recipe, images, compile_options):
    _make_deterministic()
    names = images.class_names if recipe.num_classes and not recipe.finds_codes else None
    return zoo.build(recipe, class_names=names, steps=_steps(recipe, images), **compile_options)


def _steps(recipe, images):
    """Generator updates of the whole training."""
    return recipe.epochs * (len(images) // (recipe.batch_size * recipe.n_critic))


def _make_deterministic():
    """The same numbers from the same seed, which exact resume needs; TensorFlow has to be asked."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def _judge(extractor, images):
    """The extractor of the scores that choose the best generator; what cannot be had is known before the training."""
    from kerasgan.metrics import extractors

    return extractors.get(extractor, data_name=images.name, channels=images.image_shape[-1])


def _fit(gan, recipe, images, folder, checkpoint_every, progress, on_collapse, judge, minutes):
    """Trains; False if the time was up before its end."""
    from kerasgan import callbacks
    from kerasgan.callbacks.sitting import Sitting
    from kerasgan.callbacks.time_limit import TimeLimit, TimeUp

    images_per_step = recipe.batch_size * recipe.n_critic
    health = callbacks.HealthMonitor(folder / "health.jsonl", on_collapse=on_collapse)
    checkpoint = callbacks.Checkpoint(folder / "checkpoints", every=checkpoint_every)
    hooks: list[Any] = [
        callbacks.JsonLog(folder / "log.jsonl"),
        health,
        callbacks.SampleGrid(folder / "samples", scale=2 if recipe.image_shape[0] <= 32 else 1),
    ]
    if judge:
        path = folder / "best_sampler.keras"
        hooks.append(callbacks.BestGenerator(path, recipe=recipe.to_dict(), extractor=judge))
    own = registry.file_of(entry_of(recipe.name) or "")
    hooks += [checkpoint, Sitting(folder / "run.json", checkpoint, _steps(recipe, images), own.name if own else None)]
    if minutes is not None:
        hooks.append(TimeLimit(checkpoint, minutes))
    if progress:
        hooks.insert(0, callbacks.Progress(images_per_step, health))
    over = True
    try:
        gan.fit(images, batch_size=recipe.batch_size, epochs=recipe.epochs, verbose=0, callbacks=hooks)
    except TimeUp:
        over = False
        for hook in hooks:
            hook.on_train_end()
    return over


def _export(sampler, folder, exports):
    from kerasgan import export

    if "onnx" in exports:
        export.to_onnx(sampler, folder / "generator.onnx", overwrite=True)
    if "saved_model" in exports:
        export.to_saved_model(sampler, folder / "generator_savedmodel", overwrite=True)

"""The adversarial alternation, written once: discriminator updates, a generator update, the average.

Gradients are taken by `kerasgan.backend`; a step never touches `trainable` flags: each player has its variable list.
"""

import keras
from keras import ops

from kerasgan import backend

METRICS = ("loss", "d_loss", "g_loss", "d_real_accuracy", "d_fake_accuracy", "d_grad_norm", "g_grad_norm")
"""What every training step reports, beside the penalties under their names.

`d_loss` and `g_loss` are the adversarial losses; a penalty's figure is what it added to D's loss, averaged over all
updates, those a lazy penalty skipped included; `loss` is the sum of everything minimised; the norms are those of all
gradients of a player together (under a distribution strategy the mean over the replicas' own).
"""


def train(model, data):
    """One step: `n_critic` updates of D, one of G. Returns the running means of all metrics."""
    real, condition = model.unpack(data)
    if model.shares_fakes:
        report = _shared(model, real, condition)
    else:
        reports = []
        parts = _cut(real, condition, model.n_critic)
        for i, part in enumerate(parts):
            reports.append(_update_discriminator(model, part, model.steps * model.n_critic + i))
        report = {**_mean(reports), **_update_generator(model, parts[-1])}
    report["loss"] = report["g_loss"] + sum(report[name] for name in ("d_loss", *(p.name for p in model.penalties)))
    for name, value in report.items():
        # A float16 step that overflowed is skipped by its loss scaler and has no norm.
        finite = ops.isfinite(value) if name.endswith("_norm") else True
        model.trackers[name].update_state(ops.where(finite, value, 0.0), sample_weight=ops.cast(finite, "float32"))
    _finish(model)
    return {name: tracker.result() for name, tracker in model.trackers.items()}


def test(model, data):
    """Losses and accuracies of D against the averaged generator, without any update."""
    real, condition = model.unpack(data)
    n = ops.shape(real)[0]
    fake = model.generate(n, condition, model.ema_generator, training=False)
    real_logits = model.judge(real, condition, training=False)
    fake_logits = model.judge(fake, condition, training=False)
    report = {
        "d_loss": model.adversarial_loss.discriminator(real_logits, fake_logits),
        "g_loss": model.adversarial_loss.generator(fake_logits, real_logits),
        **model._accuracies(real_logits, fake_logits),
    }
    report["loss"] = report["d_loss"] + report["g_loss"]
    for name, value in report.items():
        model.trackers[name].update_state(value, sample_weight=ops.cast(n, "float32"))  # the last batch may be smaller
    return {name: tracker.result() for name, tracker in model.trackers.items() if name in report}


def _shared(model, real, condition):
    """One generator pass feeds both players.

    G's gradient is pulled back through that pass after D has moved, as PyTorch's DCGAN example does with `fake` and
    `fake.detach()`.
    """
    variables = model.generator.trainable_variables
    fake, pull_back = backend.vjp(lambda: model.generate(ops.shape(real)[0], condition), variables, model.all_state)
    fixed = ops.stop_gradient(fake)
    report = _update_discriminator(model, (real, condition), model.steps, fake=fixed)

    def loss(fake):
        value, more = model.generator_loss(fake, real, condition)
        return _scaled(model.optimizer.g, value), {**more, "g_loss": value}

    more, slope = backend.loss_and_input_gradient(loss, fixed, model.all_state)
    return {**report, **more, **_apply(model, "g", pull_back(slope))}


def _update_discriminator(model, part, count, fake=None):
    """One update of D; `count` is the number of updates before it, by which lazy penalties fall due."""

    def gradients(real, condition, fake=fake):
        if fake is None:
            fake = ops.stop_gradient(model.generate(ops.shape(real)[0], condition))

        def loss():
            value, report = model.discriminator_loss(real, fake, condition)
            return _scaled(model.optimizer.d, value), {**report, "d_loss": value}

        variables = model.discriminator.trainable_variables
        _, report, total = backend.value_and_grad(loss, variables, model.all_state)
        for penalty in model.penalties:
            value, slopes = _penalty(model, penalty, real, fake, condition, count)
            report[penalty.name] = value
            total = [a + b for a, b in zip(total, slopes, strict=True)]
        return report, total

    report, total = _accumulated(model, gradients, part)
    return {**report, **_apply(model, "d", total)}


def _penalty(model, penalty, real, fake, condition, count):
    """(value, gradients) of one penalty; zeros where a lazy one is not due."""
    variables = model.discriminator.trainable_variables

    def due():
        def loss():
            def judge(points):
                return model.judge(model.augmented(points), condition)

            def gradient(points):
                return backend.input_gradient(judge, points, model.all_state)

            value = penalty.interval * penalty(gradient, real, fake, model.draws)
            return _scaled(model.optimizer.d, value), value

        _, value, slopes = backend.value_and_grad(loss, variables, model.all_state)
        return value, list(slopes)

    def skipped():
        return ops.zeros((), "float32"), [ops.zeros(v.shape, v.dtype) for v in variables]

    if penalty.interval == 1:
        return due()
    return backend.cond(ops.equal(count % penalty.interval, 0), due, skipped, model.all_state)


def _update_generator(model, part):
    def gradients(real, condition):
        def loss():
            fake = model.generate(ops.shape(real)[0], condition)
            value, report = model.generator_loss(fake, real, condition)
            return _scaled(model.optimizer.g, value), {**report, "g_loss": value}

        _, report, total = backend.value_and_grad(loss, model.generator.trainable_variables, model.all_state)
        return report, list(total)

    report, total = _accumulated(model, gradients, part)
    return {**report, **_apply(model, "g", total)}


def _accumulated(model, gradients, part):
    """Mean report and mean gradients over the micro-batches of a part."""
    real, condition = part
    pieces = _cut(real, condition, model.gradient_accumulation)
    return _mean([gradients(*piece) for piece in pieces])


def _mean(trees):
    if len(trees) == 1:
        return trees[0]
    return keras.tree.map_structure(lambda *leaves: sum(leaves) / len(leaves), *trees)


def _cut(real, condition, count):
    """`count` equal parts of a batch; up to `count - 1` samples at its end go unused."""
    if count == 1:
        return [(real, condition)]
    size = ops.shape(real)[0] // count

    def piece(i):
        return keras.tree.map_structure(lambda x: x[i * size : (i + 1) * size], (real, condition), none_is_leaf=False)

    return [piece(i) for i in range(count)]


def _scaled(optimizer, loss):
    """Loss scaling of mixed precision; strategies sum gradients over replicas, and the loss is a mean."""
    return optimizer.scale_loss(loss / backend.replica()[1])


def _apply(model, player, gradients):
    optimizer = getattr(model.optimizer, player)
    network = model.generator if player == "g" else model.discriminator
    squares = [ops.sum(ops.square(ops.cast(g, "float32"))) for g in gradients]
    norm = ops.sqrt(sum(squares)) / _scaled(optimizer, ops.ones((), "float32"))
    backend.apply_gradients(optimizer, gradients, network.trainable_variables)
    if player == "d" and model.weight_clip:
        variables = model.discriminator.trainable_variables
        backend.assign_all(variables, [ops.clip(v, -model.weight_clip, model.weight_clip) for v in variables])
    return {f"{player}_grad_norm": norm}


def _finish(model):
    """Moves the averaged generator and counts the step."""
    t = ops.cast(model.steps, "float32")
    decay = ops.minimum(model.ema, (1.0 + t) / (model.ema_warmup + t)) if model.ema else 0.0
    average, now = model.ema_generator.weights, model.generator.weights
    moved = [v + ops.cast(decay, v.dtype) * (e - v) for e, v in zip(average, now, strict=True)]
    backend.assign_all([*average, model.steps], [*moved, model.steps + 1])

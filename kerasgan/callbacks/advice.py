"""What to call a trouble, and what to try against it in the training at hand."""

from typing import Any

from kerasgan import checkpoint

TITLES = {
    "nan": "NaN",
    "collapse": "mode collapse",
    "low_diversity": "low diversity",
    "divergence": "divergence",
    "dead_discriminator": "dead discriminator",
    "perfect_discriminator": "perfect discriminator",
    "exploding_gradients": "exploding gradients",
    "vanishing_gradients": "vanishing gradients",
}


def advice(kind: str, model: Any) -> str:
    """What to try, the likeliest first."""
    g, d = (float(checkpoint.values([o.learning_rate])[0]) for o in (model.optimizer.g, model.optimizer.d))
    rates = f"now {g:.2g} (G) and {d:.2g} (D)"
    tries = {
        "nan": [f"lower learning rates ({rates})"],
        "collapse": [f"lower learning rates, first the generator's ({rates})"],
        "low_diversity": [f"lower learning rates ({rates})"],
        "divergence": [f"lower learning rates ({rates})"],
        "dead_discriminator": [f"a higher learning rate of the discriminator ({rates})", "a larger discriminator"],
        "perfect_discriminator": [f"a lower learning rate of the discriminator ({rates})"],
        "exploding_gradients": [f"lower learning rates ({rates})", "normalisation in the generator"],
        "vanishing_gradients": [f"lower learning rates ({rates})", "another activation than ReLU in the discriminator"],
    }[kind]
    if not model.penalties and kind != "dead_discriminator":
        tries.append("a gradient penalty (r1, or wgan_gp for the Wasserstein loss)")
    if (
        kind in ("collapse", "low_diversity", "perfect_discriminator")
        and model.augment is None
        and len(model.image_shape) == 3
    ):
        tries.append("augmentation (translation,cutout)")
    if kind in ("perfect_discriminator", "vanishing_gradients") and type(model.adversarial_loss).__name__ == "Minimax":
        tries.append("the non-saturating loss in place of minimax")
    if kind == "collapse" and model.num_classes == 0:
        tries.append("larger batches, or labels if there are any")
    if "float16" in model.generator.compute_dtype and kind in ("nan", "exploding_gradients"):
        tries.append("bfloat16 or float32 precision")
    return "; ".join(tries)

"""Two training steps with given weights and noise; writes everything they changed. Run on each backend."""

import sys

import numpy as np
import tiny

CASES = {
    "shared": {
        "num_classes": 3,
        "mismatched": 0.3,
        "compile_options": {"penalties": [{"name": "r1", "gamma": 1.0, "interval": 2}]},
    },
    "critics": {
        "n_critic": 2,
        "compile_options": {
            "loss": "relativistic",
            "penalties": ["wgan_gp", "r2", "dragan"],
            "augment": "color,translation,cutout",
            "g_optimizer": {"name": "adam", "learning_rate": 1e-3, "beta_1": 0.0, "epsilon": 1e-3},
            "d_optimizer": {"name": "adam", "learning_rate": 1e-3, "beta_1": 0.0, "epsilon": 1e-3},
        },
    },
}

if __name__ == "__main__":
    out = {}
    for name, case in CASES.items():
        gan = tiny.gan(**case)
        for seed in (3, 4):
            gan.draws = tiny.FixedDraws()  # compiled in as constants, so the noise is that of the first step again
            logs = gan.train_on_batch(*tiny.batch(8, case.get("num_classes", 0), seed=seed), return_dict=True)
        out |= {f"{name}/{key}": value for key, value in tiny.weights(gan).items()}
        out |= {f"{name}/{key}": np.float32(value) for key, value in logs.items()}
    np.savez(sys.argv[1], **out)

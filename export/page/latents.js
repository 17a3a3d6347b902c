// What a sample is: where it lies in the latent space, and of which class.
//
// A sample is {seed, index, label, truncation, shift}: row `index` of Python's `sampler.latents(n, seed)`, pulled to the
// mean latent by `truncation`, then moved along the main directions by `shift` standard deviations. Or it is
// {a, b, mix}, a point on the way from one sample to another. A generator without classes has label -1.

import { Latents } from "./random.js";

const KEPT = 16; // seeds whose rows are remembered

export class LatentSpace {
  constructor(about) {
    this.prior = about.prior;
    this.size = about.latent_dim;
    this.mean = Float32Array.from(about.mean_latent ?? new Array(this.size).fill(0));
    this.directions = about.directions.map((direction) => Float32Array.from(direction.vector));
    this.seeds = new Map();
  }

  /** Float32Array (latent_dim): Sampler.latents(index + 1, seed)[index]. */
  row(seed, index) {
    const latents = this.seeds.get(seed) ?? new Latents(this.prior, this.size, seed);
    this.seeds.delete(seed);
    this.seeds.set(seed, latents);
    if (this.seeds.size > KEPT) this.seeds.delete(this.seeds.keys().next().value);
    return latents.row(index);
  }

  /** The latent of a sample, in float32 at every step, as in Python. */
  of(sample) {
    if (sample.mix !== undefined) return this.between(this.of(sample.a), this.of(sample.b), sample.mix);
    const { mean } = this, truncation = Math.fround(sample.truncation);
    const latent = this.row(sample.seed, sample.index).map(
      (value, i) => mean[i] + Math.fround(truncation * Math.fround(value - mean[i])),
    );
    sample.shift.forEach((amount, k) => {
      if (amount) this.directions[k].forEach((value, i) => (latent[i] += amount * value));
    });
    return latent;
  }

  label(sample) {
    if (sample.mix === undefined) return sample.label;
    return sample.mix < 0.5 ? sample.a.label : sample.b.label; // a label cannot be halved
  }

  /** Along the arc around the mean, where a normal prior has its mass (White, 2016); a uniform one takes the line. */
  between(a, b, mix) {
    const { mean } = this;
    let first = 1 - mix, second = mix;
    if (this.prior !== "uniform") {
      let dot = 0, aa = 0, bb = 0;
      for (let i = 0; i < this.size; i++) {
        const x = a[i] - mean[i], y = b[i] - mean[i];
        dot += x * y;
        aa += x * x;
        bb += y * y;
      }
      const angle = Math.acos(Math.max(-1, Math.min(1, dot / Math.sqrt(aa * bb || 1))));
      if (Math.sin(angle) > 1e-4) {
        first = Math.sin((1 - mix) * angle) / Math.sin(angle);
        second = Math.sin(mix * angle) / Math.sin(angle);
      }
    }
    return a.map((value, i) => mean[i] + first * (value - mean[i]) + second * (b[i] - mean[i]));
  }
}

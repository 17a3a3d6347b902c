// NumPy's default_rng in JavaScript, so that a seed gives the same latents here as in kerasgan's Python.
//
// SeedSequence and PCG64 (XSL-RR, O'Neill 2014) give 64 random bits; the normal distribution is NumPy's 256-step
// ziggurat (Marsaglia & Tsang 2000), the truncated one inverts the normal distribution function (AS 241, Wichura 1988).

const M32 = 0xffffffffn, M64 = (1n << 64n) - 1n, M128 = (1n << 128n) - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;

/** The first `count` uint32 words of numpy.random.SeedSequence(seed), for a whole number from 0 up. */
export function seedWords(seed, count) {
  const entropy = [];
  let rest = BigInt(seed);
  do {
    entropy.push(Number(rest & M32));
    rest >>= 32n;
  } while (rest);

  let constant = 0x43b0d7e5;
  const hash = (value) => {
    value ^= constant;
    constant = Math.imul(constant, 0x931e8875);
    value = Math.imul(value, constant);
    return value ^ (value >>> 16);
  };
  const mix = (x, y) => {
    const value = Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y);
    return (value ^ ((value | 0) >>> 16)) | 0;
  };
  const pool = [0, 1, 2, 3].map((i) => hash(entropy[i] ?? 0));
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mix(pool[to], hash(pool[from]));
  }
  for (const word of entropy.slice(4)) {
    for (let to = 0; to < 4; to++) pool[to] = mix(pool[to], hash(word));
  }

  let out = 0x8b51f9dd;
  return Array.from({ length: count }, (_, i) => {
    let value = pool[i % 4] ^ out;
    out = Math.imul(out, 0x58f38ded);
    value = Math.imul(value, out);
    return (value ^ (value >>> 16)) >>> 0;
  });
}

/** numpy.random.PCG64(seed). */
export class PCG64 {
  constructor(seed) {
    const words = seedWords(seed, 8).map(BigInt);
    const wide = (i) => (words[i + 1] << 96n) | (words[i] << 64n) | (words[i + 3] << 32n) | words[i + 2];
    this.increment = ((wide(4) << 1n) | 1n) & M128;
    this.state = this.increment; // one step from 0
    this.state = (this.state + wide(0)) & M128;
    this.step();
  }

  step() {
    this.state = (this.state * MULTIPLIER + this.increment) & M128;
  }

  /** The next 64 bits, a BigInt. */
  bits() {
    this.step();
    const word = (this.state >> 64n) ^ (this.state & M64);
    const turn = this.state >> 122n;
    return ((word >> turn) | (word << (64n - turn))) & M64;
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform() {
    return Number(this.bits() >> 11n) / 2 ** 53;
  }

  normal() {
    for (;;) {
      const bits = this.bits();
      const layer = Number(bits & 0xffn);
      const magnitude = Number((bits >> 9n) & 0xfffffffffffffn);
      const sign = (bits >> 8n) & 1n ? -1 : 1;
      const x = sign * magnitude * WIDTH[layer];
      if (magnitude < INSIDE[layer]) return x;
      if (layer === 0) {
        for (;;) {
          const tail = -Math.log1p(-this.uniform()) / RIGHT;
          const other = -Math.log1p(-this.uniform());
          if (other + other > tail * tail) return (bits >> 17n) & 1n ? -(RIGHT + tail) : RIGHT + tail;
        }
      }
      if ((HEIGHT[layer - 1] - HEIGHT[layer]) * this.uniform() + HEIGHT[layer] < Math.exp(-0.5 * x * x)) return x;
    }
  }
}

// The ziggurat: 256 layers of equal area below exp(-x^2 / 2); the lowest one reaches from RIGHT into the tail.
const RIGHT = 3.6541528853610088, AREA = 0.00492867323399;
const WIDTH = new Float64Array(256), INSIDE = new Float64Array(256), HEIGHT = new Float64Array(256);
{
  const density = (x) => Math.exp(-0.5 * x * x);
  const base = AREA / density(RIGHT);
  WIDTH[0] = base / 2 ** 52;
  INSIDE[0] = (RIGHT / base) * 2 ** 52;
  HEIGHT[0] = 1;
  for (let layer = 255, edge = RIGHT; layer > 0; layer--) {
    const inner = layer > 1 ? Math.sqrt(-2 * Math.log(AREA / edge + density(edge))) : 0;
    WIDTH[layer] = edge / 2 ** 52;
    INSIDE[layer] = (inner / edge) * 2 ** 52;
    HEIGHT[layer] = density(edge);
    edge = inner;
  }
}

const BELOW = 0.022750131948179195; // of the standard normal distribution lies below -2
// Wichura's coefficients, highest power first: numerator and denominator, near the middle and away from it.
const MIDDLE = [
  [2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457, 13731.693765509461125,
    1971.5909503065514427, 133.14166789178437745, 3.387132872796366608],
  [5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867, 5394.1960214247511077,
    687.1870074920579083, 42.313330701600911252, 1],
];
const AWAY = [
  [7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
    3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734],
  [1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
    0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1],
];
const ratio = ([above, below], x) => {
  const value = (terms) => terms.reduce((sum, term) => sum * x + term, 0);
  return value(above) / value(below);
};

/** The point below which the part `p` of the standard normal distribution lies; p from 0.001 to 0.999. */
export function inverseNormal(p) {
  const middle = p - 0.5;
  if (Math.abs(middle) <= 0.425) return middle * ratio(MIDDLE, 0.180625 - middle * middle);
  return Math.sign(middle) * ratio(AWAY, Math.sqrt(-Math.log(Math.min(p, 1 - p))) - 1.6);
}

const DRAWS = {
  normal: (rng) => rng.normal(),
  uniform: (rng) => -1 + 2 * rng.uniform(),
  truncated_normal: (rng) => inverseNormal(BELOW + (1 - 2 * BELOW) * rng.uniform()),
};

/** The rows of Sampler.latents(n, seed), drawn as they are asked for: row k does not depend on n. */
export class Latents {
  constructor(prior, size, seed) {
    this.draw = DRAWS[prior];
    this.size = size;
    this.rng = new PCG64(seed);
    this.rows = [];
  }

  row(k) {
    while (this.rows.length <= k) this.rows.push(Float32Array.from({ length: this.size }, () => this.draw(this.rng)));
    return this.rows[k];
  }
}

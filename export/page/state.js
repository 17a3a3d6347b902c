// What the visitor chose, and the part of the address after # that brings it back.

export const COUNTS = [9, 16, 25, 36, 49, 64];
export const REACH = 3; // standard deviations a slider goes each way
export const LARGEST_SEED = 2 ** 32 - 1;

/** The choices of a first visit. */
export function defaults(about) {
  const [height, width] = about.image_shape;
  return {
    seed: 0,
    label: null, // every class in turn
    truncation: 0.8,
    count: height * width > 64 * 64 ? 9 : 36,
    cell: 0,
    shift: about.directions.map(() => 0),
    a: null, // samples that were pinned
    b: null,
    mix: null, // the stage shows a cell, or this point between A and B
    smooth: false,
  };
}

/** One cell of the grid as a sample, see latents.js; labels as Python's `generate` gives them. */
export function cellSample(state, index, about) {
  const classes = about.class_names.length;
  const label = !classes ? -1 : state.label ?? index % classes;
  return { seed: state.seed, index, label, truncation: state.truncation, shift: [...state.shift] };
}

/** Both ends of the path: what was pinned, else two cells, of one class where there is one. */
export function ends(state, about) {
  const classes = about.class_names.length;
  const second = state.label === null && classes && classes < state.count ? classes : 1;
  return [state.a ?? cellSample(state, 0, about), state.b ?? cellSample(state, second, about)];
}

export function toHash(state, about) {
  const values = {
    seed: state.seed,
    ...(about.class_names.length ? { class: state.label ?? "all" } : {}),
    truncation: state.truncation,
    grid: state.count,
    cell: state.cell,
    ...(state.shift.some(Boolean) ? { shift: state.shift.join(",") } : {}),
    ...(state.a ? { a: pinText(state.a) } : {}),
    ...(state.b ? { b: pinText(state.b) } : {}),
    ...(state.mix === null ? {} : { mix: state.mix }),
    ...(state.smooth ? { smooth: 1 } : {}),
  };
  return "#" + Object.entries(values).map(([key, value]) => `${key}=${value}`).join("&");
}

/** The state of a hash; what cannot be right is left at its default. */
export function fromHash(hash, about) {
  const state = defaults(about);
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const classes = about.class_names.length;
  state.seed = whole(given.get("seed"), 0, LARGEST_SEED) ?? state.seed;
  state.label = classes ? whole(given.get("class"), 0, classes - 1) : null;
  state.truncation = number(given.get("truncation"), 0, 1) ?? state.truncation;
  state.count = COUNTS.find((count) => String(count) === given.get("grid")) ?? state.count;
  state.cell = whole(given.get("cell"), 0, state.count - 1) ?? 0;
  state.shift = shiftOf(given.get("shift")?.split(",") ?? [], about) ?? state.shift;
  state.a = pin(given.get("a"), about);
  state.b = pin(given.get("b"), about);
  state.mix = number(given.get("mix"), 0, 1);
  state.smooth = given.get("smooth") === "1";
  return state;
}

function pinText(sample) {
  const moved = sample.shift.some(Boolean) ? sample.shift : [];
  return [sample.seed, sample.index, sample.label, sample.truncation, ...moved].join(",");
}

function pin(text, about) {
  const [seed, index, label, truncation, ...shift] = (text ?? "").split(",");
  const classes = about.class_names.length;
  const sample = {
    seed: whole(seed, 0, LARGEST_SEED),
    index: whole(index, 0, Math.max(...COUNTS) - 1),
    label: classes ? whole(label, 0, classes - 1) : -1,
    truncation: number(truncation, 0, 1),
    shift: shift.length ? shiftOf(shift, about) : about.directions.map(() => 0),
  };
  return Object.values(sample).includes(null) ? null : sample;
}

function shiftOf(texts, about) {
  if (texts.length !== about.directions.length) return null;
  const values = texts.map((text) => number(text, -REACH, REACH));
  return values.includes(null) ? null : values;
}

function number(text, low, high) {
  const value = text?.trim() ? Number(text) : NaN;
  return value >= low && value <= high ? value : null;
}

function whole(text, low, high) {
  const value = number(text, low, high);
  return Number.isInteger(value) ? value : null;
}

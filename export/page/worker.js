// Everything that takes time, off the page's thread: onnxruntime-web, the latents and the images.
//
// In:  {type: "load"}, {type: "draw", channel, id, samples}, {type: "check"}.
// Out: {type: "progress", part}, {type: "ready"}, {type: "drawn", channel, id, start, images, done},
//      {type: "checked", ...}, {type: "failed", message}.
// A channel keeps its newest request only; the order of CHANNELS is who comes first.

import * as ort from "./ort/ort.wasm.bundle.min.mjs";
import { LatentSpace } from "./latents.js";

const CHANNELS = ["stage", "grid", "strip", "ends"];
const PATIENCE = 60; // milliseconds one run may take, so that a newer wish of the visitor is soon heard
const RUNTIME = "ort/ort-wasm-simd-threaded.wasm.gz";
const MODEL = "generator.onnx";

let about, space, session;
let pace = 5; // milliseconds per image, as measured
const waiting = new Map();
let running = false;

self.onmessage = ({ data }) => {
  if (data.type === "load") guard(load);
  else if (data.type === "check") guard(check);
  else {
    waiting.set(data.channel, { ...data, start: 0 });
    guard(work);
  }
};

async function guard(task) {
  try {
    await task();
  } catch (error) {
    postMessage({ type: "failed", message: error?.message ?? String(error) });
  }
}

async function load() {
  about = await (await found("kerasgan.json")).json();
  space = new LatentSpace(about);
  const names = [RUNTIME, MODEL];
  const total = names.reduce((sum, name) => sum + about.files[name].bytes, 0);
  let loaded = 0;
  const [runtime, model] = await Promise.all(names.map((name) => bytes(name, (more) => {
    loaded += more;
    postMessage({ type: "progress", part: Math.min(1, loaded / total) });
  })));
  ort.env.wasm.numThreads = 1; // more would need special headers from the host
  ort.env.wasm.wasmBinary = await unpacked(runtime);
  ort.env.logLevel = "error";
  session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  postMessage({ type: "ready" });
}

async function found(name) {
  const reply = await fetch(name);
  if (!reply.ok) throw new Error(`${name} is missing (${reply.status})`);
  return reply;
}

async function bytes(name, progress) {
  const parts = [];
  const reader = (await found(name)).body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(await new Blob(parts).arrayBuffer());
    parts.push(value);
    progress(value.length);
  }
}

/** Some hosts announce a .gz file as compressed, and the browser has unpacked it already. */
async function unpacked(data) {
  if (data[0] !== 0x1f || data[1] !== 0x8b) return data;
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Outputs of the network for some samples. */
function run(samples, outputs) {
  const n = samples.length, size = about.latent_dim;
  const latent = new Float32Array(n * size);
  samples.forEach((sample, i) => latent.set(space.of(sample), i * size));
  const inputs = {
    latent: new ort.Tensor("float32", latent, [n, size]),
    truncation: new ort.Tensor("float32", [1], []), // the latents are truncated already
  };
  if (about.class_names.length) {
    inputs.label = new ort.Tensor("int32", Int32Array.from(samples, (sample) => space.label(sample)), [n]);
  }
  return session.run(inputs, outputs);
}

async function work() {
  if (running) return;
  running = true;
  try {
    for (;;) {
      const job = waiting.get(CHANNELS.find((channel) => waiting.has(channel)));
      if (!job) return;
      const part = job.samples.slice(job.start, job.start + Math.max(1, Math.floor(PATIENCE / pace)));
      const begin = performance.now();
      const images = (await run(part, ["image_uint8"])).image_uint8.data.slice();
      pace = 0.7 * pace + 0.3 * ((performance.now() - begin) / part.length);
      const { channel, id, start } = job;
      job.start += part.length;
      const done = job.start >= job.samples.length;
      if (done && waiting.get(channel) === job) waiting.delete(channel);
      postMessage({ type: "drawn", channel, id, start, images, done }, [images.buffer]);
      await new Promise((resolve) => setTimeout(resolve)); // hear newer requests
    }
  } finally {
    running = false;
  }
}

/** This browser's latents and images against those that Python stored. */
async function check() {
  const test = about.self_test, size = about.latent_dim;
  const stored = new Float32Array(await (await found("self_test.bin")).arrayBuffer());
  const latents = stored.subarray(0, test.images * size), expected = stored.subarray(test.images * size);
  const samples = Array.from({ length: test.images }, (_, index) => (
    { seed: test.seed, index, label: test.labels?.[index] ?? -1, truncation: test.truncation, shift: [] }
  ));
  const drawn = samples.flatMap(({ seed, index }) => [...space.row(seed, index)]);
  const begin = performance.now();
  const { image, image_uint8 } = await run(samples, ["image", "image_uint8"]);
  const milliseconds = (performance.now() - begin) / test.images;
  const [low, high] = about.value_range;
  const asBytes = expected.map((value) => Math.max(0, Math.min(255, Math.round((value - low) * (255 / (high - low))))));
  const result = {
    latents: largest(drawn, latents),
    image: largest(image.data, expected),
    image_uint8: largest(image_uint8.data, asBytes),
    milliseconds,
  };
  // A NaN passes no comparison.
  const good = result.latents < 1e-5 && result.image <= test.allowed && result.image_uint8 <= test.allowed_uint8;
  postMessage({ type: "checked", good, ...result });
}

function largest(values, expected) {
  if (values.length !== expected.length) return Infinity;
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const difference = Math.abs(values[i] - expected[i]);
    if (!(difference <= most)) most = difference;
    if (Number.isNaN(most)) return NaN;
  }
  return most;
}

// The page: the visitor's choices to requests, the worker's images to the screen.

import { FRAMES, build } from "./controls.js";
import { paint, canvasOf, savePNG, sheet } from "./draw.js";
import { announce, copied, showAbout, showCheck } from "./news.js";
import { LARGEST_SEED, REACH, cellSample, defaults, ends, fromHash, toHash } from "./state.js";

const LAP = 3000; // milliseconds from A to B
const $ = (id) => document.getElementById(id);

let about, state, worker;
let ready = false, checked = false, playing = null, hashTimer = null;
const canvases = { stage: [$("stage-canvas")], grid: [] }; // of each channel, in the order of its samples
const asked = {}; // channel -> {id, text} of its newest request
const open = new Set(); // channels whose newest request is unanswered

start().catch(fail);

async function start() {
  $("status-text").classList.remove("late");
  tell("Loading…");
  if (typeof DecompressionStream === "undefined" || typeof WebAssembly === "undefined") {
    throw new Error("this browser is too old; Chrome 91, Firefox 114, Safari 16.4 and later will do");
  }
  const reply = await fetch("kerasgan.json");
  if (!reply.ok) throw new Error(`kerasgan.json is missing (${reply.status})`);
  about = await reply.json();
  state = fromHash(location.hash, about);
  Object.assign(canvases, build(about, { turn, chooseClass, walk }));
  showAbout(about);
  wire();
  render();
  worker = new Worker("worker.js", { type: "module" });
  worker.onerror = (event) => fail(new Error(event.message || "its worker did not start"));
  worker.onmessage = ({ data }) => hear[data.type](data);
  worker.postMessage({ type: "load" });
}

function fail(error) {
  console.error(error);
  worker?.terminate();
  document.body.dataset.state = "failed";
  $("progress").hidden = true;
  tell(`The generator cannot run here: ${error.message}.`);
}

function tell(text) {
  $("status").hidden = !text;
  $("status-text").textContent = text;
}

const hear = {
  progress({ part }) {
    if (document.body.dataset.state === "failed") return;
    $("progress").hidden = false;
    $("progress").value = part;
    tell(part < 1 ? "Loading the generator…" : "Starting the generator…");
  },
  ready() {
    ready = true;
    $("progress").hidden = true;
    tell("");
    render();
  },
  drawn({ channel, id, start, images, done }) {
    const size = images.length / about.image_shape.reduce((a, b) => a * b);
    for (let k = 0; k < size; k++) {
      const canvas = canvases[channel][start + k];
      if (canvas) paint(canvas, images, k, about.image_shape);
    }
    if (done && id === asked[channel].id) open.delete(channel);
    if (!open.size && !checked) {
      checked = true;
      worker.postMessage({ type: "check" });
    }
    document.body.dataset.busy = String(open.size > 0);
  },
  checked: (result) => showCheck(result, about),
  failed: ({ message }) => fail(new Error(message)),
};

/** Sends a channel's samples to the worker, unless they are what it was last asked for. */
function ask(channel, samples) {
  const text = JSON.stringify(samples);
  if (!ready || asked[channel]?.text === text) return;
  asked[channel] = { id: (asked[channel]?.id ?? 0) + 1, text };
  open.add(channel);
  document.body.dataset.busy = "true";
  worker.postMessage({ type: "draw", channel, id: asked[channel].id, samples });
}

function change(values) {
  Object.assign(state, values);
  render();
  clearTimeout(hashTimer);
  hashTimer = setTimeout(writeHash, 200);
}

function writeHash() {
  clearTimeout(hashTimer);
  history.replaceState(null, "", toHash(state, about));
}

function stageSample() {
  const [a, b] = ends(state, about);
  return state.mix === null ? cellSample(state, state.cell, about) : { a, b, mix: state.mix };
}

function className(label) {
  return about.class_names[label] ?? "";
}

/** A choice of another image, which ends the animation. */
function choice(values) {
  play(false);
  change({ ...values, mix: null });
}

function walk(mix) {
  play(false);
  change({ mix });
}

function turn(k, value) {
  choice({ shift: state.shift.map((old, i) => (i === k ? value : old)) });
}

function chooseClass(label) {
  choice({ label });
}

function buildGrid() {
  $("grid").style.setProperty("--columns", Math.sqrt(state.count));
  canvases.grid = [];
  delete asked.grid;
  $("grid").replaceChildren(...Array.from({ length: state.count }, (_, k) => {
    const cell = document.createElement("div");
    cell.setAttribute("role", "option");
    cell.onclick = () => choose(k);
    cell.append(canvasOf(about.image_shape));
    canvases.grid.push(cell.firstChild);
    return cell;
  }));
}

function choose(cell) {
  choice({ cell });
}

function render() {
  if (canvases.grid.length !== state.count) buildGrid();
  state.cell = Math.min(state.cell, state.count - 1);
  const samples = Array.from({ length: state.count }, (_, k) => cellSample(state, k, about));
  const [a, b] = ends(state, about);
  ask("stage", [stageSample()]);
  ask("grid", samples);
  ask("strip", Array.from({ length: FRAMES }, (_, k) => ({ a, b, mix: k / (FRAMES - 1) })));
  ask("ends", about.directions.flatMap((_, k) => [-REACH, REACH].map((end) => {
    const shift = state.shift.map((value, i) => (i === k ? end : value));
    return { ...samples[state.cell], shift };
  })));

  if (document.activeElement !== $("seed") || $("seed").valueAsNumber !== state.seed) $("seed").value = state.seed;
  $("truncation").value = state.truncation;
  $("truncation-value").textContent = state.truncation.toFixed(2);
  $("count").value = state.count;
  $("smooth").checked = state.smooth;
  document.body.classList.toggle("smooth", state.smooth);
  $("mix").value = state.mix ?? 0;
  $("path").classList.toggle("shown", state.mix !== null);
  $("path-hint").textContent = a.label === b.label ? "" : `${className(a.label)} becomes ${className(b.label)} halfway: classes do not blend`;
  $("unpin").hidden = !state.a && !state.b;
  for (const input of document.querySelectorAll("input[name=class]")) input.checked = input.value === String(state.label ?? "all");
  $("class-select").value = String(state.label ?? "all");
  document.querySelectorAll("#directions > div").forEach((row, k) => {
    row.querySelector("input").value = state.shift[k];
    row.querySelector("output").textContent = state.shift[k] ? state.shift[k].toFixed(1) : "";
  });
  $("reset").disabled = !state.shift.some(Boolean);
  const [textA, textB] = [a, b].map((sample) => JSON.stringify(sample));
  [...$("grid").children].forEach((cell, k) => {
    const text = JSON.stringify(samples[k]), chosen = state.mix === null && k === state.cell;
    cell.setAttribute("aria-selected", chosen);
    cell.tabIndex = k === state.cell ? 0 : -1;
    cell.setAttribute("aria-label", `Sample ${k + 1} ${className(samples[k].label)}`.trim());
    const mark = (text === textA ? "A" : "") + (text === textB ? "B" : "");
    if (mark) cell.dataset.mark = mark;
    else delete cell.dataset.mark;
  });
  renderCaption(samples[state.cell]);
}

function renderCaption(sample) {
  const named = className(sample.label), moved = state.shift.some(Boolean), mixed = state.mix !== null;
  $("caption").textContent = mixed
    ? `${Math.round(100 * state.mix)} % of the way from A to B`
    : [named && `class ${named}`, `seed ${state.seed}`, `sample ${state.cell + 1}`, moved && "turned"].filter(Boolean).join(" · ");
  $("stage-canvas").setAttribute("aria-label", `The chosen image: ${$("caption").textContent}`);
  $("pin-a").disabled = $("pin-b").disabled = mixed;
  $("python").hidden = mixed || moved;
  const labels = named ? `labels=${sample.label}, ` : "";
  $("code").textContent = `sampler.generate(${state.cell + 1}, ${labels}seed=${state.seed}, truncation=${state.truncation})[-1]`;
}

function pin(end) {
  change({ [end]: cellSample(state, state.cell, about) });
  announce(`Pinned as ${end.toUpperCase()}`);
}

function save() {
  const place = state.mix === null ? `${state.cell + 1}` : `mix${Math.round(100 * state.mix)}`;
  savePNG($("stage-canvas"), `${about.name}-seed${state.seed}-${place}`, 512, state.smooth);
}

function play(on) {
  cancelAnimationFrame(playing);
  playing = null;
  $("play").textContent = on ? "Pause" : "Play";
  $("play").setAttribute("aria-pressed", on);
  if (!on) return;
  const begin = performance.now() - LAP * (state.mix ?? 0);
  const step = (now) => {
    const lap = ((now - begin) / LAP) % 2; // there and back
    if (!open.has("stage")) change({ mix: Number(Math.max(0, lap < 1 ? lap : 2 - lap).toFixed(3)) });
    playing = requestAnimationFrame(step);
  };
  playing = requestAnimationFrame(step);
}

function wire() {
  const toSeed = (seed) => choice({ seed: Math.max(0, Math.min(LARGEST_SEED, Math.floor(seed))) });
  $("seed").oninput = (event) => event.target.validity.valid && event.target.value && toSeed(event.target.valueAsNumber);
  $("seed").onchange = (event) => toSeed(event.target.valueAsNumber || 0);
  $("previous").onclick = () => toSeed(state.seed - 1);
  $("next").onclick = () => toSeed(state.seed + 1);
  $("random").onclick = () => toSeed(Math.random() * 1e6);
  $("truncation").oninput = (event) => choice({ truncation: Number(event.target.value) });
  $("count").onchange = (event) => change({ count: Number(event.target.value) });
  $("smooth").onchange = (event) => change({ smooth: event.target.checked });
  $("mix").oninput = (event) => walk(Number(event.target.value));
  $("play").onclick = () => play(playing === null);
  $("pin-a").onclick = () => pin("a");
  $("pin-b").onclick = () => pin("b");
  $("unpin").onclick = () => change({ a: null, b: null });
  $("reset").onclick = () => choice({ shift: defaults(about).shift });
  $("save").onclick = save;
  $("save-grid").onclick = () => savePNG(sheet(canvases.grid, Math.sqrt(state.count)), `${about.name}-seed${state.seed}-grid`, 1024, state.smooth);
  $("link").onclick = () => {
    writeHash();
    copied(location.href, "Link copied");
  };
  $("copy-code").onclick = () => copied($("code").textContent, "Copied");
  $("badge").onclick = $("about-open").onclick = () => $("about").showModal();
  $("grid").onkeydown = keys;
  addEventListener("hashchange", () => {
    play(false);
    state = fromHash(location.hash, about);
    render();
  });
}

function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const columns = Math.sqrt(state.count), last = state.count - 1;
  const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -last, End: last };
  const acts = { a: () => pin("a"), b: () => pin("b"), s: save, Enter: () => choose(state.cell), " ": () => choose(state.cell) };
  const move = moves[event.key], act = acts[event.key] ?? acts[event.key.toLowerCase()];
  if (move === undefined && !act) return;
  event.preventDefault();
  if (act) return act();
  const far = Math.abs(move) === last;
  const target = far ? Math.max(0, Math.min(last, state.cell + move)) : state.cell + move;
  if (target < 0 || target > last) return;
  choose(target);
  $("grid").children[target].focus();
}

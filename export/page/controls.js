// Controls that can be made only once the model is known.

import { canvasOf } from "./draw.js";
import { COUNTS, REACH } from "./state.js";

export const FRAMES = 7; // of the path
const MANY_CLASSES = 24; // beyond, a list instead of chips
const $ = (id) => document.getElementById(id);

/** Fills the page; `on` has turn(k, value), chooseClass(label or null) and walk(mix). Returns the canvases made. */
export function build(about, on) {
  const [height, width] = about.image_shape;
  const title = `${about.name} ${about.version}`.trim();
  document.title = `${title} · kerasgan`;
  $("name").textContent = title;
  const weights = about.parameters < 1e6 ? about.parameters.toLocaleString("en") : `${(about.parameters / 1e6).toFixed(1)} million`;
  $("tagline").textContent = `A neural network with ${weights} weights draws ${width}×${height} images, right here in your browser.`;
  document.body.style.setProperty("--aspect", `${width} / ${height}`);
  document.body.style.setProperty("--ratio", width / height);
  Object.assign($("stage-canvas"), { width, height });
  $("count").append(...COUNTS.map((count) => new Option(`${Math.sqrt(count)} × ${Math.sqrt(count)}`, count)));
  buildClasses(about.class_names, on.chooseClass);
  $("turn").hidden = !about.directions.length;
  const canvas = () => canvasOf(about.image_shape);
  return { strip: buildStrip(canvas, on.walk), ends: buildDirections(about.directions, canvas, on.turn) };
}

function buildClasses(names, chooseClass) {
  if (!names.length) return;
  const choose = (value) => chooseClass(value === "all" ? null : Number(value));
  if (names.length > MANY_CLASSES) {
    $("classes-select").hidden = false;
    $("class-select").append(new Option("every class", "all"), ...names.map((name, k) => new Option(name, k)));
    $("class-select").onchange = (event) => choose(event.target.value);
    return;
  }
  $("classes").hidden = false;
  for (const value of ["all", ...names.keys()]) {
    const label = document.createElement("label"), input = document.createElement("input");
    Object.assign(input, { type: "radio", name: "class", value });
    input.onchange = () => choose(value);
    const text = document.createElement("span");
    text.textContent = value === "all" ? "all" : names[value];
    label.append(input, text);
    $("classes").append(label);
  }
}

function buildStrip(canvas, walk) {
  return Array.from({ length: FRAMES }, (_, k) => {
    const frame = document.createElement("button"), mix = k / (FRAMES - 1);
    frame.type = "button";
    frame.setAttribute("aria-label", `${Math.round(100 * mix)} % of the way from A to B`);
    frame.onclick = () => walk(mix);
    frame.append(canvas());
    if (mix === 0 || mix === 1) frame.dataset.mark = mix ? "B" : "A";
    $("strip").append(frame);
    return frame.firstChild;
  });
}

/** A slider for each, with what lies at its two ends beside it. */
function buildDirections(directions, canvas, turn) {
  return directions.flatMap(({ share }, k) => {
    const row = document.createElement("div");
    row.innerHTML = `<button type="button" tabindex="-1" aria-hidden="true"></button>
      <label for="turn-${k}">${k + 1}<span class="hint"> · ${Math.round(100 * share)} %</span></label>
      <output for="turn-${k}"></output>
      <input id="turn-${k}" type="range" min="${-REACH}" max="${REACH}" step="0.1" aria-label="Direction ${k + 1}">
      <button type="button" tabindex="-1" aria-hidden="true"></button>`;
    row.querySelector("input").oninput = (event) => turn(k, Number(event.target.value));
    $("directions").append(row);
    return [...row.querySelectorAll("button")].map((button, right) => {
      button.append(canvas());
      button.onclick = () => turn(k, right ? REACH : -REACH);
      return button.firstChild;
    });
  });
}

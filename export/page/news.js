// What the page tells: the self-test's badge, the facts about the model, short messages.

const $ = (id) => document.getElementById(id);
let timer;

export function announce(text) {
  $("toast").textContent = text;
  $("toast").classList.add("on");
  clearTimeout(timer);
  timer = setTimeout(() => $("toast").classList.remove("on"), 1800);
}

/** Puts text on the clipboard, or shows it where a browser does not let a page do so. */
export async function copied(text, message) {
  try {
    await navigator.clipboard.writeText(text);
    announce(message);
  } catch {
    $("link-title").textContent = message === "Link copied" ? "Link to this picture" : "To be copied by hand";
    $("link-text").value = text;
    $("link-dialog").showModal();
    $("link-text").select();
  }
}

export function showCheck({ good, latents, image, image_uint8, milliseconds }, about) {
  const { images, allowed } = about.self_test;
  const size = (value) => (value === 0 ? "0" : value.toExponential(0));
  Object.assign($("badge").dataset, { state: good ? "good" : "bad", image, imageUint8: image_uint8, latents });
  $("badge-text").textContent = good ? `matches Python to ${size(image)}` : "differs from Python";
  $("self-test").textContent =
    `${images} images that Python drew with Keras were drawn again by this browser, ${milliseconds.toFixed(1)} ms each. ` +
    `The largest difference was ${size(image)} (${size(allowed)} is allowed), ${image_uint8} of 255 in a pixel's bytes, ` +
    `and ${size(latents)} in the random numbers.`;
}

export function showAbout(about) {
  const facts = {
    "Data set": about.dataset || "not stated",
    "Its licence": about.dataset_license || "not stated",
    "Licence of the weights": about.license || "not stated",
    Images: `${about.image_shape[1]} × ${about.image_shape[0]}, ${{ 1: "grey", 3: "colour", 4: "colour and opacity" }[about.image_shape[2]]}`,
    Classes: about.class_names.join(", ") || "none",
    Latent: `${about.latent_dim} numbers, ${about.prior.replace("_", " ")}`,
    Weights: `${about.parameters.toLocaleString("en")}, SHA-256 ${about.weights_sha256.slice(0, 16)}…`,
    Runtime: `${about.runtime.package} ${about.runtime.version}`,
    "Written with": Object.entries(about.libraries).map((pair) => pair.join(" ")).join(", "),
  };
  $("facts").replaceChildren(...Object.entries(facts).flatMap(([name, value]) => {
    const term = document.createElement("dt"), text = document.createElement("dd");
    term.textContent = name;
    text.textContent = value;
    return [term, text];
  }));
}

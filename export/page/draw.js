// Bytes of images to canvases and PNG files.

/** Paints image k of uint8 `images` (n, height, width, channels) on a canvas of that size. */
export function paint(canvas, images, k, [height, width, channels]) {
  const from = k * height * width * channels;
  const picture = new ImageData(width, height);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) picture.data[4 * i + c] = images[from + i * channels + (channels === 1 ? 0 : c)];
    picture.data[4 * i + 3] = channels === 4 ? images[from + i * channels + 3] : 255;
  }
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

export function canvasOf([height, width]) {
  const canvas = document.createElement("canvas");
  canvas.height = height;
  canvas.width = width;
  return canvas;
}

/** Canvases in rows with a white pixel between them, as `kerasgan.viz.grid` lays them out. */
export function sheet(canvases, columns) {
  const { width, height } = canvases[0];
  const rows = Math.ceil(canvases.length / columns);
  const whole = canvasOf([rows * (height + 1) - 1, columns * (width + 1) - 1]);
  const context = whole.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, whole.width, whole.height);
  canvases.forEach((canvas, i) => {
    const left = (i % columns) * (width + 1), top = Math.floor(i / columns) * (height + 1);
    context.clearRect(left, top, width, height);
    context.drawImage(canvas, left, top);
  });
  return whole;
}

/** Hands the visitor a PNG file, each pixel enlarged a whole number of times towards `size`. */
export async function savePNG(canvas, name, size, smooth) {
  const factor = Math.max(1, Math.floor(size / Math.max(canvas.width, canvas.height)));
  const large = canvasOf([canvas.height * factor, canvas.width * factor]);
  const context = large.getContext("2d");
  context.imageSmoothingEnabled = smooth;
  context.imageSmoothingQuality = "high";
  context.drawImage(canvas, 0, 0, large.width, large.height);
  const blob = await new Promise((resolve) => large.toBlob(resolve, "image/png"));
  const anchor = document.createElement("a");
  anchor.href = URL.createObjectURL(blob);
  anchor.download = `${name}.png`;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000);
}

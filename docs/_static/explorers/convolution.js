// The arithmetic of convolutions, on a page that has no kernel. The numbers are those of
// dcgan_keras/convolution.py; tests/site/test_explorers.py compares the two.
"use strict";

const convolution = {
  // Zeros before and after one axis; an odd one goes after, as in TensorFlow.
  paddingAmounts(size, kernel, stride, padding) {
    if (padding === "valid") return [0, 0];
    if (padding !== "same") return [padding, padding];
    const outputs = Math.ceil(size / stride);
    const total = Math.max((outputs - 1) * stride + kernel - size, 0);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  },

  outputSize(size, kernel, stride, padding) {
    const [before, after] = this.paddingAmounts(size, kernel, stride, padding);
    const wide = size + before + after;
    if (kernel > wide)
      throw new RangeError(
        `The ${kernel}×${kernel} kernel does not fit into ${wide}×${wide} pixels: ` +
          "take a smaller kernel, a larger image, or more zeros.",
      );
    return Math.floor((wide - kernel) / stride) + 1;
  },

  transposedOutputSize(size, kernel, stride, padding) {
    if (padding === "same") return size * stride;
    if (padding === "valid") return size * stride + Math.max(kernel - stride, 0);
    const outputs = (size - 1) * stride - 2 * padding + kernel;
    if (outputs < 1)
      throw new RangeError(
        "Nothing is left after cropping: crop less, or take a larger kernel or map.",
      );
    return outputs;
  },

  // W of a size×size image: for each output the pixels it reads, as [pixel, tap].
  matrix(size, kernel, stride, padding) {
    const outputs = this.outputSize(size, kernel, stride, padding);
    const [before] = this.paddingAmounts(size, kernel, stride, padding);
    const inside = (n) => n >= 0 && n < size;
    const rows = [];
    for (let output = 0; output < outputs * outputs; output++) {
      const top = Math.floor(output / outputs) * stride - before;
      const left = (output % outputs) * stride - before;
      const row = [];
      for (let tap = 0; tap < kernel * kernel; tap++) {
        const y = top + Math.floor(tap / kernel);
        const x = left + (tap % kernel);
        if (inside(y) && inside(x)) row.push([y * size + x, tap]);
      }
      rows.push(row);
    }
    return rows;
  },
};

// What the page shows, worked out from the sliders; nothing is drawn here.
function layerOf({ transposed, size, kernel, stride, padding }) {
  const image = transposed
    ? convolution.transposedOutputSize(size, kernel, stride, padding)
    : size;
  const rows = convolution.matrix(image, kernel, stride, padding);
  const map = Math.sqrt(rows.length);
  const zeros = convolution.paddingAmounts(image, kernel, stride, padding);
  const entries = rows.flatMap((row, j) => row.map(([i, tap]) => [j, i, tap]));
  return { image, map, zeros, rows, entries };
}

function formulaOf({ transposed, size, kernel, stride, padding }, { map, image, zeros }) {
  const p = zeros[0] + zeros[1];
  if (!transposed && padding === "same") {
    const start = `padding “same”: ⌈i / s⌉ = ⌈${size} / ${stride}⌉ = ${map}`;
    return `${start}, for which p = ${zeros[0]} + ${zeros[1]} zeros are needed`;
  }
  if (!transposed)
    return `⌊(i + p − k) / s⌋ + 1 = ⌊(${size} + ${p} − ${kernel}) / ${stride}⌋ + 1 = ${map}`;
  if (padding === "same") {
    const all = (size - 1) * stride + kernel;
    const cut = Math.max(all - image, 0);
    const why = cut ? `${cut} of the stamps’ ${all} are cropped` : "nothing is cropped";
    return `padding “same”: i · s = ${size} · ${stride} = ${image}; ${why}`;
  }
  if (padding === "valid" && kernel < stride)
    return `k < s, so Keras keeps i · s = ${size} · ${stride} = ${image}; some stay empty`;
  return `(i − 1) s − p + k = (${size} − 1) · ${stride} − ${p} + ${kernel} = ${image}`;
}

const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
const HUES = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"];

// A tap's colour: a hue for its row, a strength for its column.
function paint(tap, kernel) {
  const strength = kernel === 1 ? 1 : 0.3 + (0.7 * (tap % kernel)) / (kernel - 1);
  return `fill="${HUES[Math.floor(tap / kernel)]}" fill-opacity="${strength.toFixed(2)}"`;
}

function svg(wide, high, inside, about) {
  return (
    `<svg viewBox="-0.1 -0.1 ${wide + 0.2} ${high + 0.2}" role="img" aria-label="${about}"` +
    ` style="--wide: ${wide}; --high: ${high}">${inside}</svg>`
  );
}

const cell = (x, y, how) => `<rect x="${x}" y="${y}" width="1" height="1" ${how}/>`;

// Pixels in a square, with a ring of zeros, or of what is cropped, around them.
function drawSquare(size, [before, after], about, look) {
  const all = size + before + after;
  let inside = "";
  for (let y = 0; y < all; y++)
    for (let x = 0; x < all; x++) {
      const [row, column] = [y - before, x - before];
      const real = row >= 0 && column >= 0 && row < size && column < size;
      const pixel = row * size + column;
      const kind = real ? `class="pixel" data-pixel="${pixel}"` : 'class="ring"';
      inside += cell(x, y, kind) + (real ? look(pixel, x, y) : "");
    }
  return svg(all, all, inside, about);
}

function drawMatrix(layer, { transposed, kernel }, at, about) {
  const [high, wide] = [layer.rows.length, layer.image * layer.image];
  const [rows, columns] = transposed ? [wide, high] : [high, wide];
  let inside = `<rect class="sheet" width="${columns}" height="${rows}"/>`;
  for (const [j, i, tap] of layer.entries) {
    const [x, y] = transposed ? [j, i] : [i, j];
    const dim = j === at ? "" : 'class="dim"';
    inside += cell(x, y, `${paint(tap, kernel)} data-output="${j}" ${dim}`);
  }
  const place = transposed ? `x="${at}" y="0"` : `x="0" y="${at}"`;
  const sides = transposed ? [1, rows] : [columns, 1];
  inside += `<rect class="frame" ${place} width="${sides[0]}" height="${sides[1]}"/>`;
  return svg(columns, rows, inside, about);
}

function startConvolution(page) {
  const find = (name) => page.querySelector(`[name=${name}]`);
  const sliders = ["size", "kernel", "stride", "place"];
  let at = 0;

  function settings() {
    const padding = find("padding").value;
    return {
      transposed: page.querySelector("[name=direction]:checked").value === "transposed",
      size: +find("size").value,
      kernel: +find("kernel").value,
      stride: +find("stride").value,
      padding: /\d/.test(padding) ? +padding : padding,
    };
  }

  function show(name, figure, caption) {
    const box = page.querySelector(`figure.${name}`);
    box.querySelector("div").innerHTML = figure;
    box.querySelector("figcaption").textContent = caption;
  }

  function draw() {
    const chosen = settings();
    find("size").max = chosen.transposed ? 4 : 8; // the matrix has to fit the page
    chosen.size = +find("size").value;
    let layer;
    try {
      layer = layerOf(chosen);
    } catch (error) {
      page.classList.add("impossible");
      page.querySelector(".formula").textContent = error.message;
      page.querySelector(".said").textContent = "";
      label();
      return;
    }
    page.classList.remove("impossible");
    find("place").max = layer.rows.length;
    at = +find("place").value - 1;
    drawLayer(chosen, layer);
    label();
  }

  function drawLayer(chosen, layer) {
    const { transposed, kernel } = chosen;
    const [image, map, row] = [layer.image, layer.map, layer.rows[at]];
    const taps = new Map(row);
    const window_ = (pixel, x, y) =>
      taps.has(pixel) ? cell(x, y, `${paint(taps.get(pixel), kernel)} class="lit"`) : "";
    const one = (pixel, x, y) => (pixel === at ? cell(x, y, 'class="one"') : "");
    const [before, after] = layer.zeros;
    const ring = before + after;
    const around = transposed ? "cropped" : "zeros";
    const imageWords =
      `${transposed ? "result" : "image"}, ${image}×${image}` +
      (ring ? `; ${around}: ${before} before, ${after} after` : "");
    const mapWords = `${transposed ? "map" : "outputs"}, ${map}×${map}`;
    const readWords = `, ${plural(row.length, "pixel")} lit`;
    const imageDrawn = drawSquare(image, layer.zeros, imageWords + readWords, window_);
    const mapDrawn = drawSquare(map, [0, 0], `${mapWords}, number ${at + 1} lit`, one);
    const name = transposed ? "Wᵀ" : "W";
    const [high, wide] = [layer.rows.length, image * image];
    const shape = transposed ? `${wide}×${high}` : `${high}×${wide}`;
    const filled = `${layer.entries.length} of ${high * wide} entries are not zero`;
    const words = `${name}, ${shape}: ${filled}`;
    const line = `${transposed ? "column" : "row"} ${at + 1}`;
    show("matrix", drawMatrix(layer, chosen, at, `${words}; ${line} is lit`), words);
    show("from", ...(transposed ? [mapDrawn, mapWords] : [imageDrawn, imageWords]));
    show("to", ...(transposed ? [imageDrawn, imageWords] : [mapDrawn, mapWords]));
    page.querySelector(".formula").textContent = formulaOf(chosen, layer);
    page.querySelector(".said").textContent = sentences(transposed, layer, row.length);
  }

  function sentences(transposed, layer, count) {
    const met = new Set(layer.entries.map(([, i]) => i)).size;
    const rest = layer.image * layer.image - met;
    const place = `row ${Math.floor(at / layer.map) + 1}, column ${(at % layer.map) + 1}`;
    const which = transposed ? "Value" : "Output";
    const does = transposed
      ? `lays its stamp on ${plural(count, "pixel")}: column ${at + 1} of Wᵀ, and row ${at + 1} of W.`
      : `reads ${plural(count, "pixel")}: row ${at + 1} of W.`;
    const by = transposed ? "is reached by no stamp" : "meets no window";
    const are = transposed ? "are reached by no stamp" : "meet no window";
    const idle = rest ? ` ${plural(rest, "pixel")} ${rest === 1 ? by : are}.` : "";
    return `${which} ${at + 1} (${place}) ${does}${idle}`;
  }

  function label() {
    for (const name of sliders)
      find(name).parentElement.querySelector("output").textContent = find(name).value;
    const transposed = settings().transposed;
    page.querySelector(".place-name").textContent = transposed ? "value of the map" : "output";
  }

  page.addEventListener("input", draw);
  page.addEventListener("click", (event) => {
    const { output, pixel } = event.target.dataset;
    const small = settings().transposed ? "from" : "to";
    const inMap = event.target.closest(`figure.${small}`);
    if (output === undefined && !(pixel !== undefined && inMap)) return;
    find("place").value = +(output ?? pixel) + 1;
    draw();
  });
  draw();
}

if (typeof document !== "undefined")
  document.querySelectorAll(".explorer.convolution").forEach(startConvolution);

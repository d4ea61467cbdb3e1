// The laboratory: shipped generators, run in the reader's browser. Nothing is sent anywhere.
// Loads onnxruntime-web (vendored) and the models of data/live/ when they are first used.

const here = new URL(".", import.meta.url);
const $ = (id) => document.getElementById(id);
const SIDE = 32;
let ort, index;
const sessions = {};

// A small seeded generator (mulberry32), and normal numbers from it by Box and Muller.
function normals(seed, count) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}

function say(text, share) {
  $("lab-status").textContent = text;
  $("lab-progress").hidden = share === undefined;
  if (share !== undefined) $("lab-progress").value = share;
}

// Fetch a file and report how much of it is here.
async function fetched(name, bytes, title) {
  const response = await fetch(new URL(name, here));
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  const reader = response.body.getReader();
  const parts = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    size += value.length;
    say(`Loading ${title}: ${(size / 1e6).toFixed(1)} MB`, Math.min(1, size / bytes));
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

async function start() {
  if (ort) return;
  index = await (await fetch(new URL("index.json", here))).json();
  const runtime = new URL("onnxruntime/", here);
  const module = await import(new URL("ort.wasm.min.mjs", runtime).href);
  module.env.wasm.numThreads = 1;
  module.env.wasm.wasmPaths = runtime.href;
  const wasm = "onnxruntime/ort-wasm-simd-threaded.wasm";
  module.env.wasm.wasmBinary = (await fetched(wasm, 14.3e6, "the runtime")).buffer;
  ort = module;
}

async function session(name) {
  if (!sessions[name]) {
    await start();
    const { file, bytes } = index.models[name];
    sessions[name] = await ort.InferenceSession.create(await fetched(file, bytes, file));
    say("Ready. Everything runs on your machine.");
  }
  return sessions[name];
}

// Run a model: `inputs` are pairs of type and values, with their shapes. Gives a Float32Array.
export async function run(name, inputs) {
  const model = await session(name);
  const feeds = {};
  index.models[name].inputs.forEach((key, i) => {
    const [type, values, shape] = inputs[i];
    feeds[key] = new ort.Tensor(type, values, shape);
  });
  const result = await model.run(feeds);
  return result[index.models[name].output].data;
}

// Draw pictures with values in [-1, 1], side by side, `columns` in a row.
function draw(canvas, values, width, height, columns) {
  const count = values.length / (width * height * 3);
  const rows = Math.ceil(count / columns);
  canvas.width = columns * width;
  canvas.height = rows * height;
  const context = canvas.getContext("2d");
  for (let k = 0; k < count; k++) {
    const image = context.createImageData(width, height);
    for (let p = 0; p < width * height; p++) {
      for (let c = 0; c < 3; c++) {
        const value = values[(k * width * height + p) * 3 + c];
        image.data[4 * p + c] = Math.round((Math.min(1, Math.max(-1, value)) + 1) * 127.5);
      }
      image.data[4 * p + 3] = 255;
    }
    context.putImageData(image, (k % columns) * width, Math.floor(k / columns) * height);
  }
}

// One job at a time: while one runs, only the newest wish waits.
let busy = false;
let waiting = null;
async function queued(job) {
  waiting = job;
  if (busy) return;
  busy = true;
  try {
    while (waiting) {
      const next = waiting;
      waiting = null;
      await next();
    }
  } catch (error) {
    failed(error);
  } finally {
    busy = false;
  }
}

function failed(error) {
  console.warn(error);
  say(`The models could not be loaded (${error.message}). Stored pictures are below.`);
}

const number = (id) => Number($(id).value);

// --- a walk between two noises, pushed along directions ---------------------------------------
function blossomNoise(steps) {
  const start = normals(number("lab-start"), 100);
  const end = normals(number("lab-end"), 100);
  const push = index.directions.map((_, k) => number(`lab-direction-${k}`));
  const all = new Float32Array(steps.length * 100);
  steps.forEach((t, row) => {
    const angle = (t * Math.PI) / 2;
    for (let i = 0; i < 100; i++) {
      let value = Math.cos(angle) * start[i] + Math.sin(angle) * end[i];
      value *= number("lab-length");
      push.forEach((amount, k) => (value += amount * index.directions[k][i]));
      all[row * 100 + i] = value;
    }
  });
  return all;
}

async function showBlossoms() {
  await session("blossoms");
  const strip = Array.from({ length: 9 }, (_, k) => k / 8);
  const noise = blossomNoise([number("lab-walk"), ...strip]);
  const made = await run("blossoms", [["float32", noise, [10, 100]]]);
  const size = SIDE * SIDE * 3;
  draw($("lab-blossom"), made.subarray(0, size), SIDE, SIDE, 1);
  draw($("lab-strip"), made.subarray(size), SIDE, SIDE, 9);
}

// --- digits on request ------------------------------------------------------------------------
async function showDigits() {
  const classes = [...$("lab-number").value].filter((c) => c >= "0" && c <= "9").map(Number);
  if (!classes.length) return;
  const one = normals(number("lab-hand"), 100);
  const noise = new Float32Array(classes.length * 100);
  classes.forEach((_, k) => noise.set(one, k * 100));
  const labels = Int32Array.from(classes);
  const made = await run("digits_by_class", [
    ["float32", noise, [classes.length, 100]],
    ["int32", labels, [classes.length]],
  ]);
  draw($("lab-digits"), made, SIDE, SIDE, classes.length);
}

// --- a photograph repainted -------------------------------------------------------------------
let photograph = null;

async function usePhotograph(blob) {
  const bitmap = await createImageBitmap(blob);
  const scale = Math.min(1, number("lab-side") / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((s) => Math.max(32, Math.round(s * scale)));
  const canvas = $("lab-photograph");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0, width, height);
  photograph = { blob, width, height, pixels: context.getImageData(0, 0, width, height).data };
}

async function repaint() {
  const name = `style_${$("lab-style").value}`;
  await session(name);
  await usePhotograph(photograph?.blob ?? (await (await fetch(new URL("photograph.jpg", here))).blob()));
  const { width, height, pixels } = photograph;
  const noise = normals(number("lab-brush"), width * height * 2);
  const values = new Float32Array(width * height * 5);
  for (let p = 0; p < width * height; p++) {
    for (let c = 0; c < 3; c++) values[5 * p + c] = pixels[4 * p + c] / 127.5 - 1;
    values[5 * p + 3] = noise[2 * p];
    values[5 * p + 4] = noise[2 * p + 1];
  }
  say("Painting ...");
  await new Promise((resolve) => setTimeout(resolve, 30)); // let the words appear
  const begun = performance.now();
  const painted = await run(name, [["float32", values, [1, height, width, 5]]]);
  draw($("lab-painted"), painted, width, height, 1);
  say(`Painted ${width} × ${height} pixels in ${((performance.now() - begun) / 1000).toFixed(1)} s, on your machine.`);
}

// --- the page ---------------------------------------------------------------------------------
function slider(parent, id, title, min, max, step, value) {
  const label = document.createElement("label");
  label.textContent = `${title} `;
  const input = Object.assign(document.createElement("input"), { type: "range", id, min, max, step });
  input.value = value;
  label.append(input);
  parent.append(label);
  return input;
}

function open() {
  $("lab-controls").hidden = false;
  $("lab-open").hidden = true;
  for (const [k] of index.directions.entries()) {
    slider($("lab-directions"), `lab-direction-${k}`, `direction ${k + 1}`, -4, 4, 0.1, 0);
  }
  $("lab-noise").addEventListener("input", () => queued(showBlossoms));
  $("lab-new").addEventListener("click", () => {
    $("lab-start").value = Math.floor(Math.random() * 1000);
    $("lab-end").value = Math.floor(Math.random() * 1000);
    queued(showBlossoms);
  });
  $("lab-classes").addEventListener("input", () => queued(showDigits));
  $("lab-write").addEventListener("click", () => queued(showDigits));
  $("lab-paint").addEventListener("click", () => queued(repaint));
  $("lab-file").addEventListener("change", (event) => {
    photograph = event.target.files.length ? { blob: event.target.files[0] } : null;
    queued(repaint);
  });
  queued(showBlossoms);
}

if ($("lab-open")) {
  $("lab-open").addEventListener("click", async () => {
    $("lab-open").disabled = true;
    try {
      await start();
      open();
    } catch (error) {
      $("lab-open").disabled = false;
      failed(error);
    }
  });
}

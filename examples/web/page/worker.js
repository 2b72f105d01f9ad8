// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
//
// Draws for the page: dpm says what to ask the network, ONNX Runtime answers.
const side = 28;
const pixels = side * side;
const anyDigit = 10;
const referenceCalls = 100;
const mostReferences = 32;

let dpm; // sampler.wasm, which is made from bindings.cpp
let ort;
let session;
let current = 0; // the number of the request that is worked on; a run of another one ends

// Where the noise of a seed ends, by seed, digits and guidance, the last one drawn at the end: the run, or what it led to,
// and the drawings that wait for it.
const references = new Map();

const tell = (message, transfer = []) => postMessage(message, transfer);

// Messages are delivered between tasks, so a loop that can be stopped begins a new one at each call.
const channel = new MessageChannel();
function nextTask() {
  return new Promise((resolve) => {
    channel.port1.onmessage = resolve;
    channel.port2.postMessage(null);
  });
}

function inWords(error) {
  const text = String(error?.message ?? error);
  if (/bad_alloc|out of memory|allocation failed|could not allocate|failed to allocate/i.test(text)) {
    return 'There is not enough memory. Close other tabs, or draw fewer digits.';
  }
  return text;
}

// Calls `use` with the texts as C strings. They are on the heap, as the stack has room for short ones alone.
function withStrings(texts, use) {
  const places = [];
  try {
    for (const text of texts) {
      const size = dpm.lengthBytesUTF8(text) + 1;
      const place = dpm._malloc(size);
      if (place === 0) throw new Error('out of memory');
      places.push(place);
      dpm.stringToUTF8(text, place, size);
    }
    return use(places);
  } finally {
    places.forEach((place) => dpm._free(place));
  }
}

class Run {
  constructor(way, request) {
    this.digits = request.digits.length;
    this.networkTime = 0;
    this.samplerTime = 0;
    this.calls = 0;
    this.run = withStrings([way.sampler, way.scheduler, way.plan], (texts) => dpm.ccall('web_start', 'number',
      Array(7).fill('number'), [...texts, request.calls, this.digits, request.scale, request.seed]));
    if (this.run === 0) throw new Error(dpm.ccall('web_error', 'string'));
    this.plan = JSON.parse(dpm.ccall('web_plan', 'string', ['number'], [this.run]));
  }

  // Memory may have grown, so views are made anew.
  view(what, length) {
    const start = dpm.ccall(what, 'number', ['number'], [this.run]) / 4;
    return dpm.HEAPF32.subarray(start, start + length);
  }

  sample() {
    return this.view('web_sample', this.digits * pixels).slice();
  }

  // Makes one call of the network; false where none is left.
  async step(labels) {
    let since = performance.now();
    const state = dpm.ccall('web_next', 'number', ['number'], [this.run]);
    this.samplerTime += performance.now() - since;
    if (state < 0) throw new Error(dpm.ccall('web_error', 'string'));
    if (state === 0) return false;

    const batch = 2 * this.digits;
    const timestep = dpm.ccall('web_timestep', 'number', ['number'], [this.run]);
    since = performance.now();
    let noise;
    try {
      ({ noise } = await session.run({
        sample: new ort.Tensor('float32', this.view('web_input', batch * pixels), [batch, 1, side, side]),
        timestep: new ort.Tensor('float32', new Float32Array(batch).fill(timestep), [batch]),
        label: new ort.Tensor('int64', labels, [batch]),
      }));
    } catch (error) {
      throw new Error(`The network has failed: ${inWords(error)}`);
    }
    this.networkTime += performance.now() - since;
    this.view('web_output', batch * pixels).set(noise.data);
    noise.dispose();
    ++this.calls;
    return true;
  }

  end() {
    dpm.ccall('web_end', null, ['number'], [this.run]);
  }
}

// The doubled batch of guidance: each digit, then "any digit" as often.
function labelsOf(digits) {
  return BigInt64Array.from([...digits, ...digits.map(() => anyDigit)], BigInt);
}

// Root mean square over the pixels of each digit; the median of the digits.
function distance(a, b) {
  const each = [];
  for (let start = 0; start < a.length; start += pixels) {
    let sum = 0;
    for (let i = start; i < start + pixels; ++i) sum += (a[i] - b[i]) ** 2;
    each.push(Math.sqrt(sum / pixels));
  }
  each.sort((p, q) => p - q);
  const middle = each.length / 2;
  return (each[Math.ceil(middle) - 1] + each[Math.floor(middle)]) / 2;
}

function report(index, run, request, sample, done) {
  const { calls, networkTime, samplerTime, plan } = run;
  tell({ type: 'sample', id: request.id, index, calls, planned: plan.calls, networkTime, samplerTime, sample, done },
    [sample.buffer]);
}

async function draw(request) {
  const labels = labelsOf(request.digits);
  const runs = [];
  const samples = [];
  try {
    request.ways.forEach((way, index) => {
      try {
        runs.push(new Run(way, request));
      } catch (error) {
        throw Object.assign(error, { index });
      }
      tell({ type: 'plan', id: request.id, index, plan: runs[index].plan });
    });
    // The two runs take turns.
    let open = runs.map((run, index) => ({ run, index }));
    while (open.length > 0) {
      const left = [];
      for (const { run, index } of open) {
        await nextTask();
        if (current !== request.id) return;
        const goesOn = await run.step(labels);
        const sample = run.sample();
        if (!goesOn) samples[index] = sample.slice();
        report(index, run, request, sample, !goesOn);
        if (goesOn) left.push({ run, index });
      }
      open = left;
    }
  } finally {
    for (const run of runs) run.end();
  }
  tell({ type: 'drawn', id: request.id });
  keep(request, samples, runs.map((run) => run.plan));
  await compareAll(request.id);
}

// Why the samples of a plan are at no distance from the converged ones, or ''.
function reasonAgainst(plan) {
  if (plan.draws > 0) return 'fresh noise';
  return plan.guides ? 'CFG++' : '';
}

// Lets a drawing wait for its converged samples, or says that it has none.
function keep(request, samples, plans) {
  const { id, names, setting, digits, scale, seed } = request;
  const drawing = { id, names, setting, samples, calls: plans.map((plan) => plan.calls), reasons: plans.map(reasonAgainst) };
  if (drawing.reasons.every((reason) => reason !== '')) {
    tellDistances(drawing, null);
    return;
  }
  const reference = references.get(setting) ?? { request: { digits, scale, seed }, run: null, converged: null, waiting: [] };
  reference.waiting.push(drawing);
  references.delete(setting);
  references.set(setting, reference);
  if (references.size > mostReferences) {
    const [oldest, { run }] = references.entries().next().value;
    run?.end();
    references.delete(oldest);
  }
}

function tellDistances({ id, names, setting, samples, calls, reasons }, converged) {
  const distances = samples.map((sample, i) => (reasons[i] === '' ? distance(sample, converged) : null));
  tell({ type: 'measured', id, names, setting, calls, reasons, distances, converged });
}

// Compares what was drawn with the converged samples, the last drawing first. Another request ends this at the next call;
// the work that is done is kept.
async function compareAll(id) {
  const next = () => [...references].reverse().find(([, { waiting }]) => waiting.length > 0);
  for (let entry = next(); entry; entry = next()) {
    const [setting, reference] = entry;
    try {
      if (!(await converge(reference, id))) return;
    } catch (error) {
      reference.run?.end();
      references.delete(setting);
      throw error;
    }
    for (const drawing of reference.waiting.splice(0)) tellDistances(drawing, reference.converged);
  }
  tell({ type: 'compared', id });
}

// False where another request came before the end.
async function converge(reference, id) {
  if (reference.converged) return true;
  const { request } = reference;
  const labels = labelsOf(request.digits);
  reference.run ??= new Run({ sampler: '', scheduler: '', plan: '' }, { ...request, calls: referenceCalls });
  const { run } = reference;
  do {
    await nextTask();
    if (current !== id) return false;
    if (run.calls % 10 === 0) tell({ type: 'comparing', id, calls: run.calls, of: referenceCalls });
  } while (await run.step(labels));
  reference.converged = run.sample();
  run.end();
  reference.run = null;
  return true;
}

async function fetched(file, what) {
  let response;
  try {
    response = await fetch(new URL(file, import.meta.url));
  } catch {
    throw new Error(`${what}, ${file}, cannot be loaded: the server does not answer.`);
  }
  if (!response.ok) throw new Error(`${what}, ${file}, is missing: the server says ${response.status}.`);
  try {
    return await response.arrayBuffer();
  } catch (error) {
    throw new Error(`${what}, ${file}, has not arrived whole: ${inWords(error)}. Load the page again.`);
  }
}

async function loaded(file, what) {
  try {
    return await import(new URL(file, import.meta.url));
  } catch (error) {
    throw new Error(`${what}, ${file}, cannot be loaded: ${inWords(error)}`);
  }
}

async function load() {
  if (typeof WebAssembly !== 'object') {
    throw new Error('This browser has no WebAssembly, or it is turned off. Any browser since 2023 has it.');
  }
  const [makeSampler, wasmBinary, runtime, runtimeBinary, network] = await Promise.all([
    loaded('sampler.js', 'The library'),
    fetched('sampler.wasm', 'The library'),
    loaded('ort.js', 'ONNX Runtime'),
    fetched('ort.wasm', 'ONNX Runtime'),
    fetched('unet.onnx', 'The network'),
  ]);
  try {
    dpm = await makeSampler.default({ wasmBinary });
  } catch (error) {
    throw new Error(`The library, sampler.wasm, does not run here: ${inWords(error)}`);
  }
  ort = runtime;
  ort.env.wasm.numThreads = 1; // more need a server that says the page is isolated
  ort.env.wasm.wasmBinary = runtimeBinary;
  try {
    session = await ort.InferenceSession.create(new Uint8Array(network), { executionProviders: ['wasm'] });
  } catch (error) {
    throw new Error(`The network, unet.onnx, cannot be opened: ${inWords(error)}`);
  }
}

const ready = load().then(
  () => {
    tell({ type: 'ready', names: JSON.parse(dpm.ccall('web_names', 'string')) });
    return true;
  },
  (error) => {
    tell({ type: 'failed', text: inWords(error) });
    return false;
  },
);

let last = Promise.resolve(); // one request at a time
onmessage = async ({ data }) => {
  current = data.id;
  if (data.type !== 'draw' || !(await ready)) return;
  last = last.then(async () => {
    if (current !== data.id) return;
    try {
      await draw(data);
    } catch (error) {
      tell({ type: 'error', id: data.id, index: error.index, text: inWords(error) });
    }
  });
};

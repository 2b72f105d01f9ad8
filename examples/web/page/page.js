// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
import { Chart } from './chart.js';

const pixels = 784;
const imageSide = 28;
const columns = 5;
const ownChoice = 'own'; // the sampler that the library takes itself
const planInJson = 'json';

const byId = (id) => document.getElementById(id);
const form = byId('controls');
const both = [0, 1];
const chart = new Chart(byId('chart'));
const stillPictures = matchMedia('(prefers-reduced-motion: reduce)');

let worker;
let request = { id: 0 }; // the last one
let failed = false;

function showError(text) {
  byId('error').textContent = text;
  byId('error').hidden = text === '';
}

function setRunning(running) {
  byId('draw').disabled = running;
  byId('stop').disabled = !running;
}

function giveUp(text) {
  failed = true;
  showError(text);
  byId('status').textContent = '';
  setRunning(false);
  byId('draw').disabled = true;
}

// Choices

function option(value, text) {
  return new Option(text, value);
}

function group(label, rows) {
  const made = document.createElement('optgroup');
  made.label = label;
  made.append(...rows.map((row) => option(row.name, row.label)));
  return made;
}

function fillChoices(names) {
  for (const side of both) {
    const sampler = byId(`sampler-${side}`);
    sampler.append(
      option(ownChoice, "UniPC-3, dpm's own choice"),
      group('Deterministic', names.samplers.filter((row) => !row.draws)),
      group('With fresh noise', names.samplers.filter((row) => row.draws)),
      option(planInJson, 'plan as JSON'),
    );
    sampler.value = side === 0 ? ownChoice : 'ddim';
    byId(`scheduler-${side}`).append(option('', "the sampler's own"),
      ...names.schedulers.map((row) => option(row.name, row.label)));
    sampler.disabled = false;
    sampler.addEventListener('change', () => enableScheduler(side));
    enableScheduler(side);
  }
}

function enableScheduler(side) {
  const { value } = byId(`sampler-${side}`);
  const scheduler = byId(`scheduler-${side}`);
  scheduler.disabled = value === ownChoice || value === planInJson;
  if (scheduler.disabled) scheduler.value = '';
  if (value === planInJson) byId('plan-box').open = true;
}

function nameOf(side) {
  const chosen = (select) => select.selectedOptions[0].text;
  const scheduler = byId(`scheduler-${side}`);
  return chosen(byId(`sampler-${side}`)) + (scheduler.value === '' ? '' : `, ${chosen(scheduler)}`);
}

function wayOf(side) {
  const sampler = byId(`sampler-${side}`).value;
  if (sampler === planInJson) {
    const plan = byId('plan-json').value.trim();
    if (plan === '') throw new Error('There is no plan: paste one below, load a file or take the example.');
    return { sampler: '', scheduler: '', plan };
  }
  return { sampler: sampler === ownChoice ? '' : sampler, scheduler: byId(`scheduler-${side}`).value, plan: '' };
}

for (const id of ['calls', 'scale']) {
  byId(id).addEventListener('input', () => { byId(`${id}-value`).textContent = byId(id).value; });
}

// Pictures

// Paints one pixel for each value, in rows of images; `colour` returns red, green and blue.
function paint(canvas, sample, colour) {
  const digits = sample.length / pixels;
  canvas.width = Math.min(digits, columns) * imageSide;
  canvas.height = Math.ceil(digits / columns) * imageSide;
  const context = canvas.getContext('2d');
  const image = context.createImageData(canvas.width, canvas.height);
  image.data.fill(255);
  sample.forEach((value, i) => {
    const digit = Math.floor(i / pixels);
    const row = Math.floor(digit / columns) * imageSide + Math.floor((i % pixels) / imageSide);
    const column = (digit % columns) * imageSide + (i % imageSide);
    image.data.set(colour(value), 4 * (row * canvas.width + column));
  });
  context.putImageData(image, 0, 0);
}

// -1 is paper and 1 is ink.
const grey = (value) => new Array(3).fill(255 - 127.5 * (value + 1));

function redOrBlue(error) {
  const share = Math.min(1, Math.abs(5 * error) / 2);
  const full = error > 0 ? [200, 30, 30] : [30, 80, 200];
  return full.map((part) => 255 + share * (part - 255));
}

function describe(side, text) {
  byId(`picture-${side}`).setAttribute('aria-label', `Digits ${request.digits.join('')} ${text}`);
}

const milliseconds = (time) => `${time < 10 ? time.toFixed(1) : Math.round(time)} ms`;

function showPlan(side, plan) {
  const head = document.createElement('tr');
  for (const name of ['Step', 'Timestep', 'alpha', 'sigma', 'Instructions']) {
    const cell = document.createElement('th');
    cell.scope = 'col';
    cell.textContent = name;
    head.append(cell);
  }
  const table = byId(`plan-${side}`);
  table.replaceChildren();
  table.createTHead().append(head);
  const body = table.createTBody();
  plan.steps.forEach((step, i) => {
    const row = body.insertRow();
    for (const text of [i + 1, step.from.toFixed(1), step.alpha.toFixed(4), step.sigma.toFixed(4)]) {
      row.insertCell().textContent = text;
    }
    const cell = row.insertCell();
    step.lines.forEach((line, n) => cell.append(...(n > 0 ? [document.createElement('br')] : []), line));
  });
  byId(`edit-${side}`).disabled = false;
}

// What the worker says. Of earlier requests nothing is shown.

const told = {
  ready({ names }) {
    fillChoices(names);
    byId('status').textContent = 'Ready.';
    setRunning(false);
  },
  failed({ text }) {
    giveUp(text);
  },
  plan({ index, plan }) {
    request.plans[index] = plan;
    showPlan(index, plan);
    byId(`calls-${index}`).textContent = `0 of ${plan.calls}`;
  },
  sample({ index, calls, planned, networkTime, samplerTime, sample, done }) {
    byId(`calls-${index}`).textContent = done ? String(calls) : `${calls} of ${planned}`;
    byId(`network-${index}`).textContent = milliseconds(networkTime);
    byId(`sampling-${index}`).textContent = milliseconds(samplerTime);
    byId(`progress-${index}`).value = calls / planned;
    if (done || !stillPictures.matches) paint(byId(`picture-${index}`), sample, grey);
    describe(index, done ? `after ${calls} calls` : `emerging, after ${calls} of ${planned} calls`);
    byId(`picture-${index}`).sample = sample;
  },
  drawn() {
    setRunning(false);
    byId('status').textContent = 'Drawn.';
  },
  measuring({ calls, of }) {
    byId('status').textContent = `Drawn. Converged digits in the background: ${calls} of ${of} calls.`;
  },
  measured({ converged, distances }) {
    byId('status').textContent = 'Drawn, and compared with the converged digits.';
    distances.forEach((distance, side) => {
      byId(`distance-${side}`).textContent = distance === null ? 'none: fresh noise' : distance.toPrecision(2);
      if (distance === null) return;
      const { sample } = byId(`picture-${side}`);
      paint(byId(`error-picture-${side}`), sample.map((value, i) => value - converged[i]), redOrBlue);
      byId(`error-box-${side}`).hidden = false;
      chart.add({ name: request.names[side], calls: request.plans[side].calls, distance, setting: request.setting });
    });
    chart.draw(request.setting);
  },
  error({ index, text }) {
    showError(index === undefined ? text : `${index === 0 ? 'Left' : 'Right'}: ${text}`);
    byId('status').textContent = '';
    setRunning(false);
  },
};

function start() {
  if (typeof Worker !== 'function') return giveUp('This browser has no workers, which the page draws in.');
  worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data }) => {
    if (data.id === undefined || data.id === request.id) told[data.type](data);
  };
  worker.onerror = (event) => {
    giveUp(event.message ? `The worker has failed: ${event.message}` : 'The worker, worker.js, cannot be loaded.');
  };
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (failed) return;
  showError('');
  let ways;
  try {
    ways = both.map(wayOf);
  } catch (error) {
    showError(error.message);
    return;
  }
  const digits = Array.from(byId('digits').value, Number);
  const [calls, scale, seed] = ['calls', 'scale', 'seed'].map((id) => byId(id).valueAsNumber);
  const names = both.map(nameOf);
  request = { id: request.id + 1, digits, names, plans: [], setting: JSON.stringify([seed, digits, scale]) };
  for (const side of both) {
    byId(`name-${side}`).textContent = names[side];
    byId(`progress-${side}`).value = 0;
    byId(`error-box-${side}`).hidden = true;
    for (const what of ['calls', 'network', 'sampling', 'distance']) byId(`${what}-${side}`).textContent = '–';
  }
  byId('status').textContent = 'Drawing…';
  setRunning(true);
  byId('stop').focus();
  worker.postMessage({ type: 'draw', id: request.id, ways, digits, calls, scale, seed });
});

byId('stop').addEventListener('click', () => {
  request = { ...request, id: request.id + 1 };
  worker.postMessage({ type: 'stop', id: request.id });
  byId('status').textContent = 'Stopped.';
  setRunning(false);
  byId('draw').focus();
});

byId('clear').addEventListener('click', () => chart.clear());

// Plans as JSON

byId('plan-file').addEventListener('change', async ({ target }) => {
  const [file] = target.files;
  if (file) byId('plan-json').value = await file.text();
});

byId('plan-example').addEventListener('click', async () => {
  try {
    const response = await fetch(new URL('./calibrated.json', import.meta.url));
    if (!response.ok) throw new Error(`the server says ${response.status}`);
    byId('plan-json').value = await response.text();
    byId('sampler-0').value = planInJson;
    enableScheduler(0);
    byId('calls').value = 6;
    byId('calls-value').textContent = 6;
  } catch (error) {
    showError(`The example, calibrated.json, cannot be loaded: ${error.message}.`);
  }
});

for (const side of both) {
  byId(`edit-${side}`).addEventListener('click', () => {
    byId('plan-json').value = request.plans[side].text;
    byId(`sampler-${side}`).value = planInJson;
    enableScheduler(side);
    byId('plan-json').focus();
  });
}

start();

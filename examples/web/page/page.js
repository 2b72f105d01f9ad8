// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
import { Chart } from './chart.js';

const pixels = 784;
const imageSide = 28;
const columns = 5;
const ownChoice = 'own'; // the sampler that the library takes itself
const planInJson = 'json';
const longestPlan = 1e6; // characters

const byId = (id) => document.getElementById(id);
const form = byId('controls');
const both = [0, 1];
const chart = new Chart(byId('chart'));
const stillPictures = matchMedia('(prefers-reduced-motion: reduce)');

let worker;
let request = { id: 0 }; // the last one
let state = 'loading'; // then 'idle', 'drawing' or 'comparing', or for good 'failed'

function showError(text) {
  const box = byId('error');
  box.textContent = text;
  box.hidden = text === '';
  if (!box.hidden) box.scrollIntoView({ block: 'nearest' });
}

// A button that has the focus keeps it or hands it to the other, so the keyboard is never lost.
function enter(next) {
  state = next;
  const [draw, stop] = ['draw', 'stop'].map(byId);
  const running = state === 'drawing' || state === 'comparing';
  draw.disabled = state === 'failed';
  draw.setAttribute('aria-disabled', String(state === 'drawing'));
  if (!running && document.activeElement === stop) draw.focus();
  stop.disabled = !running;
}

function giveUp(text) {
  showError(text);
  byId('status').textContent = '';
  enter('failed');
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

function requireShort(what, characters) {
  if (characters <= longestPlan) return;
  throw new Error(`${what} has ${characters.toLocaleString('en')} characters; a plan has a million at most.`);
}

function wayOf(side) {
  const sampler = byId(`sampler-${side}`).value;
  if (sampler === planInJson) {
    const plan = byId('plan-json').value.trim();
    if (plan === '') throw new Error('There is no plan: paste one below, load a file or take the example.');
    requireShort('The plan', plan.length);
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
  // Kept in the host's memory, where each picture is made.
  const context = canvas.getContext('2d', { willReadFrequently: true });
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

// What a run has shown, taken away.
function clearSide(side, name) {
  byId(`name-${side}`).textContent = name;
  byId(`progress-${side}`).value = 0;
  byId(`error-box-${side}`).hidden = true;
  for (const what of ['calls', 'network', 'sampling', 'distance']) byId(`${what}-${side}`).textContent = '–';
  const picture = byId(`picture-${side}`);
  picture.getContext('2d', { willReadFrequently: true }).clearRect(0, 0, picture.width, picture.height);
  picture.setAttribute('aria-label', 'Nothing is drawn');
  byId(`plan-${side}`).replaceChildren();
  byId(`edit-${side}`).disabled = true;
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
    enter('idle');
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
    enter('comparing');
    byId('status').textContent = 'Drawn.';
  },
  comparing({ calls, of }) {
    byId('status').textContent = `Drawn. Converged digits in the background: ${calls} of ${of} calls.`;
  },
  compared() {
    enter('idle');
    byId('status').textContent = 'Drawn, and compared with the converged digits.';
  },
  error({ index, text }) {
    if (state === 'drawing') both.forEach((side) => clearSide(side, side === 0 ? 'Left' : 'Right'));
    showError(index === undefined ? text : `${index === 0 ? 'Left' : 'Right'}: ${text}`);
    byId('status').textContent = '';
    enter('idle');
  },
};

// Distances of the last request, or of an earlier one, which the chart alone has room for.
function measured({ id, names, setting, calls, reasons, distances, converged }) {
  distances.forEach((distance, side) => {
    if (distance !== null) chart.add({ name: names[side], calls: calls[side], distance, setting });
    if (id !== request.id) return;
    byId(`distance-${side}`).textContent = distance === null ? `none: ${reasons[side]}` : distance.toPrecision(2);
    if (distance === null) return;
    const { sample } = byId(`picture-${side}`);
    paint(byId(`error-picture-${side}`), sample.map((value, i) => value - converged[i]), redOrBlue);
    byId(`error-box-${side}`).hidden = false;
  });
  chart.draw(request.setting);
}

function start() {
  if (typeof Worker !== 'function') return giveUp('This browser has no workers, which the page draws in.');
  worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data }) => {
    if (data.type === 'measured') measured(data);
    else if (data.id === undefined || data.id === request.id) told[data.type](data);
  };
  worker.onerror = (event) => {
    giveUp(event.message ? `The worker has failed: ${event.message}` : 'The worker, worker.js, cannot be loaded.');
  };
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (state !== 'idle' && state !== 'comparing') return;
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
  const setting = JSON.stringify([seed, digits, scale]);
  request = { id: request.id + 1, digits, names, setting, plans: [] };
  both.forEach((side) => clearSide(side, names[side]));
  byId('status').textContent = 'Drawing…';
  enter('drawing');
  worker.postMessage({ type: 'draw', id: request.id, names, setting, ways, digits, calls, scale, seed });
});

// A key that is held down draws once.
form.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && event.repeat && event.target.tagName !== 'TEXTAREA') event.preventDefault();
});

byId('stop').addEventListener('click', () => {
  request = { ...request, id: request.id + 1 };
  worker.postMessage({ type: 'stop', id: request.id });
  byId('status').textContent = state === 'drawing' ? 'Stopped.' : 'Stopped. The next drawing goes on with the comparison.';
  enter('idle');
});

byId('clear').addEventListener('click', () => chart.clear());

// Plans as JSON

byId('plan-file').addEventListener('change', async ({ target }) => {
  const [file] = target.files;
  if (!file) return;
  showError('');
  try {
    requireShort(file.name, file.size);
    const text = await file.text();
    if (target.files[0] === file) byId('plan-json').value = text;
  } catch (error) {
    showError(file.size > longestPlan ? error.message : `${file.name} cannot be read: ${error.message}`);
  }
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

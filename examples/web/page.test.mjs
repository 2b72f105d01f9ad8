// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
//
// Drives the page in headless Chromium, from a file server that can be told to lack or to spoil a file.
// PAGE: its folder; MODULES: where playwright-core lies; CHROMIUM; EXPECTED: the program of expected.cpp, if any.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';

const { PAGE, MODULES, CHROMIUM, EXPECTED } = process.env;
const { chromium } = createRequire(path.join(MODULES, 'x'))('playwright-core');

const types = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.json': 'application/json',
  '.wasm': 'application/wasm', '.onnx': 'application/octet-stream' };
let faults = {}; // by file: null where it is missing, 'cut' or 'refused' where the connection fails, else its contents
const server = createServer((request, response) => {
  const file = request.url === '/' ? 'index.html' : request.url.slice(1);
  try {
    const contents = file in faults ? faults[file] : readFileSync(path.join(PAGE, file));
    if (contents === null) throw new Error('missing');
    if (contents === 'refused') return void response.destroy();
    if (contents === 'cut') {
      response.writeHead(200, { 'Content-Type': types[path.extname(file)], 'Content-Length': 1e6 });
      return void response.write('the beginning', () => response.destroy());
    }
    response.writeHead(200, { 'Content-Type': types[path.extname(file)], 'Cache-Control': 'no-store' });
    response.end(contents);
  } catch {
    response.writeHead(404);
    response.end();
  }
});

const folder = mkdtempSync(path.join(tmpdir(), 'dpm-web-'));
let browser;
let address;

before(async () => {
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  address = `http://127.0.0.1:${server.address().port}/`;
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
});

after(async () => {
  await browser.close();
  server.close();
  rmSync(folder, { recursive: true });
});

// The page as a visitor has it before he does anything. What the console says is kept in `said`, and where
// parts were loaded from in `asked`.
async function opened({ spoilt = {}, from = address, ...options } = {}) {
  faults = spoilt;
  const page = await browser.newPage(options);
  page.setDefaultTimeout(60000);
  page.said = [];
  page.asked = [];
  page.on('console', (message) => page.said.push(message.text()));
  page.on('pageerror', (error) => page.said.push(error.message));
  page.on('request', (request) => page.asked.push(request.url()));
  await page.goto(from);
  await page.waitForFunction(() => document.getElementById('status').textContent === 'Ready.' ||
    !document.getElementById('error').hidden);
  return page;
}

// One page for the tests that leave it as it was.
let shared;
const ordinary = async () => (shared ??= await opened());
const silent = (page) => assert.deepEqual(page.said, []);

async function closed(page) {
  assert.deepEqual(page.said, []);
  await page.close();
}

async function choose(page, { samplers = ['own', 'ddim'], schedulers = [], calls = 4, digits = '7', seed = 1, scale = 3, plan }) {
  for (const [side, name] of samplers.entries()) {
    await page.selectOption(`#sampler-${side}`, name);
    if (name !== 'own' && name !== 'json') await page.selectOption(`#scheduler-${side}`, schedulers[side] ?? '');
  }
  for (const [id, value] of Object.entries({ calls, scale })) {
    await page.locator(`#${id}`).evaluate((input, to) => {
      input.value = to;
      input.dispatchEvent(new Event('input'));
    }, String(value));
  }
  await page.fill('#digits', digits);
  await page.fill('#seed', String(seed));
  if (plan !== undefined) {
    await page.locator('#plan-box').evaluate((box) => { box.open = true; });
    await page.fill('#plan-json', plan);
  }
}

async function drawn(page, what = '') {
  await page.click('#draw');
  await page.waitForFunction(() => /^Drawn/.test(document.getElementById('status').textContent) ||
    !document.getElementById('error').hidden);
  assert.equal(await page.textContent('#error'), '', what);
  return Promise.all([0, 1].map((side) => page.locator(`#picture-${side}`).evaluate((canvas) => [...canvas.sample])));
}

async function refusal(page) {
  await page.click('#draw');
  await page.waitForFunction(() => !document.getElementById('error').hidden);
  return page.textContent('#error');
}

const planOf = (page, side) => page.evaluate((s) => {
  document.getElementById(`edit-${s}`).click();
  return document.getElementById('plan-json').value;
}, side);

const compared = (page) => page.waitForFunction(() => /compared/.test(document.getElementById('status').textContent));

const greatest = (a, b) => a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

test('a click draws ten digits on both sides', async () => {
  const page = await ordinary();
  assert.ok(page.asked.every((url) => url.startsWith(address) || url === 'data:,'), page.asked.join(' '));
  await choose(page, { digits: '0123456789' });
  const samples = await drawn(page);
  for (const sample of samples) {
    assert.equal(sample.length, 7840);
    for (let digit = 0; digit < 10; ++digit) {
      const ink = sample.slice(784 * digit, 784 * (digit + 1)).filter((value) => value > 0).length;
      assert.ok(ink > 20 && ink < 300, `digit ${digit} has ink in ${ink} pixels`);
    }
  }
  assert.ok(greatest(...samples) > 0.1); // two samplers
  // The canvas shows what was drawn.
  const dark = await page.locator('#picture-0').evaluate((canvas) => {
    const { data, width } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return [width, canvas.sample.findIndex((v) => v > 0.99), data.filter((v, i) => i % 4 === 0 && v < 3).length];
  });
  assert.equal(dark[0], 140);
  assert.ok(dark[2] > 50);
  assert.match(await page.getAttribute('#picture-0', 'aria-label'), /^Digits 0123456789 after 4 calls$/);
  for (const side of [0, 1]) {
    assert.equal(await page.textContent(`#calls-${side}`), '4');
    assert.match(await page.textContent(`#network-${side}`), /^[0-9.]+ ms$/);
    assert.match(await page.textContent(`#sampling-${side}`), /^[0-9.]+ ms$/);
    const rows = await page.locator(`#plan-${side} tbody tr`).allTextContents();
    assert.equal(rows.length, 4);
    for (const row of rows) assert.match(row, /m\d = model\(x, timestep .*x = \d/);
  }
  silent(page);
});

const inWords = (page) => page.locator('#chart > svg').getAttribute('aria-label');

test('the distance to the converged digits is shown, and the chart has a point for each', async () => {
  const page = await opened();
  const distances = [];
  for (const calls of [4, 16]) {
    await choose(page, { calls, samplers: ['own', 'euler_ancestral'] });
    await drawn(page);
    await compared(page);
    distances.push(Number(await page.textContent('#distance-0')));
    assert.equal(await page.textContent('#distance-1'), 'none: fresh noise');
    assert.equal(await page.locator('#error-box-0').isVisible(), true);
    assert.equal(await page.locator('#error-box-1').isVisible(), false);
  }
  assert.ok(distances[0] < 0.5 && distances[1] < distances[0] / 3 && distances[1] > 0, distances.join(' '));
  assert.equal(await page.locator('#chart > svg > path').count(), 2);
  const words = await inWords(page);
  assert.match(words, /own choice, 4 calls: distance 0\.\d+; .*own choice, 16 calls: distance 0\.\d+/);
  await page.click('#clear');
  assert.equal(await page.locator('#chart path').count(), 0);
  await closed(page);
});

test('the same seed and plan give the samples of the C++ program', { skip: !EXPECTED && 'ONNX Runtime is not there' },
  async () => {
    const page = await ordinary();
    const ask = async (choice) => {
      await choose(page, choice);
      const samples = await drawn(page);
      for (const [side, name] of choice.samplers.entries()) {
        const request = { sampler: name === 'own' || name === 'json' ? '' : name, scheduler: choice.schedulers?.[side] ?? '',
          plan: name === 'json' ? choice.plan : '', calls: choice.calls ?? 4, scale: choice.scale ?? 3, seed: choice.seed,
          digits: [...choice.digits].map(Number) };
        const files = ['request.json', 'samples'].map((file) => path.join(folder, file));
        writeFileSync(files[0], JSON.stringify(request));
        execFileSync(EXPECTED, [path.join(PAGE, 'unet.onnx'), ...files]);
        const bytes = readFileSync(files[1]);
        const expected = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
        assert.equal(samples[side].length, expected.length);
        const error = greatest(samples[side], expected);
        console.log(`${name}: the samples differ by ${error.toExponential(1)} at most`);
        assert.ok(error < 1e-4, `${name}: ${error}`);
      }
    };
    await ask({ samplers: ['own', 'euler_ancestral'], digits: '1998', seed: 42, calls: 8 });
    // Not Heun: its first step magnifies what runtimes round (docs/runtimes.md).
    await ask({ samplers: ['dpmpp_2m', 'res_2s'], schedulers: ['karras', ''], digits: '30', seed: 9007199254740991, calls: 9,
      scale: 2 });
    await ask({ samplers: ['json', 'euler_cfg_pp'], digits: '5', seed: 7, scale: 1.5,
      plan: readFileSync(path.join(PAGE, 'calibrated.json'), 'utf8') });
    silent(page);
  });

test('a plan taken as JSON draws what the sampler draws', async () => {
  const page = await ordinary();
  await choose(page, { samplers: ['uni_pc', 'seeds_2'], digits: '26' });
  const [left, right] = await drawn(page);
  for (const [side, sample] of [left, right].entries()) {
    const samplers = side === 0 ? ['json', 'seeds_2'] : ['uni_pc', 'json'];
    await choose(page, { samplers, plan: await planOf(page, side), digits: '26' });
    assert.deepEqual((await drawn(page))[side], sample);
  }
  silent(page);
});

test('the calibrated example comes nearer than other samplers with its calls', async () => {
  const page = await ordinary();
  await choose(page, { digits: '01234', seed: 3, calls: 6, samplers: ['own', 'own'] });
  await page.locator('#plan-box').evaluate((box) => { box.open = true; });
  await page.click('#plan-example');
  await page.waitForFunction(() => document.getElementById('sampler-0').value === 'json');
  await drawn(page);
  assert.equal(await page.textContent('#calls-0'), '6');
  await compared(page);
  const [calibrated, own] = await Promise.all([0, 1].map((side) => page.textContent(`#distance-${side}`)));
  assert.ok(Number(calibrated) < Number(own), `${calibrated} and ${own}`);
  silent(page);
});

test('samplers that lead elsewhere have no distance, and the page says why', async () => {
  const page = await opened();
  await choose(page, { samplers: ['euler_ancestral', 'euler_cfg_pp'] });
  await drawn(page);
  await compared(page);
  assert.equal(await page.textContent('#distance-0'), 'none: fresh noise');
  assert.equal(await page.textContent('#distance-1'), 'none: CFG++');
  assert.equal(await page.locator('#chart > svg > path').count(), 0);
  await closed(page);
});

test('of two own plans with the same calls the chart keeps the last', async () => {
  const page = await opened();
  const distances = [];
  for (const sampler of ['ddim', 'dpmpp_2m']) {
    await choose(page, { samplers: [sampler, 'euler_ancestral'] });
    await drawn(page);
    await choose(page, { samplers: ['json', 'euler_ancestral'], plan: await planOf(page, 0) });
    await drawn(page);
    await compared(page);
    distances.push(await page.textContent('#distance-0'));
  }
  assert.notEqual(...distances);
  const own = (await inWords(page)).split('; ').filter((point) => /^plan as JSON, 4 calls/.test(point));
  assert.equal(own.length, 1);
  assert.equal(Number(own[0].split(' ').at(-1)).toPrecision(2), distances[1]);
  await closed(page);
});

// The worker in a browser that is changed before.
const workerAfter = (code) => ({ 'worker.js': `${code}\n${readFileSync(path.join(PAGE, 'worker.js'))}` });

// A page whose worker notes what it tells.
const overheard = () => opened({ spoilt: workerAfter(`
  const post = postMessage;
  globalThis.sent = [];
  globalThis.postMessage = (message, transfer) => { sent.push([message.type, message.calls]); post(message, transfer); };`) });
const sent = (page) => page.workers()[0].evaluate(() => globalThis.sent);
// The calls of converged digits that were told: one in ten, and the end.
const converging = async (page) => (await sent(page)).filter(([type]) => type === 'comparing').map(([, calls]) => calls);
const focused = (page) => page.evaluate(() => document.activeElement.id);

test('a run stops in its midst, the network with it, and another can follow', async () => {
  const page = await overheard();
  await choose(page, { digits: '0123456789', calls: 50 });
  await page.focus('#draw');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => /^[1-9]/.test(document.getElementById('calls-0').textContent));
  assert.equal(await focused(page), 'draw');
  await page.keyboard.press('Tab');
  assert.equal(await focused(page), 'stop');
  await page.keyboard.press('Enter');
  const calls = await page.textContent('#calls-0');
  assert.match(calls, /^[1-9][0-9]? of 50$/);
  assert.equal(await page.textContent('#status'), 'Stopped.');
  assert.equal(await focused(page), 'draw');
  await page.waitForTimeout(200); // a call that was under way ends
  const told = await sent(page);
  await page.waitForTimeout(800);
  assert.deepEqual(await sent(page), told);
  assert.equal(await page.textContent('#calls-0'), calls);
  assert.ok(told.filter(([type]) => type === 'sample').length < 60); // of 100
  await choose(page, { digits: '4' });
  await drawn(page);
  await closed(page);
});

test('the converged digits are drawn once, though a stop and another drawing come between', async () => {
  const page = await overheard();
  const ask = (samplers) => choose(page, { digits: '0123456789', samplers });
  const reaches = (calls) => page.waitForFunction((least) =>
    Number(/background: ([0-9]+)/.exec(document.getElementById('status').textContent)?.[1]) >= least, calls);
  await ask(['own', 'ddim']);
  await drawn(page);
  await reaches(20);
  await page.click('#stop');
  assert.match(await page.textContent('#status'), /^Stopped\. The next drawing goes on with the comparison\.$/);
  await page.waitForTimeout(200);
  const calls = await converging(page);
  assert.ok(calls.length < 10);
  await page.waitForTimeout(500);
  assert.deepEqual(await converging(page), calls);

  await ask(['dpmpp_2m', 'euler_ancestral']);
  await drawn(page);
  await reaches(50);
  await ask(['uni_pc', 'heun']);
  await drawn(page);
  await compared(page);
  assert.deepEqual(await converging(page), [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
  assert.match(await page.textContent('#distance-0'), /^0\.\d+$/);
  // Those that were interrupted have their points too.
  assert.equal(await page.locator('#chart > svg > path').count(), 5);

  await choose(page, { digits: '3', samplers: ['own', 'ddim'] });
  await drawn(page);
  await compared(page);
  assert.equal((await converging(page)).length, 22);
  assert.equal(await page.locator('#chart > svg > path').count(), 7);
  await closed(page);
});

test('a key that is held down draws once', async () => {
  const page = await overheard();
  await choose(page, {});
  await page.focus('#draw');
  for (let i = 0; i < 5; ++i) {
    await page.keyboard.down('Enter');
    await page.waitForTimeout(200);
  }
  await page.keyboard.up('Enter');
  await compared(page);
  assert.equal((await sent(page)).filter(([type]) => type === 'drawn').length, 1);
  assert.equal(await focused(page), 'draw');
  await closed(page);
});

test('a tab that is closed in the midst of a run does no harm', async () => {
  const page = await opened();
  await choose(page, { digits: '0123456789', calls: 50 });
  await page.click('#draw');
  await page.waitForFunction(() => /^[1-9]/.test(document.getElementById('calls-0').textContent));
  await closed(page);
  await closed(await opened());
});

test('a plan that cannot run is refused by the sentence that the library has for it', async () => {
  const page = await ordinary();
  await choose(page, { samplers: ['own', 'euler'] });
  await drawn(page);
  const plans = [await planOf(page, 0), await planOf(page, 1)];
  const changed = (change, side = 0) => {
    const plan = JSON.parse(plans[side]);
    change(plan);
    return JSON.stringify(plan);
  };
  const refuses = async (plan, sentence) => {
    await choose(page, { samplers: ['json', 'euler'], plan });
    assert.match(await refusal(page), sentence);
    assert.equal(await page.isEnabled('#draw'), true);
  };
  await refuses('', /^There is no plan: paste one/);
  await refuses('{', /^Left: plan_from_text: .*not JSON/);
  await refuses('{"steps": []}', /^Left: plan_from_json: /);
  await refuses(changed((plan) => { plan.version = 3; }), /^Left: plan_from_json: .*version/);
  await refuses(changed((plan) => { plan.steps[1].instructions[0][1] = 'q'; }), /^Left: plan_from_json: step 2, instruction 1/);
  await refuses(changed((plan) => { plan.prediction = 'velocity'; }), /this network predicts noise/);
  await refuses(changed((plan) => { plan.steps.splice(0, 2); }, 1), /^Left: plan: it starts at sigma = 0\.\d+; it must start/);
  await refuses(changed((plan) => { plan.steps[0].instructions[0][3].timestep = 5000; }),
    /at timestep 5000; this network knows timesteps from 0 to 999/);
  await choose(page, { samplers: ['own', 'json'], plan: 'x' });
  assert.match(await refusal(page), /^Right: plan_from_text/);
  // Nothing of the drawing before is left, and nothing can be taken from it.
  assert.deepEqual(await Promise.all(['#name-0', '#name-1', '#calls-0', '#plan-0'].map((id) => page.textContent(id))),
    ['Left', 'Right', '–', '']);
  assert.equal(await page.locator('#picture-0').evaluate((canvas) => canvas.getContext('2d')
    .getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value !== 0)), false);
  assert.equal(await page.isEnabled('#edit-0'), false);
  await page.locator('#edit-0').evaluate((button) => button.click());
  await choose(page, { samplers: ['own', 'euler'] });
  await drawn(page);
  silent(page);
});

test('a long text is read, and one that is too long or cannot be read is refused', async () => {
  const page = await ordinary();
  await choose(page, { samplers: ['own', 'euler'] });
  await drawn(page);
  // Spaces do not change a plan; 0.9 MB are far more than the stack has.
  const plan = await planOf(page, 1);
  await choose(page, { samplers: ['own', 'json'], plan: `${plan}${' '.repeat(9e5)}` });
  await drawn(page);
  await choose(page, { samplers: ['own', 'json'], plan: '['.repeat(2e5) });
  assert.match(await refusal(page), /^Right: plan_from_text: /);
  await choose(page, { samplers: ['own', 'json'], plan: plan.padEnd(2e6) + '.' });
  assert.equal(await refusal(page), 'The plan has 2,000,001 characters; a plan has a million at most.');
  await choose(page, { samplers: ['own', 'json'], plan });
  await drawn(page);
  const give = async (size) => {
    await page.setInputFiles('#plan-file', { name: 'my.json', mimeType: 'application/json', buffer: Buffer.alloc(size, ' ') });
    await page.waitForFunction(() => !document.getElementById('error').hidden);
    return page.textContent('#error');
  };
  assert.equal(await give(2e6), 'my.json has 2,000,000 characters; a plan has a million at most.');
  await page.evaluate(() => {
    window.readText = File.prototype.text;
    File.prototype.text = () => Promise.reject(new Error('it has changed'));
  });
  assert.equal(await give(10), 'my.json cannot be read: it has changed');
  await page.evaluate(() => { File.prototype.text = window.readText; });
  assert.equal(await page.inputValue('#plan-json'), plan);
  await page.setInputFiles('#plan-file', { name: 'my.json', mimeType: 'application/json', buffer: Buffer.from('{}') });
  await page.waitForFunction(() => document.getElementById('plan-json').value === '{}');
  assert.equal(await page.textContent('#error'), '');
  silent(page);
});

test('every sampler and scheduler of the lists draws', async () => {
  const page = await ordinary();
  const names = await page.locator('#sampler-0').evaluate((list) => [...list.options].map((o) => o.value));
  const schedulers = await page.locator('#scheduler-0').evaluate((list) => [...list.options].map((o) => o.value));
  assert.ok(names.length > 40 && schedulers.length > 8);
  const samplers = names.filter((name) => name !== 'json');
  for (let i = 0; i < samplers.length; i += 2) {
    const pair = [samplers[i], samplers[i + 1] ?? 'ddim'];
    await choose(page, { samplers: pair, calls: 4 });
    await drawn(page, pair.join(' and '));
  }
  for (let i = 0; i < schedulers.length; i += 2) {
    const pair = [schedulers[i], schedulers[i + 1] ?? ''];
    await choose(page, { samplers: ['euler', 'euler'], schedulers: pair, calls: 4 });
    await drawn(page, pair.join(' and '));
  }
  silent(page);
});

for (const [what, spoilt, sentence] of [
  ['no network', { 'unet.onnx': null }, /^The network, unet\.onnx, is missing: the server says 404\.$/],
  ['a spoilt network', { 'unet.onnx': 'spoilt' }, /^The network, unet\.onnx, cannot be opened: /],
  ['no library', { 'sampler.wasm': null }, /^The library, sampler\.wasm, is missing: the server says 404\.$/],
  ['a spoilt library', { 'sampler.wasm': 'spoilt' }, /^The library, sampler\.wasm, does not run here: /],
  ['half a network', { 'unet.onnx': 'cut' }, /^The network, unet\.onnx, has not arrived whole: .*Load the page again\.$/],
  ['no answer', { 'ort.wasm': 'refused' }, /^ONNX Runtime, ort\.wasm, cannot be loaded: the server does not answer\.$/],
  ['no runtime', { 'ort.js': null }, /^ONNX Runtime, ort\.js, cannot be loaded: /],
  ['no script', { 'page.js': null }, /^page\.js, or a part that it names, cannot be loaded\. Load the page again\.$/],
  ['no chart', { 'chart.js': 'refused' }, /^page\.js, or a part that it names, cannot be loaded\. Load the page again\.$/],
  ['a script that the browser does not know', { 'chart.js': 'export class Chart { # }' },
    /^The page has failed: .*SyntaxError.*Load it again, or try a newer browser\.$/],
  ['no worker', { 'worker.js': null }, /^The worker, worker\.js, cannot be loaded\.$/],
]) {
  test(`the page says so where there is ${what}`, async () => {
    const page = await opened({ spoilt });
    assert.match(await page.textContent('#error'), sentence);
    assert.equal(await page.isEnabled('#draw'), false);
    await page.close();
  });
}

test('the page says so where the network fails', async () => {
  // A network for other inputs.
  const other = readFileSync(path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname),
    '../onnxruntime/latents.onnx'));
  const page = await opened({ spoilt: { 'unet.onnx': other } });
  await choose(page, {});
  assert.match(await refusal(page), /^The network has failed: /);
  assert.equal(await page.isEnabled('#draw'), true);
  await page.close();
});

test('the page says so where there is no WebAssembly or no server', async () => {
  const page = await opened({ spoilt: workerAfter('delete globalThis.WebAssembly;') });
  assert.match(await page.textContent('#error'), /^This browser has no WebAssembly/);
  await page.close();
  const file = await opened({ from: `file://${PAGE}/index.html` });
  assert.match(await file.textContent('#error'), /^Browsers run no WebAssembly from a file\. Serve this folder/);
  await file.close();
});

test('the page says so where memory is short', async () => {
  const none = "WebAssembly.Memory = class { constructor() { throw new RangeError('could not allocate memory'); } };";
  const page = await opened({ spoilt: workerAfter(none) });
  assert.match(await page.textContent('#error'), /There is not enough memory\. Close other tabs, or draw fewer digits\.$/);
  await page.close();
  // Memory that does not grow while digits are drawn.
  const later = `const { grow } = WebAssembly.Memory.prototype;
    WebAssembly.Memory.prototype.grow = function (...all) {
      if (globalThis.full) throw new RangeError('full');
      return grow.apply(this, all);
    };
    addEventListener('message', () => { globalThis.full = true; });`;
  const full = await opened({ spoilt: workerAfter(later) });
  await choose(full, { digits: '0123456789' });
  assert.match(await refusal(full), /There is not enough memory\. Close other tabs, or draw fewer digits\.$/);
  await full.close();
});

test('a screen of 360 pixels shows everything', async () => {
  const page = await opened({ viewport: { width: 360, height: 640 } });
  await choose(page, {});
  await drawn(page);
  for (const box of await page.locator('details').all()) await box.evaluate((element) => { element.open = true; });
  const wide = await page.evaluate(() => {
    const tooWide = [...document.querySelectorAll('body *:not(option):not(optgroup)')].filter((element) => {
      const { left, right, width } = element.getBoundingClientRect();
      return width > 0 && !element.closest('.scroll > *') && (left < 0 || right > 360);
    });
    return [document.documentElement.scrollWidth, ...tooWide.map((element) => element.outerHTML.slice(0, 80))];
  });
  assert.deepEqual(wide, [360]);
  for (const box of await page.locator('details').all()) await box.evaluate((element) => { element.open = false; });
  // What is wrong is seen where the visitor is.
  await choose(page, { samplers: ['own', 'json'], plan: 'x'.repeat(50) });
  await refusal(page);
  const [top, bottom] = await page.locator('#error').evaluate((box) => {
    const place = box.getBoundingClientRect();
    return [place.top, place.bottom];
  });
  assert.ok(top >= 0 && bottom <= 640, `${top} to ${bottom}`);
  await closed(page);
});

test('controls have names, and text has contrast in light and dark', async () => {
  const page = await opened();
  const nameless = await page.evaluate(() => [...document.querySelectorAll('input, select, textarea, button, canvas, progress')]
    .filter((element) => !(element.labels?.length > 0 || element.getAttribute('aria-label') || element.textContent.trim()))
    .map((element) => element.id));
  assert.deepEqual(nameless, []);
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    const colours = await page.evaluate(() => Object.fromEntries(['paper', 'panel', 'text', 'quiet', 'accent', 'on-accent',
      'bad', 'line', 'series-0', 'series-1', 'series-2', 'series-3', 'series-4', 'series-5']
      .map((name) => [name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()])));
    const light = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
      .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0.05);
    const contrast = (a, b) => Math.max(light(a) / light(b), light(b) / light(a));
    const enough = (a, b, least) => assert.ok(contrast(colours[a], colours[b]) >= least,
      `${colorScheme}: ${a} on ${b} has ${contrast(colours[a], colours[b])}`);
    for (const below of ['paper', 'panel']) {
      for (const text of ['text', 'quiet', 'bad']) enough(text, below, 4.5);
      for (let i = 0; i < 6; ++i) enough(`series-${i}`, below, 3);
      enough('line', below, 3);
    }
    enough('on-accent', 'accent', 4.5);
  }
  await closed(page);
});

test('with reduced motion only the end is painted', async () => {
  const paints = async (reducedMotion) => {
    const page = await opened({ reducedMotion });
    await page.evaluate(() => {
      window.paints = 0;
      const { putImageData } = CanvasRenderingContext2D.prototype;
      CanvasRenderingContext2D.prototype.putImageData = function (...all) {
        if (this.canvas.id === 'picture-0') ++window.paints;
        return putImageData.apply(this, all);
      };
    });
    await choose(page, {});
    await drawn(page);
    const count = await page.evaluate(() => window.paints);
    await closed(page);
    return count;
  };
  assert.equal(await paints('reduce'), 1);
  assert.equal(await paints('no-preference'), 5);
});

test('page and library are about half a megabyte, beside the runtime and a network of one', () => {
  const bytes = (keep) => readdirSync(PAGE).filter(keep)
    .reduce((sum, file) => sum + statSync(path.join(PAGE, file)).size, 0);
  const network = bytes((file) => file === 'unet.onnx');
  const others = bytes((file) => !/^(unet\.onnx|ort\.wasm)$/.test(file));
  console.log(`network ${network} bytes, all but it and ort.wasm ${others}`);
  assert.ok(network > 1e6 && network < 1.1e6);
  assert.ok(others > 1e5 && others < 6e5);
});

// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
//
// Distance against calls, both on logarithmic scales.
const margin = { left: 56, right: 12, top: 10, bottom: 38 };
const shapes = [
  'M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0',
  'M-4,-4h8v8h-8z',
  'M0,-5l5,9h-10z',
  'M0,-6l5,6l-5,6l-5,-6z',
  'M-5,-4h10l-5,9z',
  'M-1.5,-5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5v-3h3.5z',
];
const colours = 6;

function element(name, attributes, text) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

export class Chart {
  #box;
  #points = []; // {name, calls, distance, setting}
  #names = [];
  #setting = '';
  #width = 0;

  constructor(box) {
    this.#box = box;
    this.draw('');
    // Text has one size on all screens, so the chart is drawn for the width that there is.
    new ResizeObserver(() => {
      if (box.clientWidth !== this.#width) this.draw(this.#setting);
    }).observe(box);
  }

  add(point) {
    if (!this.#names.includes(point.name)) this.#names.push(point.name);
    // Plans of one's own share a name: the last one counts.
    const same = (p) => p.name === point.name && p.calls === point.calls && p.setting === point.setting;
    this.#points = [...this.#points.filter((p) => !same(p)), point];
  }

  clear() {
    this.#points = [];
    this.#names = [];
    this.draw('');
  }

  // Points of the setting are filled, those of others are hollow.
  draw(setting) {
    this.#setting = setting;
    this.#width = this.#box.clientWidth;
    const width = Math.max(this.#width, 240);
    const height = Math.min(320, Math.round(0.7 * width));
    const shown = this.#points.filter((p) => p.distance > 0);
    const exponents = shown.map((p) => Math.log10(p.distance));
    const low = Math.floor(Math.min(-3, ...exponents));
    const high = Math.ceil(Math.max(0, ...exponents));
    const mostCalls = Math.max(50, ...shown.map((p) => p.calls));
    const leastCalls = Math.min(4, ...shown.map((p) => p.calls));
    const x = (calls) => margin.left + (width - margin.left - margin.right) *
      Math.log(calls / leastCalls) / Math.log(mostCalls / leastCalls);
    const y = (exponent) => margin.top + (height - margin.top - margin.bottom) * (high - exponent) / (high - low);

    const svg = element('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img',
      'aria-label': this.#inWords(shown) });
    for (let exponent = low; exponent <= high; ++exponent) {
      const line = { x1: margin.left, x2: width - margin.right, y1: y(exponent), y2: y(exponent), class: 'grid' };
      svg.append(element('line', line));
      svg.append(element('text', { x: margin.left - 6, y: y(exponent) + 4, 'text-anchor': 'end' },
        exponent < -4 ? `1e${exponent}` : String(Number((10 ** exponent).toFixed(4)))));
    }
    for (const calls of [1, 2, 4, 6, 10, 20, 50, 100, 200, 500, 1000]) {
      if (calls < leastCalls || calls > mostCalls) continue;
      const line = { x1: x(calls), x2: x(calls), y1: margin.top, y2: height - margin.bottom, class: 'grid' };
      svg.append(element('line', line));
      svg.append(element('text', { x: x(calls), y: height - margin.bottom + 16, 'text-anchor': 'middle' }, calls));
    }
    svg.append(element('text', { x: width / 2, y: height - 4, 'text-anchor': 'middle' }, 'calls of the network'));
    for (const point of shown) {
      const series = this.#names.indexOf(point.name);
      const mark = this.#mark(series, point.setting === setting, `translate(${x(point.calls)},${y(Math.log10(point.distance))})`);
      mark.append(element('title', {}, `${point.name}, ${point.calls} calls: ${point.distance.toPrecision(3)}`));
      svg.append(mark);
    }

    const legend = document.createElement('ul');
    this.#names.forEach((name, series) => {
      const entry = document.createElement('li');
      const sign = element('svg', { viewBox: '-8 -8 16 16', 'aria-hidden': 'true' });
      sign.append(this.#mark(series, true, ''));
      entry.append(sign, ` ${name}`);
      legend.append(entry);
    });
    this.#box.replaceChildren(svg, legend);
  }

  #mark(series, filled, transform) {
    const colour = `var(--series-${series % colours})`;
    return element('path', { d: shapes[(series + Math.floor(series / colours)) % shapes.length], transform,
      style: `stroke: ${colour}; stroke-width: 1.5; fill: ${filled ? colour : 'none'}` });
  }

  #inWords(points) {
    if (points.length === 0) return 'A chart without points yet';
    return points.map((p) => `${p.name}, ${p.calls} calls: distance ${p.distance.toPrecision(3)}`).join('; ');
  }
}

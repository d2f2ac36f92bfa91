// Limits as sliders, each over the powers that make sense of it.
import { count, element, find } from "./dom.js";

const LIMITS = [
  { name: "fuel", title: "Fuel", unit: "instructions", steps: powers(10, 3, 10), start: 8 },
  { name: "timeout", title: "Time", unit: "seconds", steps: [0.1, 0.5, 1, 2, 5, 10, 30, 60, 300], start: 7 },
  { name: "memory_limit", title: "Memory", unit: "pages of 64 KiB", steps: powers(2, 0, 12), start: 10 },
  { name: "depth_limit", title: "Call depth", unit: "frames", steps: [10, 50, 100, 500, 1000, 2000], start: 5 },
];

function powers(base, first, last) {
  return Array.from({ length: last - first + 1 }, (_, at) => base ** (first + at));
}

export class Limits {
  constructor() {
    this.sliders = new Map();
    const place = find("limits").querySelector(".sliders");
    for (const limit of LIMITS) place.append(this.slider(limit));
  }

  slider({ name, title, unit, steps, start }) {
    const text = () => `${count(steps[input.value])} ${unit}`;
    const input = element("input", { type: "range", min: 0, max: steps.length - 1, value: Math.min(start, steps.length - 1), id: `limit-${name}` });
    const output = element("output", { for: input.id });
    const show = () => {
      output.textContent = text();
      input.setAttribute("aria-valuetext", text());
    };
    input.addEventListener("input", show);
    show();
    this.sliders.set(name, { input, steps });
    return element("label", {}, element("span", {}, title), input, output);
  }

  get values() {
    return Object.fromEntries([...this.sliders].map(([name, { input, steps }]) => [name, steps[input.value]]));
  }
}

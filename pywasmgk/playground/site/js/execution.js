// An execution that is held: its code with values, what is on the stack and in memory, and the ways
// on and back.
import { count, element, fill, find, stopButton } from "./dom.js";
import { Code } from "./code.js";
import { Memory } from "./memory.js";

// way, title, key, what it does
const WAYS = [
  ["back-run", "|◀ Run back", "R", "Back to the stop before, or the beginning"],
  ["back", "◀ Back", "b", "One instruction back"],
  ["step", "Step ▶", "s", "One instruction on"],
  ["over", "Over", "n", "One instruction on, a call with all that it calls"],
  ["out", "Out", "o", "On to where this function has returned"],
  ["run", "Run ▶|", "r", "On to the next stop, or the end"],
];
const WORDS = {
  start: "before the first instruction", step: "", until: "", frame: "came back", stopped: "stopped",
  breakpoint: "at a breakpoint", watchpoint: "at a watchpoint", done: "done", trap: "trapped",
  pending: "waits for input",
};

export class Execution {
  // ask(request): the answer's value, shown where it is an execution's; stop(): the stop button
  constructor({ ask, go, stop }) {
    Object.assign(this, { ask, go });
    this.section = find("execution");
    this.keys = Promise.resolve();
    this.code = new Code({ ask, toggle: (offset) => this.change({ do: "toggle", offset }), key: (key) => this.key(key) });
    this.memory = new Memory(ask, (start, size) => this.change({ do: "watch", start, size }));
    this.buttons = WAYS.map(([way, title, key, hint]) =>
      element("button", { type: "button", title: `${hint} (${key} in the code)`, onclick: () => go(way) }, title));
    find("toolbar").append(...this.buttons, stopButton());
    document.addEventListener("click", (event) => event.target.closest?.("button.stop") && stop());
    this.slider = find("history");
    this.slider.addEventListener("change", () => go("goto", Number(this.slider.value)));
    this.slider.addEventListener("input", () => (find("where").textContent = `step ${count(this.slider.value)}`));
    this.running(false);
  }

  key(key) {
    const found = WAYS.find((one) => one[2] === key);
    // one after the other: who types fast loses none
    if (found) this.keys = this.keys.then(() => (this.busy ? null : this.go(found[0])));
  }

  async change(request) {
    const state = await this.ask(request);
    if (state?.frames) this.show(state);
    else if (state) this.code.mark(state.stops);
  }

  hide() {
    this.section.hidden = true;
    this.state = null;
    this.code.forget();
  }

  running(busy) {
    this.busy = busy;
    this.section.setAttribute("aria-busy", String(busy));
    for (const button of this.buttons) button.disabled = busy;
    this.slider.disabled = busy;
    for (const button of document.querySelectorAll("button.stop")) button.disabled = !busy;
  }

  progress({ steps, fuel }) {
    this.section.hidden = false;
    find("where").textContent = `step ${count(steps)} · fuel ${count(fuel)} · running`;
  }

  async show(state) {
    this.state = state;
    this.section.hidden = false;
    const why = WORDS[state.why] ?? state.why;
    find("where").textContent = [`step ${count(state.steps)}`, `fuel ${count(state.fuel)}`, why].filter(Boolean).join(" · ");
    this.slider.min = state.oldest;
    this.slider.max = state.furthest;
    this.slider.value = state.steps;
    for (const [at, [way]] of WAYS.entries())
      this.buttons[at].disabled = way.startsWith("back") ? state.steps <= state.oldest : state.done;
    this.values(state);
    this.stops(state.stops);
    await Promise.all([this.code.show(state), this.memory.show(state)]);
  }

  values(state) {
    const frames = state.frames.map((one, at) =>
      element("li", { class: at ? "" : "here" }, `${one.title} `, element("small", {}, at16(one.offset))));
    fill(
      find("values"),
      list("Stack", state.operands ?? [], "empty"),
      list("Locals", state.locals ?? [], "none"),
      state.globals.length ? list("Globals", state.globals, "none") : null,
      element("h3", {}, `Calls (${state.depth})`),
      element("ol", { class: "frames" }, ...frames),
    );
  }

  stops(stops) {
    const place = find("stops");
    const rows = stops.map((one) => element("li", { class: one.here ? "here" : "" }, `${one.text} `,
      element("button", { type: "button", class: "small", "aria-label": `Delete: ${one.text}`, onclick: () => this.change({ do: "remove", number: one.number }) }, "Delete")));
    const summary = place.querySelector("summary");
    summary.textContent = `Breakpoints and watchpoints (${stops.length})`;
    const hint = element("p", { class: "hint" }, "A breakpoint is set by the button with an instruction's offset, a watchpoint below the memory.");
    fill(place, summary, rows.length ? element("ul", {}, ...rows) : hint);
  }
}

const at16 = (offset) => `0x${offset.toString(16)}`;

function list(title, items, none) {
  const rows = items.map((one) => element("tr", { class: one.changed ? "changed" : "" },
    element("th", { scope: "row" }, one.title), element("td", { class: "kind" }, one.type), element("td", {}, one.value)));
  const body = rows.length ? rows : [element("tr", {}, element("td", { class: "none" }, none))];
  return element("table", {}, element("caption", {}, title), element("tbody", {}, ...body));
}

// An execution that is held: its code with values, what is on the stack and in memory, and the ways
// on and back.
import { count, element, fill, find, stopButton } from "./dom.js";
import { Code } from "./code.js";
import { Memory } from "./memory.js";
import { Python } from "./python.js";

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
    this.memory = new Memory(ask, (request) => this.change(request));
    this.python = new Python(ask);
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
    this.python.forget();
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
    await this.python.show(state.function, state.here);
  }

  values(state) {
    const frames = state.frames.map((one, at) =>
      element("li", { class: at ? "" : "here" }, `${one.title} `, element("small", {}, at16(one.offset))));
    fill(
      find("values"),
      list("Stack", state.operands ?? [], "empty"),
      list("Locals", state.locals ?? [], "none", this.setter("local")),
      state.globals.length ? list("Globals", state.globals, "none", this.setter("global")) : null,
      element("h3", {}, `Calls (${state.depth})`),
      element("ol", { class: "frames" }, ...frames),
    );
  }

  setter(kind) {
    return (number, word) => this.change({ do: "put", kind, number, word });
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

// a value as a button, which a field takes the place of: Enter sets it, Escape leaves it
function changeable(one, put) {
  const button = element("button", { type: "button", class: "value", "aria-label": `Change ${one.title}: ${one.value}`, title: "Change it", onclick: () => edit() }, one.value);
  const edit = () => {
    const field = element("input", { type: "text", value: one.word, size: 12, "aria-label": `New value of ${one.title}, ${one.type}`, spellcheck: "false" });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") put(field.value.trim());
      else if (event.key !== "Escape") return;
      event.preventDefault();
      field.replaceWith(button);
      button.focus();
    });
    button.replaceWith(field);
    field.select();
  };
  return button;
}

// with put(number, word), values that have a word can be changed
function list(title, items, none, put = null) {
  const rows = items.map((one, number) => element("tr", { class: one.changed ? "changed" : "" },
    element("th", { scope: "row" }, one.title), element("td", { class: "kind" }, one.type),
    element("td", {}, put && one.word !== undefined ? changeable(one, (word) => put(number, word)) : one.value)));
  const body = rows.length ? rows : [element("tr", {}, element("td", { class: "none" }, none))];
  return element("table", {}, element("caption", {}, title), element("tbody", {}, ...body));
}

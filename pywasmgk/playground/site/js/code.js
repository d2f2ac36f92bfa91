// The code of the function that runs, with what instructions took and gave.
import { element, fill, find } from "./dom.js";

// lines that are shown at once
const WINDOW = 400;

export class Code {
  constructor({ ask, toggle, key }) {
    Object.assign(this, { ask, toggle });
    this.place = find("code");
    this.forget();
    this.place.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        this.move(event.key === "ArrowDown" ? 1 : -1);
      } else key(event.key);
    });
  }

  forget() {
    this.known = new Map();
    this.stops = [];
    this.shown = null;
  }

  async form(index) {
    if (!this.known.has(index)) this.known.set(index, await this.ask({ do: "function", index }));
    return this.known.get(index);
  }

  // the code of any function, with nothing that runs
  async browse(index) {
    const form = await this.form(index);
    if (form) this.draw(form, { values: {}, stops: this.stops }, true);
  }

  async show(state) {
    const form = await this.form(state.function);
    if (form) this.draw(form, state);
  }

  // breakpoints where nothing is held
  mark(stops) {
    this.stops = stops;
    if (this.shown) this.draw(this.shown, { values: {}, stops }, true);
  }

  draw(form, state, browsing = false) {
    const focused = this.place.contains(document.activeElement);
    const here = browsing ? -1 : form.lines.findIndex((one) => one.offset === state.here && one.offset !== null);
    const first = Math.max(Math.min(here - WINDOW / 2, form.lines.length - WINDOW), 0);
    this.stops = state.stops;
    const stops = new Map(state.stops.map((one) => [one.offset, one]));
    const lines = form.lines.slice(first, first + WINDOW);
    const rows = lines.map((line, at) => this.line(line, at + first === here, stops, state.values ?? {}));
    const title = element("h3", {}, form.title);
    this.list = element("ol", { class: "lines" }, ...rows);
    fill(this.place, title, this.list);
    this.shown = form;
    const buttons = this.buttons;
    const current = this.list.querySelector(".here button.offset") ?? buttons[0];
    for (const one of buttons) one.tabIndex = one === current ? 0 : -1;
    if (focused) current?.focus({ preventScroll: true });
    this.reveal(this.list.querySelector(".here"));
  }

  // scrolls the code, never the page
  reveal(row) {
    if (!row) return;
    const { top, bottom } = row.getBoundingClientRect();
    const frame = this.place.getBoundingClientRect();
    if (top < frame.top + 30 || bottom > frame.bottom - 30)
      this.place.scrollTop += top - frame.top - frame.height / 3;
  }

  line(line, here, stops, values) {
    const text = element("span", { class: "text" }, "  ".repeat(Math.min(line.depth, 10)) + line.text);
    if (line.offset === null) return element("li", { class: "plain" }, element("span", { class: "offset" }), element("span", { class: "lanes" }), text);
    const stop = stops.get(line.offset);
    const place = `0x${line.offset.toString(16)}`;
    const button = element("button", {
      type: "button", class: "offset", "aria-pressed": String(Boolean(stop)), title: "Breakpoint",
      "aria-label": `Breakpoint at ${place}, ${line.text}`, onclick: () => this.toggle(line.offset),
    }, place);
    const value = values[line.offset];
    return element("li", { class: here ? "here" : "", "aria-current": here ? "step" : null }, button,
      element("span", { class: "lanes", "aria-hidden": "true" }, line.lanes), text,
      value ? element("span", { class: "value" }, value) : null);
  }

  get buttons() {
    return [...this.list.querySelectorAll("button.offset")];
  }

  move(by) {
    const buttons = this.buttons;
    const at = buttons.indexOf(document.activeElement);
    const next = buttons[at + by];
    if (!next) return;
    buttons[at].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }
}

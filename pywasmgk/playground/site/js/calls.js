// The form of a call: which export, and a field for each parameter.
import { element, fill, find, stopButton } from "./dom.js";

const PLUGIN = "\0plugin";
const START = "_start";

export class Calls {
  // start(how): "run", "step" or "fast"
  constructor(start) {
    this.start = start;
    this.place = find("form");
    this.place.addEventListener("submit", (event) => {
      event.preventDefault();
      this.start(event.submitter?.value ?? "run");
    });
  }

  // nothing can be called before the module is open
  wait() {
    this.choice = null;
    fill(this.place, element("p", { class: "hint" }, "As soon as the module is open…"));
  }

  show(form, wanted = {}) {
    this.form = form;
    this.callable = form.exports.filter((one) => one.kind === "func");
    const names = this.callable.map((one) => one.name);
    const options = this.callable.map((one) => element("option", { value: one.name },
      one.name === START ? "the program (_start)" : `${one.title} ${one.type}`));
    if (form.is_plugin) options.unshift(element("option", { value: PLUGIN }, "the plugin, by name and JSON"));
    if (!options.length) {
      this.choice = null;
      fill(this.place, element("p", { class: "hint" }, "The module exports no function to call."));
      return;
    }
    this.choice = element("select", { id: "export", onchange: () => this.fields() }, ...options);
    if (names.includes(wanted.export)) this.choice.value = wanted.export;
    else if (form.is_plugin && !wanted.export) this.choice.value = PLUGIN;
    else if (names.includes(START)) this.choice.value = START;
    this.inputs = element("div", { class: "fields" });
    fill(this.place, element("label", {}, element("span", {}, "Function"), this.choice), this.inputs, buttons());
    this.fields(wanted.words);
  }

  get chosen() {
    return this.callable.find((one) => one.name === this.choice.value);
  }

  fields(words = []) {
    const name = this.choice.value;
    if (name === PLUGIN) {
      fill(this.inputs, field("Name", "a function of the plugin's", words[0] ?? "", "text"),
        field("Argument", "JSON, or nothing", words[1] ?? "", "text"));
    } else if (name === START) {
      fill(this.inputs, field("Arguments", "words, as on a command line", words.join(" "), "text"));
    } else {
      const { params, parameters } = this.chosen;
      fill(this.inputs, ...params.map((kind, at) =>
        field(parameters[at] ? `$${parameters[at]}` : `Parameter ${at + 1}`, kind, words[at] || usual(kind), kind)));
    }
    const fast = this.place.querySelector("[value=fast]");
    fast.hidden = name === PLUGIN || name === START;
  }

  get words() {
    const found = [...this.inputs.querySelectorAll("input")].map((one) => one.value.trim());
    return this.choice.value === START ? found[0].split(/\s+/).filter(Boolean) : found;
  }

  // { export, words } or { plugin, argument }; null where there is nothing to call
  get call() {
    if (!this.choice) return null;
    const words = this.words;
    if (this.choice.value === PLUGIN) return { plugin: words[0], argument: words[1] };
    return { export: this.choice.value, words };
  }

  // what a link says of it
  get memo() {
    if (!this.choice) return {};
    return { export: this.choice.value === PLUGIN ? "" : this.choice.value, words: this.words };
  }
}

const usual = (kind) => (kind.endsWith("ref") ? "null" : "0");

function field(title, hint, value, kind) {
  const number = kind === "i32" || kind === "i64";
  const input = element("input", {
    type: "text", value, spellcheck: "false", autocapitalize: "off",
    inputmode: number ? "text" : null, placeholder: hint,
  });
  return element("label", { class: kind === "text" ? "words" : null }, element("span", {}, title, " ", element("small", {}, hint)), input);
}

function buttons() {
  const one = (value, title, hint, style) =>
    element("button", { type: "submit", value, title: hint, class: style }, title);
  return element("div", { class: "bar" },
    one("run", "Run", "Runs it to the end; from there the way is back", "main"),
    one("step", "Step into", "Holds it before its first instruction", ""),
    one("fast", "Run at full speed", "In the browser's own engine, under the same limits", ""),
    stopButton());
}

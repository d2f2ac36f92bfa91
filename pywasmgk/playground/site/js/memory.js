// Bytes of memory, in hexadecimal and as characters; what changed is marked.
import { count, element, fill, find } from "./dom.js";

const ROWS = 8;

export class Memory {
  // change(request): asks for what changes the execution, and shows it
  constructor(ask, change) {
    this.ask = ask;
    this.start = 0;
    this.dump = element("div", { class: "dump", tabindex: "0", role: "group", "aria-label": "Bytes" });
    this.address = element("input", { type: "text", value: "0x0", size: 10, spellcheck: "false" });
    this.size = element("input", { type: "number", value: 4, min: 1, max: 4096 });
    this.follow = element("input", { type: "checkbox", checked: true });
    const look = element("form", { class: "bar", autocomplete: "off" },
      element("label", {}, element("span", {}, "Address"), this.address),
      element("button", { type: "submit" }, "Look"),
      element("label", {}, element("span", {}, "Bytes"), this.size),
      element("button", { type: "button", onclick: () => change({ do: "watch", start: this.number, size: Number(this.size.value) }) }, "Watch"),
      element("label", { class: "check" }, this.follow, " follow the code"));
    look.addEventListener("submit", (event) => {
      event.preventDefault();
      this.follow.checked = false;
      this.start = this.number & ~15;
      this.load();
    });
    this.note = element("p", { class: "hint" });
    find("memory").append(this.dump, this.note, look, this.writing(change));
    // a byte that is clicked is the next to be looked at, watched or written
    this.dump.addEventListener("click", ({ target }) => {
      if (target.dataset.at) this.address.value = `0x${Number(target.dataset.at).toString(16)}`;
    });
  }

  writing(change) {
    const bytes = element("input", { type: "text", size: 14, spellcheck: "false", placeholder: "68 69" });
    const form = element("form", { class: "bar", autocomplete: "off" },
      element("label", {}, element("span", {}, "Bytes in hexadecimal"), bytes),
      element("button", { type: "submit" }, "Write to the address"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      change({ do: "write", start: this.number, data: bytes.value });
    });
    return form;
  }

  // another program: from the beginning
  reset() {
    this.start = 0;
    this.address.value = "0x0";
    this.follow.checked = true;
  }

  get number() {
    const found = Number(this.address.value.trim());
    return Number.isSafeInteger(found) && found >= 0 ? found : 0;
  }

  get columns() {
    return innerWidth < 600 ? 8 : 16;
  }

  async show(state) {
    find("memory").hidden = !state.pages;
    if (!state.pages) return;
    if (this.follow.checked && state.address !== null && this.outside(state.address)) {
      this.start = Math.max((state.address & ~15) - 32, 0);
      this.address.value = `0x${state.address.toString(16)}`;
    }
    await this.load(state.address);
  }

  outside(address) {
    return address < this.start || address >= this.start + ROWS * this.columns;
  }

  async load(focus = null) {
    const columns = this.columns;
    const found = await this.ask({ do: "memory", start: this.start, size: ROWS * columns });
    if (!found) return;
    this.start = found.start;
    const changed = new Set(found.changed);
    const bytes = found.bytes.match(/../g) ?? [];
    const rows = [];
    for (let at = 0; at < bytes.length; at += columns) rows.push(this.row(bytes, at, columns, changed, focus));
    fill(this.dump, ...rows);
    this.note.textContent = `${count(found.size / 65536)} page${found.size === 65536 ? "" : "s"}, ${count(found.size)} bytes`;
  }

  row(bytes, at, columns, changed, focus) {
    const part = bytes.slice(at, at + columns);
    const cells = part.map((byte, number) => {
      const kind = [changed.has(at + number) && "changed", this.start + at + number === focus && "focus", byte === "00" && "zero"];
      return element("span", { class: kind.filter(Boolean).join(" ") || null, "data-at": this.start + at + number }, byte);
    });
    const text = part.map((byte) => {
      const code = parseInt(byte, 16);
      return code >= 32 && code < 127 ? String.fromCharCode(code) : "·";
    }).join("");
    return element("div", {}, element("b", {}, (this.start + at).toString(16).padStart(8, "0")),
      element("span", { class: "bytes" }, ...cells), element("span", { class: "ascii" }, text));
  }
}

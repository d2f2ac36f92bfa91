// The Python that the function which is shown becomes, beside its code.
import { element, fill, find } from "./dom.js";

export class Python {
  constructor(ask) {
    this.ask = ask;
    this.details = find("python");
    this.place = this.details.querySelector(".beside");
    this.details.addEventListener("toggle", () => this.load());
    this.forget();
  }

  forget() {
    this.known = new Map();
    this.index = this.drawn = this.here = null;
    fill(this.place);
  }

  // the function, and the offset of the instruction before which it is held
  async show(index, here) {
    Object.assign(this, { index, here });
    await this.load();
  }

  // it is compiled when somebody looks
  async load() {
    const { index } = this;
    if (!this.details.open || index === null) return;
    if (!this.known.has(index)) {
      const found = await this.ask({ do: "python", index });
      if (!found) return;
      this.known.set(index, found);
    }
    if (index !== this.index) return;
    if (this.drawn !== index) this.draw(this.known.get(index));
    this.drawn = index;
    this.mark();
  }

  draw({ lines, why }) {
    if (why) return fill(this.place, element("p", { class: "hint" }, why));
    const rows = lines.map((one) => element("li", { "data-at": one.at },
      element("code", { class: "wat" }, one.text), element("code", { class: "py" }, one.python)));
    return fill(this.place, element("ol", {}, ...rows));
  }

  mark() {
    let first = null;
    for (const row of this.place.querySelectorAll("li")) {
      const here = this.here !== null && row.dataset.at === String(this.here);
      row.classList.toggle("here", here);
      if (here) first ??= row;
    }
    if (!first) return;
    const { top, bottom } = first.getBoundingClientRect();
    const frame = this.place.getBoundingClientRect();
    // scrolls the code, never the page
    if (top < frame.top || bottom > frame.bottom) this.place.scrollTop += top - frame.top - frame.height / 3;
  }
}

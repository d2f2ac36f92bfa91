// The text of the module: numbers of lines beside it, and what is wrong at its place.
import { element, fill, find } from "./dom.js";

export class Editor {
  constructor(changed) {
    this.area = find("wat");
    this.gutter = find("gutter");
    this.problem = find("problem");
    this.marks = { wrong: null, here: null };
    this.area.addEventListener("input", () => {
      this.number();
      changed();
    });
    this.area.addEventListener("scroll", () => (this.gutter.scrollTop = this.area.scrollTop));
    this.area.addEventListener("keydown", (event) => this.key(event));
  }

  get text() {
    return this.area.value;
  }

  set text(text) {
    this.area.value = text;
    this.area.scrollTop = 0;
    this.tell(null);
    this.number();
  }

  // Tab indents only where Escape has not been pressed before: the keyboard must get out again
  key(event) {
    if (event.key === "Escape") this.leaving = true;
    else if (event.key === "Tab" && !this.leaving && !event.shiftKey) {
      event.preventDefault();
      this.area.setRangeText("  ", this.area.selectionStart, this.area.selectionEnd, "end");
      this.area.dispatchEvent(new Event("input"));
    } else if (event.key !== "Shift") this.leaving = false;
  }

  number() {
    const lines = this.text.split("\n").length;
    if (this.gutter.childElementCount !== lines)
      fill(this.gutter, ...Array.from({ length: lines }, (_, at) => element("span", {}, String(at + 1))));
    this.mark();
  }

  mark() {
    for (const old of this.gutter.querySelectorAll(".wrong, .here")) old.className = "";
    for (const [kind, line] of Object.entries(this.marks))
      if (line) this.gutter.children[line - 1]?.classList.add(kind);
  }

  // the line that runs
  here(line) {
    this.marks.here = line;
    this.mark();
  }

  // what is wrong, with a button that goes there; null if nothing is
  tell(problem) {
    this.marks.wrong = problem?.line ?? null;
    this.mark();
    this.area.setAttribute("aria-invalid", problem ? "true" : "false");
    if (!problem) return void fill(this.problem);
    const excerpt = problem.excerpt && element("pre", { tabindex: "0", "aria-label": "The place" }, problem.excerpt);
    const go = problem.line &&
      element("button", { type: "button", onclick: () => this.go(problem) }, `Go to line ${problem.line}`);
    fill(this.problem, element("p", { class: "error" }, problem.message), excerpt || null, go || null);
  }

  go({ line, column }) {
    const lines = this.text.split("\n");
    const at = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0) + (column ?? 1) - 1;
    this.area.focus();
    this.area.setSelectionRange(at, at + 1);
    const height = parseFloat(getComputedStyle(this.area).lineHeight);
    this.area.scrollTop = Math.max((line - 5) * height, 0);
  }
}

// What programs and hosts write, and the line that a program waits for.
import { element, find } from "./dom.js";

const MOST = 100_000;

export class Terminal {
  // typed(text): a line, or null for the end of the input
  constructor(typed) {
    this.output = find("output");
    this.form = find("typing");
    this.line = find("line");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = `${this.line.value}\n`;
      this.line.value = "";
      this.write([["in", text]]);
      typed(text);
    });
    find("end").addEventListener("click", () => typed(null));
  }

  clear() {
    this.output.replaceChildren();
    this.size = 0;
    find("terminal").hidden = true;
    this.wait(false);
  }

  write(parts) {
    if (!parts.length) return;
    find("terminal").hidden = false;
    for (const [kind, text] of parts) {
      const last = this.output.lastElementChild;
      this.size += text.length;
      if (last?.className === kind) last.append(text);
      else this.output.append(element("span", { class: kind }, text));
    }
    // a program that writes for ever must not fill the page
    while (this.size > MOST && this.output.firstElementChild) {
      const first = this.output.firstElementChild;
      const over = this.size - MOST;
      if (first.textContent.length <= over) first.remove(), (this.size -= first.textContent.length);
      else {
        first.textContent = first.textContent.slice(over);
        this.size -= over;
      }
    }
    this.output.scrollTop = this.output.scrollHeight;
  }

  wait(waits) {
    this.form.hidden = !waits;
    if (!waits) return;
    find("terminal").hidden = false;
    this.line.focus();
  }
}

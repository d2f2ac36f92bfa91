// The controls around an execution. What is shown is HTML that was escaped where it was made; texts
// that people type are put into elements as text.

const BUTTONS = [
  ["|◀", "to the oldest step", "oldest"],
  ["◀◀", "run back to the stop before", "back-run"],
  ["↶", "back one instruction, over calls", "back-next"],
  ["◀", "back one instruction", "back"],
  ["▶", "one instruction", "step"],
  ["↷", "one instruction, over calls", "next"],
  ["↑", "on to the caller", "out"],
  ["▶▶", "run on to the next stop", "run"],
  ["▶|", "to the furthest step", "furthest"],
];

function make(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function field(label, placeholder, width, onEnter) {
  const input = make("input", { type: "text", placeholder, ariaLabel: label });
  input.style.width = width;
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter" && input.value.trim()) {
      onEnter(input.value.trim());
      input.value = "";
    }
  });
  return input;
}

function render({ model, el }) {
  let number = 0;
  const want = (line) => {
    number = Math.max(number, model.get("answered")) + 1;
    model.set("wanted", { number, line });
    model.save_changes();
  };
  const to = { oldest: () => want(`goto ${model.get("oldest")}`),
               furthest: () => want(`goto ${model.get("furthest")}`) };
  const buttons = BUTTONS.map(([text, title, line]) =>
    make("button", { type: "button", textContent: text, title, ariaLabel: title,
                     onclick: () => (to[line] || (() => want(line)))() }));
  const slider = make("input", { type: "range", ariaLabel: "step", step: 1 });
  slider.style.flex = "1";
  slider.addEventListener("change", () => want(`goto ${slider.value}`));
  const place = make("output");
  const watching = make("span");
  const command = field("command", "command: help lists them", "16em", want);
  const watch = field("watch an expression", "watch: n + 1, u32(8)", "12em",
                      (text) => want(`look ${text}`));
  const memory = field("change memory", "memory: 0x10 = 1 2 255", "14em",
                       (text) => want(`poke ${text.replace("=", " ")}`));
  const shown = make("div");
  const row = (...children) => {
    const made = make("div", {}, ...children);
    made.style.cssText = "display:flex;flex-wrap:wrap;gap:4px;align-items:center;margin:2px 0";
    return made;
  };
  const update = () => {
    shown.innerHTML = model.get("shown");
    slider.min = model.get("oldest");
    slider.max = model.get("furthest");
    slider.value = model.get("step");
    place.textContent = `${model.get("step")} of ${model.get("furthest")}`;
    watching.replaceChildren(...model.get("watched").map((text) =>
      make("button", { type: "button", textContent: `✕ ${text}`, title: "watch it no more",
                       onclick: () => want(`forget ${text}`) })));
  };
  const box = make("div", { tabIndex: 0 }, row(...buttons, slider, place),
                   row(command, watch, memory, watching), shown);
  const keys = { ArrowRight: "step", ArrowLeft: "back" };
  box.addEventListener("keydown", (event) => {
    if (event.target === box && keys[event.key]) {
      event.preventDefault();
      event.stopPropagation();
      want(keys[event.key]);
    }
  });
  update();
  model.on("change:answered", update);
  el.append(box);
  return () => model.off("change:answered", update);
}

export default { render };

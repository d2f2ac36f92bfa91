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

// a text that becomes a field when it is clicked, or Enter or a first character is typed
function editable(text, label, put) {
  const button = make("button", { type: "button", className: "wg-edit", textContent: text,
                                  title: `${label}: click to change`, ariaLabel: `${label}: ${text}` });
  const open = (typed) => {
    const input = make("input", { type: "text", value: typed ?? text, ariaLabel: label });
    input.style.width = `${Math.max(text.length, 2) + 1}ch`;
    const close = (isFocused) => {
      // it may have been replaced already
      if (!input.isConnected) return;
      input.onblur = null;
      input.replaceWith(button);
      if (isFocused) button.focus();
    };
    input.onblur = () => close(false);
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") close(true);
      if (event.key !== "Enter") return;
      const wanted = input.value.trim();
      close(true);
      if (wanted && wanted !== text) put(wanted);
    });
    button.replaceWith(input);
    input.focus();
    if (typed === undefined) input.select();
  };
  button.onclick = () => open();
  button.open = open;
  return button;
}

// what a row of values stands for: a value that can be set, a frame or a stop, or only a text
function valueRow(row, want) {
  const className = { changed: "wg-changed", here: "wg-here" }[row.style] ?? "wg-code";
  const cell = make("td", { className });
  if (row.value === null) {
    cell.colSpan = 2;
    cell.append(row.line
      ? make("button", { type: "button", className: "wg-edit", textContent: row.name,
                         title: row.line, onclick: () => want(row.line) })
      : row.name);
    return make("tr", {}, cell);
  }
  cell.append(row.line
    ? editable(row.value, row.name, (text) => want(`${row.line}${text}`))
    : row.value);
  return make("tr", {}, make("th", { scope: "row" }, row.name), cell);
}

function valueTables(kinds, want) {
  return kinds.flatMap(({ title, rows, more }) => [
    make("div", { className: "wg-head", textContent: title }),
    make("table", { className: "wg-facts" },
      make("tbody", {}, ...rows.map((row) => valueRow(row, want)))),
    ...(more ? [make("div", { className: "wg-note", textContent: `and ${more} more` })] : []),
  ]);
}

// rows of sixteen bytes, each of which is changed by itself, with numbers of a type that are, too
function memoryRows(memory, want) {
  const changed = new Set(memory.changed);
  const hex = (number, digits) => number.toString(16).padStart(digits, "0");
  return memory.rows.map(({ at, bytes, numbers }) => {
    const row = make("div", { className: "wg-bytes" },
      make("span", { className: "wg-dim", textContent: hex(at, 8) }));
    const values = bytes.match(/../g).map((one) => parseInt(one, 16));
    values.forEach((value, index) => {
      const address = at + index;
      const cell = editable(hex(value, 2), `byte at 0x${hex(address, 1)}`, (text) => want(`poke ${address} 0x${text}`));
      cell.dataset.address = address;
      cell.classList.toggle("wg-changed", changed.has(address));
      cell.classList.toggle("wg-dim", !value && !changed.has(address));
      row.append(cell);
    });
    row.append(make("span", { textContent: values.map((one) =>
      (one >= 32 && one < 127 ? String.fromCharCode(one) : ".")).join("").padEnd(16) }));
    if (values.some(Boolean))
      numbers.forEach((text, index) => row.append(
        editable(text, `${memory.kind} at 0x${hex(at + index * memory.width, 1)}`,
          (wanted) => want(`put ${at + index * memory.width} ${memory.kind} ${wanted}`))));
    return row;
  });
}

// arrows go from byte to byte, a digit begins to change one
function moveInMemory(event) {
  const address = event.target.dataset?.address;
  if (address === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -16, ArrowDown: 16 }[event.key];
  if (by) event.currentTarget.querySelector(`[data-address="${Number(address) + by}"]`)?.focus();
  else if (/^[0-9a-fA-F]$/.test(event.key)) event.target.open(event.key);
  else return;
  event.preventDefault();
  event.stopPropagation();
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
  const button = (text, title, onclick) =>
    make("button", { type: "button", textContent: text, title, ariaLabel: title, onclick });
  const buttons = BUTTONS.map(([text, title, line]) =>
    button(text, title, () => (to[line] || (() => want(line)))()));
  const slider = make("input", { type: "range", ariaLabel: "step", step: 1 });
  slider.addEventListener("change", () => want(`goto ${slider.value}`));
  const place = make("output");
  const watching = make("span");
  const command = field("command", "command: help lists them", "16em", want);
  const watch = field("watch an expression", "watch: n + 1, u32(8)", "12em",
                      (text) => want(`look ${text}`));
  const poke = field("change memory", "memory: 0x10 = 1 2 255", "14em",
                     (text) => want(`poke ${text.replace("=", " ")}`));
  const address = field("address", "address: 0x400, n + 8", "12em", (text) => want(`at ${text}`));
  const kind = make("select", { ariaLabel: "type of numbers", onchange: () => want(`as ${kind.value}`) });
  const shown = make("div"), values = make("div");
  const by = (pages) => want(`at ${Math.max(model.get("memory").start + pages * model.get("memory").step, 0)}`);
  const head = make("div", { className: "wg-head wg-controls" }, "memory", address,
    button("▲", "memory before", () => by(-1)), button("▼", "memory behind", () => by(1)),
    button("follow", "show the memory that the code uses", () => want("at")), kind, poke);
  const bytes = make("pre", { className: "wg-memory" });
  bytes.addEventListener("keydown", moveInMemory);

  const updateMemory = () => {
    const memory = model.get("memory");
    const focused = bytes.getRootNode().activeElement?.dataset?.address;
    head.hidden = bytes.hidden = !memory.rows;
    if (!memory.rows) return;
    kind.replaceChildren(...memory.kinds.map((name) => make("option", { textContent: name })));
    kind.value = memory.kind;
    bytes.replaceChildren(...memoryRows(memory, want));
    if (focused !== undefined) bytes.querySelector(`[data-address="${focused}"]`)?.focus();
  };
  const update = () => {
    shown.innerHTML = model.get("shown");
    values.replaceChildren(...valueTables(model.get("values"), want));
    updateMemory();
    slider.min = model.get("oldest");
    slider.max = model.get("furthest");
    slider.value = model.get("step");
    place.textContent = `${model.get("step")} of ${model.get("furthest")}`;
    watching.replaceChildren(...model.get("watched").map((text) =>
      make("button", { type: "button", textContent: `✕ ${text}`, title: "watch it no more",
                       onclick: () => want(`forget ${text}`) })));
  };
  const row = (...children) => make("div", { className: "wg-controls" }, ...children);
  const box = make("div", { tabIndex: 0, className: "pywasmgk wg-player" },
    row(...buttons, slider, place), row(command, watch, watching),
    make("div", { className: "wg-side" }, shown, values), head, bytes);
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

// What a module is made of.
import { count, element, fill, find } from "./dom.js";

export function showModule(form, chooseFunction) {
  const total = form.sections.reduce((sum, one) => sum + one.size, 0) || 1;
  const facts = [`${count(form.size)} bytes`];
  if (form.is_plugin) facts.push("a plugin");
  else if (form.is_program) facts.push("a WASI program");
  if (form.features.length) facts.push(`uses ${form.features.join(", ")}`);
  fill(
    find("module"),
    element("p", { class: "facts" }, facts.join(" · ")),
    bar(form.sections, total),
    table("Exports", form.exports.map((one) => [one.title, one.type, action(one, chooseFunction)])),
    table("Imports", form.imports.map((one) => [one.title, one.type, ""])),
    functions(form.functions, chooseFunction),
  );
}

function bar(sections, total) {
  const parts = sections.map((one, at) => element("i", { class: `c${at % 8}`, title: one.name }));
  sections.forEach((one, at) => (parts[at].style.flexGrow = String(one.size / total)));
  const legend = sections.map((one, at) =>
    element("li", {}, element("i", { class: `c${at % 8}` }), `${one.name} `, element("b", {}, count(one.size))));
  return element(
    "figure", { class: "sections" },
    element("div", { class: "sizes", "aria-hidden": "true" }, ...parts),
    element("figcaption", {}, element("ul", { "aria-label": "Sections, in bytes" }, ...legend)),
  );
}

const action = (one, choose) => one.kind === "func"
  ? element("button", { type: "button", class: "small", onclick: () => choose(one.index), "aria-label": `Code of ${one.title}` }, "Code")
  : "";

function table(title, rows) {
  if (!rows.length) return null;
  const lines = rows.map(([name, type, extra]) =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, type), element("td", {}, extra)));
  return element("div", { class: "wide", tabindex: "0", role: "group", "aria-label": title },
    element("table", {}, element("caption", {}, title), element("tbody", {}, ...lines)));
}

function functions(items, choose) {
  if (!items.length) return null;
  const rows = items.slice(0, 300).map((one) => element("li", {},
    element("button", { type: "button", class: "plain", onclick: () => choose(one.index) },
      `${one.index} ${one.title}`), ` ${one.type}`));
  if (items.length > 300) rows.push(element("li", {}, `${count(items.length - 300)} more`));
  return element("details", {}, element("summary", {}, `Functions (${count(items.length)})`),
    element("ul", { class: "functions" }, ...rows));
}

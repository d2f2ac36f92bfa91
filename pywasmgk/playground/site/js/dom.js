// Elements. Texts of a module only ever become text: nothing here takes markup.

export const find = (id) => document.getElementById(id);

// element("p", { class: "hint", onclick }, "text", child, ...)
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function fill(parent, ...children) {
  parent.replaceChildren(...children.filter((child) => child !== null && child !== undefined));
  return parent;
}

// there is one wherever something is started; the page listens to all of them
export const stopButton = () =>
  element("button", { type: "button", class: "stop", disabled: true, title: "Stops whatever runs" }, "Stop");

// waits until nothing was called for so long
export function settled(action, milliseconds) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...args), milliseconds);
  };
}

export const count = (number) => Number(number).toLocaleString("en-US");

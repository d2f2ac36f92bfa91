// Inside of the frame that a plugin's markup is put into: an origin of its own, without cookies.
// Scripts of the markup never run; links and forms become messages to the page around it.

function put({ html, text }) {
  if (text === undefined) {
    document.body.innerHTML = html;
  } else {
    const shown = document.createElement("pre");
    shown.textContent = text;
    document.body.replaceChildren(shown);
  }
  tellHeight();
}

function tellHeight() {
  parent.postMessage({ height: Math.ceil(document.documentElement.getBoundingClientRect().height) }, "*");
}

// a path of the server's own, or nothing
function ownPath(written) {
  return written !== null && written.startsWith("/") && !/^\/[\/\\]/.test(written) ? written : null;
}

function clicked(event) {
  const link = event.target.closest?.("a, area");
  if (!link) return;
  const written = link.getAttribute("href");
  const path = ownPath(written);
  if (path !== null) {
    event.preventDefault();
    parent.postMessage({ go: { method: "GET", path } }, "*");
  } else if (/^https?:/i.test(written ?? "")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
  } else if (!(written ?? "").startsWith("#")) {
    event.preventDefault();
  }
}

function submitted(event) {
  event.preventDefault();
  const form = event.target;
  const method = (event.submitter?.getAttribute("formmethod") ?? form.getAttribute("method") ?? "GET").toUpperCase();
  const written = event.submitter?.getAttribute("formaction") ?? form.getAttribute("action");
  const fields = {};
  for (const [name, value] of new FormData(form, event.submitter)) {
    if (typeof value !== "string") continue;
    if (!Object.hasOwn(fields, name)) fields[name] = value;
    else fields[name] = [].concat(fields[name], value);
  }
  parent.postMessage({ go: { method, path: written ? ownPath(written) : "", fields } }, "*");
}

addEventListener("message", (event) => {
  if (event.source === parent) put(event.data);
});
document.addEventListener("click", clicked);
document.addEventListener("submit", submitted);
new ResizeObserver(tellHeight).observe(document.documentElement);
parent.postMessage({ ready: true }, "*");

// The pages of `pywasmgk serve`: plugins' markup in frames, forms, and what happens meanwhile.

const csrf = document.querySelector('meta[name="csrf-token"]').content;
const said = document.querySelector("#said");

function say(text) {
  said.textContent = text;
}

async function ask(method, path, { body, headers = {} } = {}) {
  const options = { method, headers: { Accept: "application/json", "X-CSRF-Token": csrf, ...headers } };
  if (body !== undefined) {
    options.body = typeof body === "string" ? body : JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  const answer = await fetch(path, options);
  const text = await answer.text();
  let value = text;
  try {
    value = JSON.parse(text);
  } catch { /* not JSON: it is shown as it is */ }
  if (!answer.ok) throw new Error(value?.error?.message ?? `${answer.status} ${text.slice(0, 200)}`);
  return value;
}

// -- a plugin's markup, in a frame that can do nothing but tell of links and forms

function inWords(answer) {
  if (answer === null || typeof answer !== "object") return String(answer ?? "Done");
  return Object.entries(answer).map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");
}

class PluginFrame {
  constructor(place, plugin, title) {
    this.plugin = plugin;
    this.path = place.dataset.path ?? "";
    this.waiting = null;
    this.ready = false;
    this.frame = document.createElement("iframe");
    this.frame.title = title;
    this.frame.setAttribute("sandbox", "allow-scripts allow-forms allow-popups allow-popups-to-escape-sandbox");
    this.frame.src = "/-/frame";
    addEventListener("message", (event) => {
      if (event.source === this.frame.contentWindow) this.told(event.data);
    });
    place.replaceChildren(this.frame);
    place.removeAttribute("aria-busy");
  }

  show(answer) {
    const content = typeof answer?.html === "string"
      ? { html: answer.html }
      : { html: "", text: typeof answer === "string" ? answer : JSON.stringify(answer, null, 2) };
    this.waiting = content;
    if (this.ready) this.frame.contentWindow.postMessage(content, "*");
  }

  told({ ready, height, go }) {
    if (ready) {
      this.ready = true;
      if (this.waiting) this.frame.contentWindow.postMessage(this.waiting, "*");
    }
    if (Number.isFinite(height)) this.frame.height = Math.min(Math.max(height, 24), 20000);
    if (go) this.go(go);
  }

  async go({ method, path, fields }) {
    const target = new URL(path || this.path, location.origin);
    if (path === null || target.origin !== location.origin) return;
    if (method === "GET") {
      for (const [name, value] of Object.entries(fields ?? {})) {
        for (const one of [].concat(value)) target.searchParams.append(name, one);
      }
      location.assign(target);
      return;
    }
    try {
      // only the routes of the plugin whose page it is
      const headers = { "X-Plugin": this.plugin };
      const answer = await ask(method, target.pathname + target.search, { body: fields ?? {}, headers });
      say(typeof answer?.html === "string" ? "Done" : inWords(answer));
      this.show(typeof answer?.html === "string" || !this.path ? answer : await ask("GET", this.path, { headers }));
    } catch (error) {
      say(error.message);
    }
  }
}

function pluginPage() {
  const place = document.querySelector(".plugin-page");
  if (!place) return;
  const html = JSON.parse(document.querySelector("#plugin-html").textContent);
  new PluginFrame(place, place.dataset.plugin, document.title).show({ html });
}

function widgets() {
  for (const widget of document.querySelectorAll(".widget")) {
    const { plugin, function: handler, refresh } = widget.dataset;
    const frame = new PluginFrame(widget.querySelector(".content"), plugin, widget.querySelector("h2").textContent);
    const load = async () => {
      try {
        const { result } = await ask("POST", callPath(plugin, handler), { body: { args: {} } });
        frame.show(result);
      } catch (error) {
        frame.show(error.message);
      }
    };
    load();
    if (Number(refresh) > 0) setInterval(() => document.hidden || load(), Math.max(Number(refresh), 2) * 1000);
  }
}

// -- forms

function pluginPath(plugin) {
  return `/-/plugins/${encodeURIComponent(plugin)}`;
}

function callPath(plugin, handler) {
  return `${pluginPath(plugin)}/call/${encodeURIComponent(handler)}`;
}

function callForm() {
  const form = document.querySelector("form[data-call]");
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const output = form.querySelector("output");
    output.textContent = "…";
    try {
      const written = form.elements.args.value.trim();
      const body = written ? { args: JSON.parse(written) } : {};
      const { result, call } = await ask("POST", callPath(form.dataset.call, form.elements.function.value), { body });
      const took = call ? `${(1000 * call.seconds).toFixed(2)} ms, ${call.fuel.toLocaleString("en")} instructions, ${call.pages} pages\n` : "";
      output.textContent = took + JSON.stringify(result, null, 2);
    } catch (error) {
      output.textContent = error.message;
    }
  });
}

function policyForm() {
  const form = document.querySelector("form[data-policy]");
  if (!form) return;
  const path = `${pluginPath(form.dataset.policy)}/policy`;
  const output = form.querySelector("output");
  const change = async (method, body) => {
    try {
      const { policy, decided } = await ask(method, path, { body });
      form.elements.policy.value = JSON.stringify(JSON.parse(policy), null, 2);
      form.querySelector("#decided").textContent = decided ? "This was decided." : "Nobody has decided: this is what applies.";
      output.textContent = "It applies from the next host call on.";
    } catch (error) {
      output.textContent = error.message;
    }
  };
  form.elements.policy.value = JSON.stringify(JSON.parse(form.elements.policy.value), null, 2);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    change("PUT", form.elements.policy.value);
  });
  form.querySelector("[data-forget]").addEventListener("click", () => change("DELETE"));
}

function switches() {
  for (const button of document.querySelectorAll("[data-switch]")) {
    button.addEventListener("click", async () => {
      try {
        const enabled = button.dataset.enabled !== "true";
        await ask("PUT", `${pluginPath(button.dataset.switch)}/enabled`, { body: { enabled } });
        location.reload();
      } catch (error) {
        say(error.message);
      }
    });
  }
}

// -- what happens

const LEVELS = ["debug", "info", "warn", "error"];

function logLine(list, entry) {
  const line = document.createElement("li");
  line.className = LEVELS.includes(entry.level) ? entry.level : "info";
  for (const [kind, text] of [["time", entry.timestamp], ["b", entry.plugin], ["span", entry.message]]) {
    const part = document.createElement(kind);
    part.textContent = text;
    line.append(part, " ");
  }
  if (entry.fields) {
    const fields = document.createElement("code");
    fields.textContent = JSON.stringify(entry.fields);
    line.append(fields);
  }
  list.prepend(line);
  while (list.children.length > 1000) list.lastChild.remove();
}

function log() {
  const list = document.querySelector("#log");
  if (!list) return () => {};
  const least = document.querySelector("#least");
  const filter = document.querySelector("#filter");
  const sift = () => {
    for (const line of list.children) {
      line.hidden = LEVELS.indexOf(line.className) < Number(least.value) || !line.textContent.includes(filter.value);
    }
  };
  least.addEventListener("change", sift);
  filter.addEventListener("input", sift);
  sift();
  return (entry) => {
    logLine(list, entry);
    sift();
  };
}

function soon(work, seconds) {
  let timer = null;
  return () => {
    timer ??= setTimeout(() => {
      timer = null;
      work();
    }, seconds * 1000);
  };
}

function watch() {
  const events = new EventSource("/-/events");
  const logged = log();
  events.addEventListener("log", (event) => logged(JSON.parse(event.data)));
  const plots = document.querySelector('[data-live="plots"]');
  const redraw = soon(async () => {
    const answer = await fetch(`${pluginPath(plots.dataset.plugin)}/plots`);
    // the server's own drawing, escaped there
    if (answer.ok) plots.innerHTML = await answer.text();
  }, 0.5);
  events.addEventListener("call", (event) => {
    if (plots && JSON.parse(event.data).plugin === plots.dataset.plugin) redraw();
  });
  const table = document.querySelector('[data-live="plugins"]');
  events.addEventListener("change", (event) => {
    const { kind, plugin } = JSON.parse(event.data);
    say(`${plugin} was ${kind}`);
    if (table || plots?.dataset.plugin === plugin) soon(() => location.reload(), 0.3)();
  });
}

pluginPage();
widgets();
callForm();
policyForm();
switches();
watch();

// The worker that has Python, and its requests. It can always be ended: a new one takes its place.

const PATIENCE = 1200;

// A worker made of a blob is under the page's own content policy, whatever the server sends.
function open() {
  const address = new URL("../worker.js", import.meta.url).href;
  const source = `import ${JSON.stringify(address)};`;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const made = globalThis.trustedTypes
    ? trustedTypes.createPolicy("playground", { createScriptURL: (text) => text }).createScriptURL(url)
    : url;
  return () => new Worker(made, { type: "module" });
}

export class Ended extends Error {}

export class Client {
  // tell(kind, content): "status", "progress", "written", "version"
  constructor(tell) {
    this.tell = tell;
    this.make = open();
    this.begin();
  }

  begin() {
    this.waiting = new Map();
    this.last = 0;
    this.ready = false;
    this.worker = this.make();
    this.worker.onmessage = ({ data }) => this.receive(data);
    this.worker.onerror = (event) => this.tell("status", { failed: event.message || "the worker failed" });
  }

  receive(message) {
    if (message.ready) this.ready = true;
    if (message.id === undefined) {
      for (const [kind, content] of Object.entries(message)) this.tell(kind, content);
      return;
    }
    const { resolve } = this.waiting.get(message.id) ?? {};
    this.waiting.delete(message.id);
    if (message.answer.written) this.tell("written", message.answer.written);
    resolve?.(message.answer);
  }

  // The answer to a request: { value } or { error }. Rejects with Ended if the worker was ended.
  ask(request) {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, request });
    });
  }

  // Has what runs stop between two slices; a worker that does not answer in time is ended.
  async stop() {
    const { worker } = this;
    const stopped = [...this.waiting.keys()];
    worker.postMessage({ stop: true });
    await new Promise((resolve) => setTimeout(resolve, PATIENCE));
    // what was asked since then is nobody's to stop
    const remains = stopped.some((id) => this.waiting.has(id));
    if (this.worker === worker && remains && this.ready) this.restart();
  }

  restart() {
    this.worker.terminate();
    const waiting = [...this.waiting.values()];
    this.begin();
    for (const { reject } of waiting) reject(new Ended("the worker was ended, and a new one begins"));
  }
}

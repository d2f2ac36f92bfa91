// A program as a link: JSON, compressed, in the fragment, which no server sees. The size comes first,
// and no more than that is ever inflated.

const MOST_PACKED = 100_000;
const MOST = 1_000_000;
const FORMAT = "deflate-raw";

const toText = (bytes) => {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};

const toBytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));

export const bytesToBase64 = (bytes) => toText(bytes).replaceAll("-", "+").replaceAll("_", "/");

// The bytes of a stream; more than `most` of them is an error.
async function gathered(stream, most) {
  const parts = [];
  let size = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > most) {
      await reader.cancel();
      throw new Error("the link holds more than it says");
    }
    parts.push(value);
  }
  const found = new Uint8Array(size);
  parts.reduce((at, part) => (found.set(part, at), at + part.length), 0);
  return found;
}

export async function pack(program) {
  const bytes = new TextEncoder().encode(JSON.stringify(program));
  if (bytes.length > MOST) throw new Error("this program is too long for a link");
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream(FORMAT));
  const packed = toText(await gathered(stream, MOST));
  if (packed.length > MOST_PACKED) throw new Error("this program is too long for a link");
  return `#p=${bytes.length}.${packed}`;
}

// The program of a fragment; null if it has none. Throws for one that is too long, or broken.
export async function unpack(fragment) {
  if (!fragment.startsWith("#p=")) return null;
  const [, size, packed] = /^#p=(\d{1,7})\.([\w-]*)$/.exec(fragment) ?? [];
  if (packed === undefined) throw new Error("the link is broken");
  if (Number(size) > MOST || packed.length > MOST_PACKED) throw new Error("the link is too long");
  const stream = new Blob([toBytes(packed)]).stream().pipeThrough(new DecompressionStream(FORMAT));
  const bytes = await gathered(stream, Number(size)).catch((error) => {
    throw new Error(error.message.includes("holds") ? error.message : "the link is broken");
  });
  const found = JSON.parse(new TextDecoder().decode(bytes));
  const known = ["wat", "data", "host", "export", "words", "title"];
  return Object.fromEntries(known.filter((name) => name in found).map((name) => [name, found[name]]));
}

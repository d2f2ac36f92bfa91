// JavaScript's half of the adapter of WebAssembly (browser.py). Errors are values here, and 64-bit
// integers are BigInts; floats are their bits on the way, since Python makes an int of a float that
// has no fraction. A page that forbids evaluating texts loads this file itself.
globalThis.pywasmgkGlue = (() => {
  class Raised extends Error {}
  const cell = new DataView(new ArrayBuffer(8));
  const given = (kind, value) => {
    if (kind === "i64") return BigInt.asIntN(64, BigInt(value));
    if (kind === "f32") return cell.setUint32(0, value), cell.getFloat32(0);
    if (kind === "f64") return cell.setBigUint64(0, BigInt(value)), cell.getFloat64(0);
    return value === undefined ? null : value;
  };
  const taken = (kind, value) => {
    if (kind === "f32") return cell.setFloat32(0, value), cell.getUint32(0);
    if (kind === "f64") return cell.setFloat64(0, value), cell.getBigUint64(0);
    return value;
  };
  const guarded = (act) => {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = Infinity;
    try { return act(); }
    catch (error) {
      const message = error instanceof RangeError ? "call stack" : error.message;
      return [1, error instanceof Raised, String(message), String(error.stack)];
    } finally { Error.stackTraceLimit = limit; }
  };
  let numbers = 0;
  const known = new WeakMap();
  return {
    compile: (bytes) => new WebAssembly.Module(bytes),
    instantiate: (module, imports) => guarded(() => {
      const named = Object.fromEntries(imports.map((item, number) => [String(number), item]));
      return [0, new WebAssembly.Instance(module, { "": named }).exports];
    }),
    take: (exports, name) => exports[name],
    call: (func, params, results, ...args) => guarded(() => {
      const found = func(...args.map((value, at) => given(params[at], value)));
      const values = results.length > 1 ? found : [found];
      return [0, ...results.map((kind, at) => taken(kind, values[at]))];
    }),
    host: (call, params, results) => (...args) => {
      const found = call(...args.map((value, at) => taken(params[at], value)));
      if (found === undefined || found === null) throw new Raised("host");
      const values = results.map((kind, at) => given(kind, found[at]));
      return results.length > 1 ? values : values[0];
    },
    number: (func) => {
      if (!known.has(func)) known.set(func, ++numbers);
      return known.get(func);
    },
    global: (value, mutable, start) =>
      new WebAssembly.Global({ value, mutable }, given(value, start)),
    get: (global, kind) => taken(kind, global.value),
    set: (global, kind, value) => { global.value = given(kind, value); },
    memory: (initial, maximum) => new WebAssembly.Memory({ initial, maximum }),
    size: (memory) => memory.buffer.byteLength,
    part: (memory, start, size) => new Uint8Array(memory.buffer, start, size),
    table: (element, initial, maximum) => new WebAssembly.Table({ element, initial, maximum }),
    element: (table, index) => table.get(index),
    put: (table, index, value) => table.set(index, value === undefined ? null : value),
    grow: (item, count, ...values) => {
      try { item.grow(count, ...values.map((value) => value === undefined ? null : value)); }
      catch (error) { return false; }
      return true;
    },
  };
})();

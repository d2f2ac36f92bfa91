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
  // what is left of fuel and depth, and what exceptions passed by: of slices, so that numbers do
  const enter = (account, fuel, depth, unspent) => {
    account[0].value = BigInt(fuel);
    account[1].value = depth;
    account[2].value = BigInt(unspent);
  };
  const left = (account) =>
    [Number(account[0].value), account[1].value, Number(account[2].value)];
  const guarded = (account, act) => {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = Infinity;
    try {
      const found = act();
      return [0, ...left(account), ...found];
    } catch (error) {
      const message = error instanceof RangeError ? "call stack" : error.message;
      return [1, ...left(account), error instanceof Raised, String(message), String(error.stack)];
    } finally { Error.stackTraceLimit = limit; }
  };
  let numbers = 0;
  const known = new WeakMap();
  return {
    compile: (bytes) => new WebAssembly.Module(bytes),
    instantiate: (account, module, imports) => guarded(account, () => {
      const named = Object.fromEntries(imports.map((item, number) => [String(number), item]));
      return [new WebAssembly.Instance(module, { "": named }).exports];
    }),
    take: (exports, name) => exports[name],
    call: (account, fuel, depth, unspent, func, params, results, ...args) => guarded(account, () => {
      enter(account, fuel, depth, unspent);
      const found = func(...args.map((value, at) => given(params[at], value)));
      const values = results.length > 1 ? found : [found];
      return results.map((kind, at) => taken(kind, values[at]));
    }),
    host: (account, call, params, results) => (...args) => {
      const found = call(...left(account), ...args.map((value, at) => taken(params[at], value)));
      // the store is gone
      if (found === undefined || found === null) throw new Raised("host");
      // a number, or none, from a host that has left the account as it was
      if (typeof found !== "object") return results.length ? given(results[0], found) : undefined;
      const [fuel, depth, unspent, raised, ...values] = found;
      enter(account, fuel, depth, unspent);
      if (raised) throw new Raised("host");
      const told = results.map((kind, at) => given(kind, values[at]));
      return results.length > 1 ? told : told[0];
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

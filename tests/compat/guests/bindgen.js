// The script beside bindgen.wat, in the manner of wasm-bindgen's target "nodejs" with a heap of objects.
let imports = {};
imports["__wbindgen_placeholder__"] = module.exports;
let wasm;
const { TextDecoder, TextEncoder } = require(`util`);

const heap = new Array(128).fill(undefined);
heap.push(undefined, null, true, false);
let heap_next = heap.length;

function addHeapObject(obj) {
    if (heap_next === heap.length) heap.push(heap.length + 1);
    const idx = heap_next;
    heap_next = heap[idx];
    heap[idx] = obj;
    return idx;
}
function getObject(idx) { return heap[idx]; }
function dropObject(idx) {
    if (idx < 132) return;
    heap[idx] = heap_next;
    heap_next = idx;
}
function takeObject(idx) {
    const ret = getObject(idx);
    dropObject(idx);
    return ret;
}
function handleError(f, args) {
    try {
        return f.apply(this, args);
    } catch (e) {
        wasm.__wbindgen_exn_store(addHeapObject(e));
    }
}
const decoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
const encoder = new TextEncoder();
let cachedBytes = null;
function getBytes() {
    if (cachedBytes === null || cachedBytes.byteLength === 0) cachedBytes = new Uint8Array(wasm.memory.buffer);
    return cachedBytes;
}
function getStringFromWasm0(ptr, len) { return decoder.decode(getBytes().subarray(ptr >>> 0, (ptr >>> 0) + len)); }
let WASM_VECTOR_LEN = 0;
function passStringToWasm0(arg, malloc) {
    let len = arg.length, offset = 0;
    for (; offset < len; offset++) if (arg.charCodeAt(offset) > 0x7f) break;
    const buf = encoder.encode(arg);
    const ptr = malloc(offset === len ? len : buf.length, 1) >>> 0;
    getBytes().subarray(ptr, ptr + buf.length).set(buf);
    WASM_VECTOR_LEN = buf.length;
    return ptr;
}
function isLikeNone(x) { return x === undefined || x === null; }

module.exports.greet = function(name) {
    let deferred0 = 0;
    try {
        const ptr0 = passStringToWasm0(name, wasm.__wbindgen_malloc);
        const ret = wasm.greet(ptr0, WASM_VECTOR_LEN);
        deferred0 = ret[0];
        return getStringFromWasm0(ret[0], ret[1]);
    } finally {
        wasm.__wbindgen_free(deferred0);
    }
};
module.exports.describe = function(value) { return takeObject(wasm.describe(addHeapObject(value))); };
module.exports.each = function(count, callback) {
    if (wasm.each(count, addHeapObject(callback))) throw takeObject(wasm.taken());
};
module.exports.fill = function(count, size) { wasm.fill(count, size); };
module.exports.spin = function() { while (true) { WASM_VECTOR_LEN ^= 1; } };

const CounterFinalization = (typeof FinalizationRegistry === "undefined")
    ? { register: () => {}, unregister: () => {} }
    : new FinalizationRegistry(ptr => wasm.__wbg_counter_free(ptr >>> 0));
class Counter {
    static __wrap(ptr) {
        const obj = Object.create(Counter.prototype);
        obj.__wbg_ptr = ptr >>> 0;
        CounterFinalization.register(obj, obj.__wbg_ptr, obj);
        return obj;
    }
    constructor(start = 1) {
        this.__wbg_ptr = wasm.counter_new(start) >>> 0;
        return this;
    }
    get value() { return wasm.counter_get(this.__wbg_ptr); }
    set value(to) { wasm.counter_set(this.__wbg_ptr, to); }
    add(n) { this.value += n; return this; }
    static twice(other) { return Counter.__wrap(wasm.counter_new(2 * other.value)); }
}
module.exports.Counter = Counter;

module.exports.__wbg_new_405e22f390576ce2 = function() { return addHeapObject(new Object()); };
module.exports.__wbg_set_3f1d0b984ed272ed = function(arg0, arg1, arg2) {
    getObject(arg0)[takeObject(arg1)] = takeObject(arg2);
};
module.exports.__wbindgen_string_new = function(arg0, arg1) { return addHeapObject(getStringFromWasm0(arg0, arg1)); };
module.exports.__wbindgen_number_new = function(arg0) { return addHeapObject(arg0); };
module.exports.__wbindgen_object_drop_ref = function(arg0) { takeObject(arg0); };
module.exports.__wbg_typeof_0000000000000001 = function(arg0) {
    const val = getObject(arg0);
    return addHeapObject(Array.isArray(val) ? `array of ${val.length}` : typeof val);
};
module.exports.__wbg_call_672a4d21634d4a24 = function() { return handleError(function (arg0, arg1) {
    return addHeapObject(getObject(arg0).call(undefined, arg1));
}, arguments) };
module.exports.__wbg_newwithlength_0000000000000002 = function(arg0) { return addHeapObject(new Uint8Array(arg0 >>> 0)); };

const path = require("path").join(__dirname, "bindgen.wasm");
wasm = new WebAssembly.Instance(new WebAssembly.Module(require("fs").readFileSync(path)), imports).exports;

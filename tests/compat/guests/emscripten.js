// The parts of Emscripten's script that name imports and exports; nothing here is run.
var wasmImports = {
  /** @export */ a: _emscripten_resize_heap,
  b: invoke_vi, "c": __emscripten_throw_longjmp, d: ___assert_fail, e: __abort_js, f: _emscripten_get_now,
  g: __emscripten_memcpy_js, h: ___syscall_openat, i: ___syscall_stat64, j: _fd_write, k: _exit,
  l: _emscripten_do_something_new, m: _fd_seek, n: ___syscall_getcwd, o: __gmtime_js };
function initRuntime() { runtimeInitialized = true; wasmExports["r"]() }
var _malloc = Module["_malloc"] = a0 => (_malloc = Module["_malloc"] = wasmExports["s"])(a0);
var _free = (Module['_free'] = (a0) => (_free = Module['_free'] = wasmExports['t'])(a0));
var stackSave = () => (stackSave = wasmExports["u"])();
var stackRestore = a0 => (stackRestore = wasmExports["v"])(a0);
var _setThrew = function() { return (_setThrew = Module["asm"]["w"]).apply(null, arguments) };
var stackAlloc = a0 => (stackAlloc = wasmExports["x"])(a0);
var _try_call = Module["_try_call"] = wasmExports["y"];
var _main = Module["_main"] = wasmExports["z"];

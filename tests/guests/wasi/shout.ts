// The standard input in capital letters, by WASI's functions as they are: AssemblyScript's own
// library has no WASI. The first argument, if there is one, is written in front of each line.

@external("wasi_snapshot_preview1", "args_sizes_get")
declare function args_sizes_get(count: usize, size: usize): i32;
@external("wasi_snapshot_preview1", "args_get")
declare function args_get(table: usize, buffer: usize): i32;
@external("wasi_snapshot_preview1", "fd_read")
declare function fd_read(fd: i32, buffers: usize, count: i32, size: usize): i32;
@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(fd: i32, buffers: usize, count: i32, size: usize): i32;
@external("wasi_snapshot_preview1", "proc_exit")
declare function proc_exit(code: i32): void;

const vector: usize = memory.data(8);
const number: usize = memory.data(8);

function readAll(): string {
  let text = "";
  const buffer = new ArrayBuffer(1024);
  while (true) {
    store<u32>(vector, changetype<u32>(buffer));
    store<u32>(vector, buffer.byteLength, 4);
    if (fd_read(0, vector, 1, number) != 0) proc_exit(5);
    const size = load<u32>(number);
    if (size == 0) return text;
    text += String.UTF8.decode(buffer.slice(0, size));
  }
}

function write(text: string): void {
  const bytes = String.UTF8.encode(text);
  store<u32>(vector, changetype<u32>(bytes));
  store<u32>(vector, bytes.byteLength, 4);
  if (fd_write(1, vector, 1, number) != 0) proc_exit(6);
}

function firstArgument(): string {
  if (args_sizes_get(number, vector) != 0) proc_exit(7);
  const count = load<u32>(number);
  const table = new ArrayBuffer(4 * count);
  const text = new ArrayBuffer(load<u32>(vector));
  if (args_get(changetype<usize>(table), changetype<usize>(text)) != 0) proc_exit(7);
  if (count < 2) return "";
  return String.UTF8.decodeUnsafe(load<u32>(changetype<usize>(table), 4), 256, true);
}

export function _start(): void {
  const mark = firstArgument();
  const lines = readAll().split("\n");
  for (let i = 0; i < lines.length; i++) {
    if (lines[i].length) write(mark + lines[i].toUpperCase() + "\n");
  }
}

// The binary side of the GoatKit plugin contract for AssemblyScript: imports, memory, packed
// pointers. What crosses the border lies outside the collector's reach until it is freed.

// @ts-ignore: decorator
@external("gk", "host_call")
export declare function hostCall(name: usize, nameSize: usize, request: usize, size: usize): u64;

// @ts-ignore: decorator
@external("gk", "log")
export declare function hostLog(level: u32, message: usize, size: usize): void;

/** Blocks that the host or this module has not freed yet. */
export const blocks = new Set<usize>();

export function allocate(size: usize): usize {
  const block = heap.alloc(size);
  blocks.add(block);
  return block;
}

export function release(block: usize): void {
  if (blocks.delete(block)) heap.free(block);
}

function place(bytes: ArrayBuffer): usize {
  const block = allocate(bytes.byteLength);
  memory.copy(block, changetype<usize>(bytes), bytes.byteLength);
  return block;
}

export function pack(text: string): u64 {
  const bytes = String.UTF8.encode(text);
  return (<u64>place(bytes) << 32) | <u64>bytes.byteLength;
}

export function copyBytes(address: usize, size: usize): Uint8Array {
  const bytes = new Uint8Array(<i32>size);
  memory.copy(bytes.dataStart, address, size);
  return bytes;
}

/** What the host answers; no bytes stand for failure too. */
export function ask(name: string, request: string): Uint8Array {
  const nameBytes = String.UTF8.encode(name);
  const bytes = String.UTF8.encode(request);
  // buffers do not move, and they are reachable from here while the host reads them
  const packed = hostCall(
    changetype<usize>(nameBytes), nameBytes.byteLength,
    changetype<usize>(bytes), bytes.byteLength,
  );
  if (!packed) return new Uint8Array(0);
  const answer = copyBytes(<usize>(packed >> 32), <usize>(packed & 0xFFFFFFFF));
  release(<usize>(packed >> 32));
  return answer;
}

export function log(level: u32, message: string): void {
  const bytes = String.UTF8.encode(message);
  hostLog(level, changetype<usize>(bytes), bytes.byteLength);
}

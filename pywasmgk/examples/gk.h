// The binary side of the GoatKit plugin contract for C: the two imports, the memory that guest and
// host share, and packed pointers. Freestanding: no libc, no WASI.
//
//   clang --target=wasm32 -mbulk-memory -Os -fno-builtin -nostdlib -Wl,--no-entry -o x.wasm x.c
//
// Bulk memory turns every copy into one instruction, which an interpreting host thanks you for.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GK_IMPORT(name) __attribute__((import_module("gk"), import_name(name)))
#define GK_EXPORT(name) __attribute__((export_name(name)))

// A piece of text, not terminated by a zero: where it is and how many bytes it has.
typedef struct {
  const char *at;
  uint32_t size;
} text;

#define TEXT(literal) ((text){literal, sizeof(literal) - 1})

// ---- imports: all that a plugin can ask its host for

// Calls a host function by name with a JSON request. Gives pointer << 32 | length of the answer,
// which the guest frees, or 0: failed, or nothing to say.
GK_IMPORT("host_call")
uint64_t gk_host_call(const char *name, uint32_t name_size, const char *request, uint32_t size);

enum { GK_DEBUG, GK_INFO, GK_WARN, GK_ERROR };

// Writes to the host's log, at one of the levels above.
GK_IMPORT("log")
void gk_log(uint32_t level, const char *message, uint32_t size);

// ---- memory
//
// The heap is a row of blocks from __heap_base on, each with a header that says how long it is and
// which one is before it. The last one is always in use, and free ones are counted, so that nothing
// is looked for while what came last goes first, as in most calls. The host calls gk_malloc while
// the guest waits in gk_host_call: nothing here is ever half done at that time.

typedef struct gk_block {
  _Alignas(8) struct gk_block *before;  // NULL: it is the first
  uint32_t size;                        // bytes that follow this header, a multiple of 8
  uint32_t used;                        // bytes that were asked for; 0: the block is free
} gk_block;

extern char __heap_base;  // the linker's: first address after data and stack

static gk_block *heap_last;  // NULL: there is no block
static uint32_t heap_holes;  // free blocks

static gk_block *heap_first(void) {
  return (gk_block *)(((uintptr_t)&__heap_base + 7) & ~(uintptr_t)7);
}

static gk_block *heap_next(gk_block *block) {
  return (gk_block *)((char *)(block + 1) + block->size);
}

// Grows the memory until `end` lies inside. 64 bits, since 65536 pages are one byte too many for 32.
// So is a block up to the last byte of them, whose end would be address 0.
static bool heap_reach(uint64_t end) {
  uint64_t have = (uint64_t)__builtin_wasm_memory_size(0) << 16;
  if (end >> 32) return false;
  if (end <= have) return true;
  return __builtin_wasm_memory_grow(0, (size_t)((end - have + 0xFFFF) >> 16)) != (size_t)-1;
}

// The first free block of at least `size` bytes, or NULL. Free neighbours are joined on the way.
static gk_block *heap_hole(uint32_t size) {
  for (gk_block *block = heap_first(); block != heap_last; block = heap_next(block)) {
    if (block->used) continue;
    gk_block *next = heap_next(block);
    for (; !next->used; next = heap_next(next), heap_holes--)
      block->size += sizeof(gk_block) + next->size;
    next->before = block;
    if (block->size < size) continue;
    if (block->size - size > sizeof(gk_block)) {  // what is left over stays free
      uint32_t rest = block->size - size - sizeof(gk_block);
      block->size = size;
      next->before = heap_next(block);
      *next->before = (gk_block){block, rest, 0};
    } else {
      heap_holes--;
    }
    return block;
  }
  return NULL;
}

// A block of `size` bytes behind all others, or NULL.
static gk_block *heap_extend(uint32_t size) {
  gk_block *block = heap_last ? heap_next(heap_last) : heap_first();
  if (!heap_reach((uint64_t)(uintptr_t)(block + 1) + size)) return NULL;
  block->before = heap_last;
  block->size = size;
  return heap_last = block;
}

// Memory that is nobody else's until gk_free; NULL when there is none left.
GK_EXPORT("gk_malloc") void *gk_malloc(uint32_t size) {
  if (size == 0) size = 1;
  if (size > UINT32_MAX - 32) return NULL;
  uint32_t rounded = (size + 7) & ~7u;
  gk_block *block = heap_holes ? heap_hole(rounded) : NULL;
  if (!block) block = heap_extend(rounded);
  if (!block) return NULL;
  block->used = size;
  return block + 1;
}

// Gives memory back. What gk_malloc did not give, or what is free already, is ignored: the host may
// free static data that was an answer.
GK_EXPORT("gk_free") void gk_free(void *memory) {
  gk_block *block = heap_last;
  while (block && (void *)(block + 1) != memory) block = block->before;
  if (!block || !block->used) return;
  block->used = 0;
  heap_holes++;
  for (; heap_last && !heap_last->used; heap_holes--) heap_last = heap_last->before;
}

typedef struct { uint32_t blocks, bytes; } gk_live;

// What is not free; for tests against leaks.
static gk_live heap_live(void) {
  gk_live live = {0};
  for (gk_block *block = heap_last; block; block = block->before) {
    live.blocks += block->used != 0;
    live.bytes += block->used;
  }
  return live;
}

// Memory that must be there: without it the call ends in a trap, and the plugin stays usable.
static void *gk_need(uint32_t size) {
  void *memory = gk_malloc(size);
  if (!memory) __builtin_trap();
  return memory;
}

// ---- scratch: memory that goes when the current gk_call ends

typedef struct gk_note {
  struct gk_note *next;
  void *memory;  // to be freed with the note
} gk_note;

static gk_note *scratch_notes;

static gk_note *scratch_note(uint32_t size) {
  gk_note *note = gk_need(sizeof(gk_note) + size);
  *note = (gk_note){scratch_notes, NULL};
  return scratch_notes = note;
}

static void *scratch(uint32_t size) { return scratch_note(size) + 1; }

static void scratch_adopt(void *memory) { scratch_note(0)->memory = memory; }

// Frees what was noted since `outer` was the newest note.
static void scratch_free(gk_note *outer) {
  while (scratch_notes != outer) {
    gk_note *note = scratch_notes;
    scratch_notes = note->next;
    if (note->memory) gk_free(note->memory);
    gk_free(note);
  }
}

// ---- text

static text text_of(const char *zero_terminated) {
  uint32_t size = 0;
  while (zero_terminated[size]) size++;
  return (text){zero_terminated, size};
}

// Below 0, 0 or above 0: the order of the bytes, which is the order of the code points.
static int text_compare(text a, text b) {
  for (uint32_t i = 0; i < a.size && i < b.size; i++)
    if (a.at[i] != b.at[i]) return (uint8_t)a.at[i] < (uint8_t)b.at[i] ? -1 : 1;
  return a.size < b.size ? -1 : a.size > b.size;
}

static bool text_equal(text a, text b) {
  if (a.size != b.size) return false;
  for (uint32_t i = 0; i < a.size; i++)
    if (a.at[i] != b.at[i]) return false;
  return true;
}

static bool text_is(text a, const char *zero_terminated) {
  for (uint32_t i = 0; i < a.size; i++)
    if (a.at[i] != zero_terminated[i] || !a.at[i]) return false;
  return !zero_terminated[a.size];
}

// How many bytes the UTF-8 character at the start of `rest` has; 0 if it is none (RFC 3629).
static uint32_t utf8_size(text rest) {
  static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
  uint8_t lead = (uint8_t)rest.at[0];
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  uint32_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (size > rest.size) return 0;
  uint32_t point = lead & (0x7Fu >> size);
  for (uint32_t i = 1; i < size; i++) {
    uint8_t byte = (uint8_t)rest.at[i];
    if ((byte & 0xC0) != 0x80) return 0;
    point = point << 6 | (byte & 0x3F);
  }
  bool surrogate = point >= 0xD800 && point < 0xE000;
  return point < smallest[size] || surrogate || point > 0x10FFFF ? 0 : size;
}

static bool utf8_valid(text rest) {
  while (rest.size) {
    uint32_t size = utf8_size(rest);
    if (!size) return false;
    rest = (text){rest.at + size, rest.size - size};
  }
  return true;
}

static uint64_t gk_pack(text answer) {
  return (uint64_t)(uintptr_t)answer.at << 32 | answer.size;
}

// What every plugin does alike: answer gk_register with a manifest, find the handler of a gk_call,
// read its arguments, hand over its answer; and ask the host.
//
// A plugin includes this, defines `manifest` and `handlers`, and is done.
#pragma once

#include "json.h"

// JSON as it is: the preprocessor makes the string, quotes and all.
#define JSON(...) #__VA_ARGS__

// Writes the answer. `args` is what the host sent; json_member of anything but an object finds
// nothing, so a handler need not ask what it got.
typedef void gk_handler(json args, json_writer *answer);

typedef struct {
  const char *name;
  gk_handler *run;
} gk_entry;

static const char manifest[];      // the plugin's: its gk_register answer
static const gk_entry handlers[];  // the plugin's: by name, ends with {0}

// Makes the answer {"error": message} followed by a detail, whatever was written so far.
static void gk_fail(json_writer *answer, const char *message, text detail) {
  answer->size = 0;
  put_open(answer, '{');
  put_key(answer, TEXT("error"));
  put_char(answer, '"');
  put_escaped(answer, text_of(message));
  put_escaped(answer, detail);
  put_text(answer, TEXT("\"}"));
}

// Calls a host function and empties the request. The answer lasts until the handler is done; one
// that is no JSON counts as none.
static json gk_ask(const char *name, json_writer *request) {
  uint64_t packed = gk_host_call(name, text_of(name).size, request->at, request->size);
  if (request->at) gk_free(request->at);
  *request = (json_writer){0};
  if (!packed) return (json){0};
  text answer = {(const char *)(uintptr_t)(packed >> 32), (uint32_t)packed};
  scratch_adopt((void *)answer.at);
  json root;
  return json_check(answer, &root) ? root : (json){0};
}

static void gk_answer(text function, text args, json_writer *answer) {
  for (const gk_entry *entry = handlers; entry->name; entry++) {
    if (!text_is(function, entry->name)) continue;
    json root = {0};
    if (args.size && !json_check(args, &root)) gk_fail(answer, "invalid JSON", TEXT(""));
    else entry->run(root, answer);
    return;
  }
  gk_fail(answer, "unknown function: ", utf8_valid(function) ? function : TEXT("?"));
}

GK_EXPORT("gk_register") uint64_t gk_register(void) { return gk_pack(text_of(manifest)); }

// Arguments are (0, 0) when there are none. The host frees the answer, and what it passed in.
GK_EXPORT("gk_call")
uint64_t gk_call(const char *function, uint32_t function_size, const char *args, uint32_t size) {
  gk_note *outer = scratch_notes;  // a call inside a call has its own scratch
  json_writer answer = {0};
  gk_answer((text){function, function_size}, (text){args, size}, &answer);
  scratch_free(outer);
  return gk_pack((text){answer.at, answer.size});
}

// The smallest useful plugin: it greets.
//
//   pywasmgk call hello hello '{"name": "Ada"}'
#include "plugin.h"

static const char manifest[] = JSON({
  "name": "hello",
  "version": "1.0.0",
  "description": "Greets by name",
  "author": "pywasmgk",
  "license": "Apache-2.0",
  "homepage": ""
});

// {"name": "Ada"} -> {"message": "Hello, Ada!"}; without a name it greets the world.
static void hello(json args, json_writer *answer) {
  json given = json_member(args, TEXT("name"));
  text name;
  if (json_absent(given)) name = TEXT("World");
  else if (!json_string(given, &name)) return gk_fail(answer, "name must be a string", TEXT(""));
  put_text(answer, TEXT("{\"message\":\"Hello, "));
  put_escaped(answer, name);
  put_text(answer, TEXT("!\"}"));
}

static const gk_entry handlers[] = {{"hello", hello}, {0}};

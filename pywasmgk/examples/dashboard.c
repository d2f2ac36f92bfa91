// A plugin that asks its host: a widget that counts the open tickets in the host's database.
//
//   CREATE TABLE ticket (id, state)
#include "plugin.h"

static const char manifest[] = JSON({
  "name": "dashboard",
  "version": "1.0.0",
  "description": "Shows how many tickets are open",
  "author": "pywasmgk",
  "license": "Apache-2.0",
  "homepage": "",
  "widgets": [{
    "id": "tickets",
    "title": "Tickets",
    "handler": "widget_tickets",
    "location": "dashboard",
    "refreshable": true,
    "refresh_sec": 60
  }],
  "resources": {
    "permissions": [
      {"type": "db", "access": "read", "scope": ["ticket"]},
      {"type": "config", "access": "read", "scope": ["site.name"]}
    ]
  }
});

// What the host says the site is called.
static text site_name(void) {
  json_writer request = {0};
  put_open(&request, '{');
  put_key(&request, TEXT("key"));
  put_string(&request, TEXT("site.name"));
  put_char(&request, '}');
  text name;
  return json_string(json_member(gk_ask("config_get", &request), TEXT("value")), &name)
             ? name
             : TEXT("Tickets");
}

static bool count_open(int64_t *count) {
  json_writer request = {0};
  put_open(&request, '{');
  put_key(&request, TEXT("query"));
  put_string(&request, TEXT("SELECT COUNT(*) AS tickets FROM ticket WHERE state = ?"));
  put_key(&request, TEXT("args"));
  put_open(&request, '[');
  put_string(&request, TEXT("open"));
  put_text(&request, TEXT("]}"));
  json_cursor rows = json_inside(gk_ask("db_query", &request), '[');
  json row;
  return json_next(&rows, &row) && json_integer(json_member(row, TEXT("tickets")), count);
}

// Writes text as it must stand in HTML, inside a JSON string.
static void put_html(json_writer *answer, text plain) {
  static const char special[] = "&<>\"'";
  static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
  for (uint32_t i = 0; i < plain.size; i++) {
    uint32_t k = 0;
    while (special[k] && special[k] != plain.at[i]) k++;
    put_escaped(answer, special[k] ? text_of(entities[k]) : (text){plain.at + i, 1});
  }
}

// {} -> {"html": "<h2>Help desk</h2><p>1 open ticket</p>"}
static void widget_tickets(json args, json_writer *answer) {
  (void)args;
  int64_t count;
  if (!count_open(&count)) {
    text message = TEXT("the tickets cannot be counted");
    gk_log(GK_ERROR, message.at, message.size);
    return gk_fail(answer, message.at, TEXT(""));
  }
  text message = TEXT("tickets counted");
  gk_log(GK_DEBUG, message.at, message.size);
  put_open(answer, '{');
  put_key(answer, TEXT("html"));
  put_text(answer, TEXT("\"<h2>"));
  put_html(answer, site_name());
  put_text(answer, TEXT("</h2><p>"));
  put_digits(answer, (uint64_t)count, 1);
  put_text(answer, count == 1 ? TEXT(" open ticket") : TEXT(" open tickets"));
  put_text(answer, TEXT("</p>\"}"));
}

static const gk_entry handlers[] = {{"widget_tickets", widget_tickets}, {0}};

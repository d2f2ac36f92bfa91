// Host functions as functions of C: statements with their values, settings, texts, the cache; and what
// a handler does with arguments and pages.
#pragma once

#include "base64.h"
#include "plugin.h"

// ---- statements: sql("... ?"), a put_string or put_integer for each ?, then one of the others

static json_writer sql(const char *statement) {
  json_writer request = {0};
  put_open(&request, '{');
  put_key(&request, TEXT("query"));
  put_string(&request, text_of(statement));
  put_key(&request, TEXT("args"));
  put_open(&request, '[');
  return request;
}

static json sql_ask(const char *function, json_writer *request) {
  put_text(request, TEXT("]}"));
  return gk_ask(function, request);
}

// How many rows a statement changed, or -1: it failed.
static int64_t sql_run(json_writer *request) {
  json answer = sql_ask("db_exec", request);
  int64_t affected;
  if (!json_integer(json_member(answer, TEXT("affected")), &affected)) return -1;
  return affected < 0 ? 0 : affected;  // databases may say -1 of what makes a table
}

// The rows, for json_next; false: the query failed.
static bool sql_rows(json_writer *request, json_cursor *rows) {
  json answer = sql_ask("db_query", request);
  *rows = json_inside(answer, '[');
  return answer.size != 0;
}

// The number that the first row has in the column `number`.
static bool sql_number(json_writer *request, int64_t *number) {
  json_cursor rows;
  json row;
  return sql_rows(request, &rows) && json_next(&rows, &row) &&
         json_integer(json_member(row, TEXT("number")), number);
}

// The text in a column, "" for NULL.
static text column(json row, text name) {
  text value;
  return json_string(json_member(row, name), &value) ? value : TEXT("");
}

static int64_t column_number(json row, text name) {
  int64_t value;
  return json_integer(json_member(row, name), &value) ? value : 0;
}

// Brings a plugin's tables up to date. `table` notes how many of the steps were carried out, so that
// each is carried out once; new ones go to the end of the list. It asks in every call: the module
// does not note that all is done, since a transaction that is rolled back takes the tables with it.
static bool migrate(const char *table, const char *const steps[]) {
  char statement[256];
  json_writer line = {statement, 0, sizeof statement};
  put_text(&line, TEXT("CREATE TABLE IF NOT EXISTS "));
  put_text(&line, text_of(table));
  put_text(&line, TEXT(" (step INTEGER PRIMARY KEY)"));
  put_char(&line, 0);
  json_writer request = sql(statement);
  if (sql_run(&request) < 0) return false;

  line.size = 0;
  put_text(&line, TEXT("SELECT COUNT(*) AS number FROM "));
  put_text(&line, text_of(table));
  put_char(&line, 0);
  request = sql(statement);
  int64_t done;
  if (!sql_number(&request, &done)) return false;

  line.size = 0;
  put_text(&line, TEXT("INSERT INTO "));
  put_text(&line, text_of(table));
  put_text(&line, TEXT(" VALUES (?)"));
  put_char(&line, 0);
  for (int64_t i = 0; steps[i]; i++) {
    if (i < done) continue;
    request = sql(steps[i]);
    if (sql_run(&request) < 0) return false;
    request = sql(statement);
    put_integer(&request, i + 1);
    if (sql_run(&request) < 0) return false;
  }
  return true;
}

// ---- settings, texts, cache

// What a host function answers as "value" to a request of one text; false: nothing.
static bool host_value(const char *function, text key, text *value) {
  json_writer request = {0};
  put_open(&request, '{');
  put_key(&request, TEXT("key"));
  put_string(&request, key);
  put_char(&request, '}');
  return json_string(json_member(gk_ask(function, &request), TEXT("value")), value) && value->size;
}

// A text in the caller's language. A host that does not know it gives the key back.
static text translated(text key, text english) {
  text found;
  return host_value("translate", key, &found) && !text_equal(found, key) ? found : english;
}

static bool cache_get(text key, text *value) {
  json_writer request = {0};
  put_open(&request, '{');
  put_key(&request, TEXT("key"));
  put_string(&request, key);
  put_char(&request, '}');
  json answer = gk_ask("cache_get", &request);
  return json_kind(json_member(answer, TEXT("found"))) == 't' &&
         json_bytes(json_member(answer, TEXT("value")), value);
}

static void cache_set(text key, text value, int64_t seconds) {
  json_writer request = {0};
  put_open(&request, '{');
  put_key(&request, TEXT("key"));
  put_string(&request, key);
  put_key(&request, TEXT("value"));
  put_base64(&request, value);
  put_key(&request, TEXT("ttl"));
  put_integer(&request, seconds);
  put_char(&request, '}');
  gk_ask("cache_set", &request);
}

static void log_line(uint32_t level, const char *message) {
  gk_log(level, message, text_of(message).size);
}

// ---- arguments and answers

// A string argument with something in it, and at most `most` bytes.
static bool argument(json args, text name, uint32_t most, text *value) {
  return json_string(json_member(args, name), value) && value->size && value->size <= most;
}

// A number. Those in the path of a route come as text.
static bool argument_number(json args, text name, int64_t *number) {
  json value = json_member(args, name);
  text digits;
  return json_integer(value, number) ||
         (json_string(value, &digits) && json_integer((json){digits.at, digits.size}, number));
}

// Answers {"NAME": number}.
static void answer_number(json_writer *answer, text name, int64_t number) {
  put_open(answer, '{');
  put_key(answer, name);
  put_integer(answer, number);
  put_char(answer, '}');
}

// ---- pages, which are written as plain text and answered as a string of JSON

// Text as it must stand in HTML, in attributes too.
static void put_html(json_writer *page, text plain) {
  static const char special[] = "&<>\"'";
  static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
  for (uint32_t i = 0; i < plain.size; i++) {
    uint32_t k = 0;
    while (special[k] && special[k] != plain.at[i]) k++;
    put_text(page, special[k] ? text_of(entities[k]) : (text){plain.at + i, 1});
  }
}

static void put_element(json_writer *page, const char *name, text inside) {
  put_char(page, '<');
  put_text(page, text_of(name));
  put_char(page, '>');
  put_html(page, inside);
  put_text(page, TEXT("</"));
  put_text(page, text_of(name));
  put_char(page, '>');
}

// Members of an answer that is shown as a page, or as a widget; what is in `page` is freed.
static void put_page(json_writer *answer, text title, json_writer *page) {
  put_key(answer, TEXT("title"));
  put_string(answer, title);
  put_key(answer, TEXT("html"));
  put_string(answer, (text){page->at, page->size});
  gk_free(page->at);
  *page = (json_writer){0};
}

// Answers {"title": ..., "html": ...}.
static void answer_page(json_writer *answer, text title, json_writer *page) {
  put_open(answer, '{');
  put_page(answer, title, page);
  put_char(answer, '}');
}

// Answers {"NAME": number, "title": ..., "html": ...}: the number is for programs, the rest for people.
static void answer_both(
    json_writer *answer, text name, int64_t number, text title, json_writer *page) {
  put_open(answer, '{');
  put_key(answer, name);
  put_integer(answer, number);
  put_page(answer, title, page);
  put_char(answer, '}');
}

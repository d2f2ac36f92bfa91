// A reader of RSS and Atom: it fetches over HTTP, keeps headlines in the database, and what it shows
// in the cache. A job fetches anew.
#include "host.h"

static const char manifest[] = JSON({
  "name": "feeds",
  "version": "1.0.0",
  "description": "Reads RSS and Atom feeds",
  "author": "pywasmgk",
  "license": "Apache-2.0",
  "homepage": "",
  "routes": [
    {"method": "GET", "path": "/feeds", "handler": "overview"},
    {"method": "POST", "path": "/feeds", "handler": "add"},
    {"method": "POST", "path": "/feeds/refresh", "handler": "refresh"}
  ],
  "menu_items": [{"id": "feeds", "label": "Feeds", "path": "/feeds", "location": "agent"}],
  "widgets": [{
    "id": "headlines",
    "title": "Headlines",
    "handler": "headlines",
    "location": "dashboard",
    "size": "medium",
    "refreshable": true,
    "refresh_sec": 300
  }],
  "jobs": [{
    "id": "refresh",
    "handler": "refresh",
    "schedule": "*/30 * * * *",
    "description": "Fetches all feeds",
    "enabled": true,
    "timeout": "2m"
  }],
  "resources": {
    "permissions": [
      {"type": "db", "access": "readwrite", "scope": ["feeds_*"]},
      {"type": "cache", "access": "readwrite"},
      {"type": "http", "scope": ["*"]}
    ]
  }
});

enum { URL_BYTES = 500, TITLE_BYTES = 300, ITEMS = 50, SHOWN = 20, SECONDS = 300 };

// a link is a key, and MariaDB's keys have at most 3072 bytes, four for a character
static const char *const steps[] = {
  "CREATE TABLE feeds_feed (url VARCHAR(500) PRIMARY KEY, problem VARCHAR(100) NOT NULL)",
  "CREATE TABLE feeds_item (link VARCHAR(500) PRIMARY KEY, title VARCHAR(300) NOT NULL, "
  "number INTEGER NOT NULL)",
  NULL,
};

static const text page_key = TEXT("headlines");

static void no_database(json_writer *answer) {
  gk_fail(answer, "the database of feeds cannot be used", TEXT(""));
}

// ---- reading XML, as far as feeds need it

static bool starts(text source, uint32_t at, text what) {
  return what.size <= source.size - at && text_equal((text){source.at + at, what.size}, what);
}

// Where something stands in a text from a place on; the text's size: nowhere.
static uint32_t find(text source, uint32_t at, text what) {
  for (; at < source.size; at++)
    if (starts(source, at, what)) return at;
  return source.size;
}

// Where a start tag of that name stands: <title> or <title type="text">, not <titles>.
static uint32_t find_tag(text source, uint32_t at, text name) {
  for (; at < source.size; at++) {
    if (source.at[at] != '<' || !starts(source, at + 1, name)) continue;
    uint32_t behind = at + 1 + name.size;
    char next = behind < source.size ? source.at[behind] : 0;
    if (next == '>' || next == '/' || json_blank(next)) return at;
  }
  return source.size;
}

static text between(text source, uint32_t at, uint32_t end) {
  return at < end ? (text){source.at + at, end - at} : TEXT("");
}

// What the first element of that name has inside. Those that are asked for have none of the same name
// inside themselves.
static text element(text source, text name) {
  uint32_t tag = find_tag(source, 0, name), inside = find(source, tag, TEXT(">")) + 1;
  uint32_t end = inside;
  do {
    end = find(source, end, TEXT("</"));
  } while (end < source.size && !starts(source, (end += 2), name));
  return end < source.size ? between(source, inside, end - 2) : TEXT("");
}

// Atom's <link href="...">: the value between the quotes, of whichever kind.
static text reference(text item) {
  uint32_t tag = find_tag(item, 0, TEXT("link")), end = find(item, tag, TEXT(">"));
  uint32_t at = find(item, tag, TEXT("href=")) + 5;
  if (at >= end) return TEXT("");
  char quote = item.at[at];
  uint32_t behind = find(item, at + 1, (text){&quote, 1});
  return behind < end ? between(item, at + 1, behind) : TEXT("");
}

static uint32_t number_of(text digits) {
  bool hex = digits.size && (digits.at[0] | 0x20) == 'x';
  uint32_t number = 0;
  for (uint32_t i = hex; i < digits.size && number < 0x110000; i++) {
    int digit = json_hex(digits.at[i]);
    if (digit < 0 || (!hex && digit > 9)) return 0xFFFD;
    number = number * (hex ? 16 : 10) + (uint32_t)digit;
  }
  bool surrogate = number >= 0xD800 && number < 0xE000;
  return number < ' ' || surrogate || number > 0x10FFFF ? 0xFFFD : number;
}

// Writes what an entity at a place stands for, and gives where it ends; what is none stays a &.
static uint32_t put_entity(json_writer *w, text source, uint32_t at) {
  static const char *const names[] = {"amp", "lt", "gt", "quot", "apos"};
  static const char characters[] = "&<>\"'";
  uint32_t end = find(source, at, TEXT(";"));
  if (end - at < 12 && end < source.size) {
    text name = between(source, at + 1, end);
    for (uint32_t i = 0; characters[i]; i++)
      if (text_is(name, names[i])) return put_char(w, characters[i]), end + 1;
    if (name.size > 1 && *name.at == '#') {
      char bytes[4], *behind = utf8_put(bytes, number_of((text){name.at + 1, name.size - 1}));
      put_text(w, (text){bytes, (uint32_t)(behind - bytes)});
      return end + 1;
    }
  }
  put_char(w, '&');
  return at + 1;
}

// The text of an element in scratch, on one line, at most so many bytes: entities decoded, CDATA
// taken as it is. "" if it is no UTF-8.
static text plain(text source, uint32_t most) {
  text opening = TEXT("<![CDATA["), closing = TEXT("]]>");
  json_writer w = {0};
  for (uint32_t i = 0; i < source.size;) {
    if (starts(source, i, opening)) {
      uint32_t end = find(source, i, closing);
      put_text(&w, between(source, i + opening.size, end));
      i = end + closing.size;
    } else if (source.at[i] == '&') {
      i = put_entity(&w, source, i);
    } else {
      put_char(&w, source.at[i++]);
    }
  }
  if (!w.at) return TEXT("");
  scratch_adopt(w.at);
  text found = {w.at, w.size};
  for (uint32_t i = 0; i < w.size; i++)
    if ((uint8_t)w.at[i] < ' ') w.at[i] = ' ';
  for (; found.size && *found.at == ' '; found.at++) found.size--;
  while (found.size && found.at[found.size - 1] == ' ') found.size--;
  if (!utf8_valid(found)) return TEXT("");
  if (found.size > most)  // not in the midst of a character
    for (found.size = most; found.size && ((uint8_t)found.at[found.size] & 0xC0) == 0x80;)
      found.size--;
  return found;
}

// Whether a browser goes to the web by it: a link comes from strangers, and javascript: is one too.
static bool is_web(text link) {
  return starts(link, 0, TEXT("https://")) || starts(link, 0, TEXT("http://"));
}

// ---- fetching

// The body of a page; false: it is not to be had.
static bool fetch(text url, text *body) {
  json_writer request = {0};
  put_open(&request, '{');
  put_key(&request, TEXT("method"));
  put_string(&request, TEXT("GET"));
  put_key(&request, TEXT("url"));
  put_string(&request, url);
  put_key(&request, TEXT("headers"));
  put_text(&request, TEXT("{\"Accept\":\"application/rss+xml, application/atom+xml\"}}"));
  json answer = gk_ask("http_request", &request);
  int64_t status;
  return json_integer(json_member(answer, TEXT("status")), &status) && status == 200 &&
         json_bytes(json_member(answer, TEXT("body")), body);
}

static bool known(text link) {
  json_writer request = sql("SELECT COUNT(*) AS number FROM feeds_item WHERE link = ?");
  put_string(&request, link);
  int64_t number;
  return !sql_number(&request, &number) || number;
}

static int64_t keep_item(text item) {
  text link = plain(element(item, TEXT("link")), URL_BYTES);
  if (!link.size) link = plain(reference(item), URL_BYTES);
  text title = plain(element(item, TEXT("title")), TITLE_BYTES);
  if (!title.size || !is_web(link) || known(link)) return 0;
  json_writer request = sql("SELECT COALESCE(MAX(number), 0) + 1 AS number FROM feeds_item");
  int64_t number;
  if (!sql_number(&request, &number)) return 0;
  request = sql("INSERT INTO feeds_item (link, title, number) VALUES (?, ?, ?)");
  put_string(&request, link);
  put_string(&request, title);
  put_integer(&request, number);
  return sql_run(&request) == 1;
}

// Keeps the new items of a feed and gives how many there are; -1: it is not to be had, or no feed.
// Items come newest first, and get higher numbers the newer they are: they are kept backwards.
static int64_t read_feed(text url) {
  text body, items[ITEMS];
  if (!fetch(url, &body)) return -1;
  text name = find_tag(body, 0, TEXT("item")) < body.size ? TEXT("item") : TEXT("entry");
  uint32_t count = 0, at = find_tag(body, 0, name);
  for (; at < body.size && count < ITEMS; count++) {
    uint32_t next = find_tag(body, at + 1, name);
    items[count] = between(body, at + 1, next);
    at = next;
  }
  if (!count && find_tag(body, 0, TEXT("rss")) == body.size &&
      find_tag(body, 0, TEXT("feed")) == body.size)
    return -1;
  int64_t kept = 0;
  while (count) kept += keep_item(items[--count]);
  return kept;
}

static bool note_problem(text url, text problem) {
  json_writer request = sql("UPDATE feeds_feed SET problem = ? WHERE url = ?");
  put_string(&request, problem);
  put_string(&request, url);
  return sql_run(&request) >= 0;
}

// ---- pages

// Says which feeds could not be read the last time.
static bool put_problems(json_writer *page) {
  json_cursor rows;
  json row;
  json_writer request = sql("SELECT url, problem FROM feeds_feed WHERE problem <> '' ORDER BY url");
  if (!sql_rows(&request, &rows)) return false;
  while (json_next(&rows, &row)) {
    put_text(page, TEXT("<p>"));
    put_html(page, column(row, TEXT("url")));
    put_char(page, ' ');
    put_html(page, column(row, TEXT("problem")));
    put_text(page, TEXT("</p>"));
  }
  return true;
}

static bool put_headlines(json_writer *page) {
  json_cursor rows;
  json row;
  json_writer request = sql("SELECT link, title FROM feeds_item ORDER BY number DESC LIMIT ?");
  put_integer(&request, SHOWN);
  if (!migrate("feeds_schema", steps) || !sql_rows(&request, &rows)) return false;
  put_text(page, TEXT("<ul>"));
  while (json_next(&rows, &row)) {
    put_text(page, TEXT("<li><a rel=\"noopener noreferrer\" href=\""));
    put_html(page, column(row, TEXT("link")));
    put_text(page, TEXT("\">"));
    put_html(page, column(row, TEXT("title")));
    put_text(page, TEXT("</a></li>"));
  }
  put_text(page, TEXT("</ul>"));
  return put_problems(page);
}

// The headlines, from the cache if they are there.
static bool put_cached(json_writer *page) {
  text cached;
  if (cache_get(page_key, &cached) && cached.size) {
    put_text(page, cached);
    return true;
  }
  if (!put_headlines(page)) return false;
  cache_set(page_key, (text){page->at, page->size}, SECONDS);
  return true;
}

static bool put_overview(json_writer *page) {
  if (!put_cached(page)) return false;
  put_text(page, TEXT(
      "<form method=\"post\" action=\"/feeds\">"
      "<p><label>Address <input name=\"url\" type=\"url\" required maxlength=\"500\"></label> "
      "<button>Add a feed</button></p></form>"
      "<form method=\"post\" action=\"/feeds/refresh\"><p><button>Fetch all</button></p></form>"));
  return true;
}

// ---- what the host calls

// {"url": "https://example.com/feed"} -> {"new": 10, "title": ..., "html": ...}
static void add(json args, json_writer *answer) {
  text url;
  if (!argument(args, TEXT("url"), URL_BYTES, &url) || !is_web(url))
    return gk_fail(answer, "url must be an address of the web", TEXT(""));
  if (!migrate("feeds_schema", steps)) return no_database(answer);
  int64_t kept = read_feed(url);
  if (kept < 0) return gk_fail(answer, "there is no feed at ", url);
  json_writer request = sql("DELETE FROM feeds_feed WHERE url = ?");
  put_string(&request, url);
  if (sql_run(&request) < 0) return no_database(answer);
  request = sql("INSERT INTO feeds_feed (url, problem) VALUES (?, '')");
  put_string(&request, url);
  if (sql_run(&request) != 1) return no_database(answer);
  cache_set(page_key, TEXT(""), 1);
  json_writer page = {0};
  if (!put_overview(&page)) return no_database(answer);
  answer_both(answer, TEXT("new"), kept, TEXT("Feeds"), &page);
}

// The job: -> {"new": 3, "failed": 0, "title": ..., "html": ...}. A feed that fails does not keep the others from being read.
static void refresh(json args, json_writer *answer) {
  (void)args;
  json_cursor feeds;
  json feed;
  int64_t fresh = 0, failed = 0;
  if (!migrate("feeds_schema", steps)) return no_database(answer);
  json_writer request = sql("SELECT url FROM feeds_feed ORDER BY url");
  if (!sql_rows(&request, &feeds)) return no_database(answer);
  while (json_next(&feeds, &feed)) {
    text url = column(feed, TEXT("url"));
    int64_t kept = read_feed(url);
    if (!note_problem(url, kept < 0 ? TEXT("cannot be read") : TEXT(""))) return no_database(answer);
    if (kept < 0) failed++;
    else fresh += kept;
  }
  if (failed) log_line(GK_WARN, "feeds cannot be read");
  cache_set(page_key, TEXT(""), 1);
  put_open(answer, '{');
  put_key(answer, TEXT("new"));
  put_integer(answer, fresh);
  put_key(answer, TEXT("failed"));
  put_integer(answer, failed);
  json_writer page = {0};
  if (!put_overview(&page)) return no_database(answer);
  put_page(answer, TEXT("Feeds"), &page);
  put_char(answer, '}');
}

// {} -> {"title": "Headlines", "html": "<ul><li><a href=...>...</a></li></ul>"}
static void headlines(json args, json_writer *answer) {
  (void)args;
  json_writer page = {0};
  if (!put_cached(&page)) return no_database(answer);
  answer_page(answer, TEXT("Headlines"), &page);
}

// The same with forms.
static void overview(json args, json_writer *answer) {
  (void)args;
  json_writer page = {0};
  if (!put_overview(&page)) return no_database(answer);
  answer_page(answer, TEXT("Feeds"), &page);
}

static const gk_entry handlers[] = {
  {"headlines", headlines}, {"overview", overview}, {"add", add}, {"refresh", refresh}, {0},
};

// A queue of tickets: tables that it makes and changes itself, pages, a widget, a job, two languages.
#include "host.h"

static const char manifest[] = JSON({
  "name": "tickets",
  "version": "1.0.0",
  "description": "A queue of tickets",
  "author": "pywasmgk",
  "license": "Apache-2.0",
  "homepage": "",
  "routes": [
    {"method": "GET", "path": "/tickets", "handler": "list"},
    {"method": "POST", "path": "/tickets", "handler": "open"},
    {"method": "GET", "path": "/tickets/:id", "handler": "show"},
    {"method": "POST", "path": "/tickets/:id/notes", "handler": "add_note"},
    {"method": "POST", "path": "/tickets/:id/close", "handler": "close"}
  ],
  "menu_items": [
    {"id": "tickets", "label": "Tickets", "path": "/tickets", "location": "agent", "order": 10}
  ],
  "widgets": [{
    "id": "queue",
    "title": "Queue",
    "handler": "widget_queue",
    "location": "dashboard",
    "size": "small",
    "refreshable": true,
    "refresh_sec": 60
  }],
  "jobs": [{
    "id": "escalate",
    "handler": "escalate",
    "schedule": "0 3 * * *",
    "description": "Makes tickets urgent that have been open for three days",
    "enabled": true,
    "timeout": "1m"
  }],
  "mcp_tools": [{
    "name": "open_ticket",
    "description": "Opens a ticket and gives its number",
    "handler": "open",
    "input_schema": {
      "type": "object",
      "properties": {"subject": {"type": "string"}, "requester": {"type": "string"}},
      "required": ["subject"]
    }
  }],
  "i18n": {
    "namespace": "tickets",
    "languages": ["en", "de"],
    "translations": {
      "en": {"title": "Tickets", "none": "No tickets.", "open": "open",
             "closed": "closed", "urgent": "urgent"},
      "de": {"title": "Anfragen", "none": "Keine Anfragen.", "open": "offen",
             "closed": "geschlossen", "urgent": "dringend"}
    }
  },
  "error_codes": [
    {"code": "not_found", "message": "There is no such ticket", "http_status": 404}
  ],
  "resources": {
    "permissions": [{"type": "db", "access": "readwrite", "scope": ["tickets_*"]}]
  }
});

enum { SUBJECT_BYTES = 200, NOTE_BYTES = 4000, LISTED = 100, DAYS = 3 };

static const char *const steps[] = {
  "CREATE TABLE tickets_ticket (id INTEGER PRIMARY KEY, subject VARCHAR(200) NOT NULL, "
  "state VARCHAR(10) NOT NULL, priority VARCHAR(10) NOT NULL, days INTEGER NOT NULL)",
  "CREATE TABLE tickets_note (ticket INTEGER NOT NULL, position INTEGER NOT NULL, "
  "body VARCHAR(4000) NOT NULL, PRIMARY KEY (ticket, position))",
  // version 0.9 did not ask who wants something
  "ALTER TABLE tickets_ticket ADD COLUMN requester VARCHAR(200) NOT NULL DEFAULT ''",
  NULL,
};

static void no_database(json_writer *answer) {
  log_line(GK_ERROR, "the database of tickets cannot be used");
  gk_fail(answer, "the tickets cannot be reached", TEXT(""));
}

// One more than the highest number. Databases have ways of their own to number rows; this one is the
// same on all. Who takes the same number at the same moment fails to insert, and tries again.
static bool next_number(const char *statement, int64_t of, int64_t *number) {
  json_writer request = sql(statement);
  if (of) put_integer(&request, of);
  return sql_number(&request, number);
}

static bool insert_ticket(text subject, text requester, int64_t *id) {
  for (int attempt = 0; attempt < 5; attempt++) {
    if (!next_number("SELECT COALESCE(MAX(id), 0) + 1 AS number FROM tickets_ticket", 0, id))
      return false;
    json_writer request = sql(
        "INSERT INTO tickets_ticket (id, subject, state, priority, days, requester) "
        "VALUES (?, ?, 'open', 'normal', 0, ?)");
    put_integer(&request, *id);
    put_string(&request, subject);
    put_string(&request, requester);
    if (sql_run(&request) == 1) return true;
  }
  return false;
}

// ---- pages

static void put_number_of(json_writer *page, int64_t id) {
  put_text(page, TEXT("/tickets/"));
  put_digits(page, (uint64_t)id, 1);
}

static void put_ticket(json_writer *page, json row) {
  int64_t id = column_number(row, TEXT("id"));
  put_text(page, TEXT("<li><a href=\""));
  put_number_of(page, id);
  put_text(page, TEXT("\">#"));
  put_digits(page, (uint64_t)id, 1);
  put_char(page, ' ');
  put_html(page, column(row, TEXT("subject")));
  put_text(page, TEXT("</a> "));
  put_html(page, column(row, TEXT("requester")));
  if (text_equal(column(row, TEXT("priority")), TEXT("urgent"))) {
    put_char(page, ' ');
    put_element(page, "strong", translated(TEXT("tickets.urgent"), TEXT("urgent")));
  }
  put_text(page, TEXT("</li>"));
}

// Those that are open, urgent ones first, and a form for another one.
static bool put_list(json_writer *page) {
  json_writer request = sql(
      "SELECT id, subject, requester, priority FROM tickets_ticket WHERE state = 'open' "
      "ORDER BY priority DESC, id LIMIT ?");
  put_integer(&request, LISTED);
  json_cursor rows;
  json row;
  if (!sql_rows(&request, &rows)) return false;
  uint32_t listed = 0;
  for (; json_next(&rows, &row); listed++) {
    if (!listed) put_text(page, TEXT("<ul>"));
    put_ticket(page, row);
  }
  if (listed) put_text(page, TEXT("</ul>"));
  else put_element(page, "p", translated(TEXT("tickets.none"), TEXT("No tickets.")));
  put_text(page, TEXT(
      "<form method=\"post\" action=\"/tickets\">"
      "<p><label>Subject <input name=\"subject\" required maxlength=\"200\"></label></p>"
      "<p><label>From <input name=\"requester\" maxlength=\"200\"></label></p>"
      "<p><button>Open a ticket</button></p></form>"));
  return true;
}

// A ticket with its notes, and forms for another note and for its end.
static bool put_details(json_writer *page, int64_t id, bool is_open) {
  json_writer request = sql("SELECT body FROM tickets_note WHERE ticket = ? ORDER BY position");
  put_integer(&request, id);
  json_cursor notes;
  json note;
  if (!sql_rows(&request, &notes)) return false;
  put_element(page, "p", is_open ? translated(TEXT("tickets.open"), TEXT("open"))
                                 : translated(TEXT("tickets.closed"), TEXT("closed")));
  put_text(page, TEXT("<ul>"));
  while (json_next(&notes, &note)) put_element(page, "li", column(note, TEXT("body")));
  put_text(page, TEXT("</ul><form method=\"post\" action=\""));
  put_number_of(page, id);
  put_text(page, TEXT(
      "/notes\"><p><label>Note <input name=\"body\" required maxlength=\"4000\"></label> "
      "<button>Add</button></p></form>"));
  if (is_open) {
    put_text(page, TEXT("<form method=\"post\" action=\""));
    put_number_of(page, id);
    put_text(page, TEXT("/close\"><p><button>Close the ticket</button></p></form>"));
  }
  put_text(page, TEXT("<p><a href=\"/tickets\">All tickets</a></p>"));
  return true;
}

static text title_of_list(void) { return translated(TEXT("tickets.title"), TEXT("Tickets")); }

// ---- what the host calls

// {} -> {"title": "Tickets", "html": "<ul>...</ul>"}
static void list(json args, json_writer *answer) {
  (void)args;
  json_writer page = {0};
  if (!migrate("tickets_schema", steps) || !put_list(&page)) return no_database(answer);
  answer_page(answer, title_of_list(), &page);
}

// {"subject": "Printer", "requester": "ada@example.com"} -> {"id": 1, "title": ..., "html": ...}
static void open(json args, json_writer *answer) {
  text subject, requester = TEXT("");
  int64_t id;
  if (!argument(args, TEXT("subject"), SUBJECT_BYTES, &subject))
    return gk_fail(answer, "subject must be a text of at most 200 bytes", TEXT(""));
  json given = json_member(args, TEXT("requester"));
  if (!json_absent(given) && (!json_string(given, &requester) || requester.size > SUBJECT_BYTES))
    return gk_fail(answer, "requester must be a text of at most 200 bytes", TEXT(""));
  json_writer page = {0};
  if (!migrate("tickets_schema", steps) || !insert_ticket(subject, requester, &id) ||
      !put_list(&page))
    return no_database(answer);
  answer_both(answer, TEXT("id"), id, title_of_list(), &page);
}

// A ticket, found by the arguments.
typedef struct {
  int64_t id;
  text subject;
  bool is_open;
} ticket;

// False: the answer says why there is none.
static bool find(json args, json_writer *answer, ticket *found) {
  if (!argument_number(args, TEXT("id"), &found->id)) {
    gk_fail(answer, "id must be a number", TEXT(""));
    return false;
  }
  json_writer request = sql("SELECT subject, state FROM tickets_ticket WHERE id = ?");
  put_integer(&request, found->id);
  json_cursor rows;
  json row;
  if (!migrate("tickets_schema", steps) || !sql_rows(&request, &rows)) {
    no_database(answer);
    return false;
  }
  if (!json_next(&rows, &row)) {
    gk_fail(answer, "there is no such ticket", TEXT(""));
    return false;
  }
  found->subject = column(row, TEXT("subject"));
  found->is_open = text_equal(column(row, TEXT("state")), TEXT("open"));
  return true;
}

// {"id": 1} -> {"title": "Printer", "html": "<p>open</p><ul><li>...</li></ul>..."}
static void show(json args, json_writer *answer) {
  ticket found;
  json_writer page = {0};
  if (!find(args, answer, &found)) return;
  if (!put_details(&page, found.id, found.is_open)) return no_database(answer);
  answer_page(answer, found.subject, &page);
}

static bool insert_note(int64_t id, text body, int64_t *position) {
  for (int attempt = 0; attempt < 5; attempt++) {
    if (!next_number(
            "SELECT COALESCE(MAX(position), 0) + 1 AS number FROM tickets_note WHERE ticket = ?",
            id, position))
      return false;
    json_writer request = sql("INSERT INTO tickets_note (ticket, position, body) VALUES (?, ?, ?)");
    put_integer(&request, id);
    put_integer(&request, *position);
    put_string(&request, body);
    if (sql_run(&request) == 1) return true;
  }
  return false;
}

// {"id": 1, "body": "Still broken"} -> {"notes": 2, "title": ..., "html": ...}
static void add_note(json args, json_writer *answer) {
  ticket found;
  int64_t position;
  text body;
  json_writer page = {0};
  if (!argument(args, TEXT("body"), NOTE_BYTES, &body))
    return gk_fail(answer, "body must be a text of at most 4000 bytes", TEXT(""));
  if (!find(args, answer, &found)) return;
  if (!insert_note(found.id, body, &position) || !put_details(&page, found.id, found.is_open))
    return no_database(answer);
  answer_both(answer, TEXT("notes"), position, found.subject, &page);
}

// {"id": 1} -> {"closed": 1, "title": ..., "html": ...}; 0: it was closed already
static void close(json args, json_writer *answer) {
  ticket found;
  json_writer page = {0};
  if (!find(args, answer, &found)) return;
  json_writer request =
      sql("UPDATE tickets_ticket SET state = 'closed' WHERE id = ? AND state = 'open'");
  put_integer(&request, found.id);
  int64_t closed = sql_run(&request);
  if (closed < 0 || !put_details(&page, found.id, false)) return no_database(answer);
  answer_both(answer, TEXT("closed"), closed, found.subject, &page);
}

// The job: -> {"urgent": 2}, how many tickets became so
static void escalate(json args, json_writer *answer) {
  (void)args;
  if (!migrate("tickets_schema", steps)) return no_database(answer);
  json_writer request = sql("UPDATE tickets_ticket SET days = days + 1 WHERE state = 'open'");
  if (sql_run(&request) < 0) return no_database(answer);
  request = sql(
      "UPDATE tickets_ticket SET priority = 'urgent' "
      "WHERE state = 'open' AND priority = 'normal' AND days >= ?");
  put_integer(&request, DAYS);
  int64_t urgent = sql_run(&request);
  if (urgent < 0) return no_database(answer);
  if (urgent) log_line(GK_INFO, "tickets became urgent");
  answer_number(answer, TEXT("urgent"), urgent);
}

// {} -> {"title": "Tickets", "html": "<p>3 open, 1 urgent</p>"}
static void widget_queue(json args, json_writer *answer) {
  (void)args;
  int64_t all, urgent;
  if (!migrate("tickets_schema", steps)) return no_database(answer);
  json_writer request = sql("SELECT COUNT(*) AS number FROM tickets_ticket WHERE state = 'open'");
  if (!sql_number(&request, &all)) return no_database(answer);
  request = sql(
      "SELECT COUNT(*) AS number FROM tickets_ticket "
      "WHERE state = 'open' AND priority = 'urgent'");
  if (!sql_number(&request, &urgent)) return no_database(answer);
  json_writer page = {0};
  put_text(&page, TEXT("<p>"));
  put_digits(&page, (uint64_t)all, 1);
  put_char(&page, ' ');
  put_html(&page, translated(TEXT("tickets.open"), TEXT("open")));
  put_text(&page, TEXT(", "));
  put_digits(&page, (uint64_t)urgent, 1);
  put_char(&page, ' ');
  put_html(&page, translated(TEXT("tickets.urgent"), TEXT("urgent")));
  put_text(&page, TEXT("</p>"));
  answer_page(answer, title_of_list(), &page);
}

static const gk_entry handlers[] = {
  {"list", list}, {"open", open}, {"show", show}, {"add_note", add_note}, {"close", close},
  {"escalate", escalate}, {"widget_queue", widget_queue}, {0},
};

// Mails from templates: {{name}} stands for a value. Templates are in the database; the key that
// senders must give is in the secure settings; one of the host's own templates is made here instead.
#include "host.h"

static const char manifest[] = JSON({
  "name": "mailer",
  "version": "1.0.0",
  "description": "Sends mails that are made from templates",
  "author": "pywasmgk",
  "license": "Apache-2.0",
  "homepage": "",
  "routes": [
    {"method": "GET", "path": "/mailer", "handler": "overview"},
    {"method": "POST", "path": "/mailer/templates", "handler": "set_template"},
    {"method": "POST", "path": "/mailer/key", "handler": "set_key"},
    {"method": "POST", "path": "/mailer/send", "handler": "send"}
  ],
  "menu_items": [{"id": "mailer", "label": "Mails", "path": "/mailer", "location": "admin"}],
  "widgets": [{
    "id": "sent",
    "title": "Mails sent",
    "handler": "widget_sent",
    "location": "dashboard",
    "size": "small"
  }],
  "templates": [
    {"name": "mails/welcome.html", "path": "mails/welcome.html", "override": true}
  ],
  "resources": {
    "permissions": [
      {"type": "db", "access": "readwrite", "scope": ["mailer_*"]},
      {"type": "email"},
      {"type": "secure_config", "access": "readwrite"},
      {"type": "config", "access": "read", "scope": ["site.name"]}
    ]
  }
});

enum { NAME_BYTES = 60, SUBJECT_BYTES = 200, BODY_BYTES = 20000, SHOWN = 5 };

static const char *const steps[] = {
  "CREATE TABLE mailer_template (name VARCHAR(60) PRIMARY KEY, subject VARCHAR(200) NOT NULL, "
  "body TEXT NOT NULL)",
  "CREATE TABLE mailer_sent (id INTEGER PRIMARY KEY, recipient VARCHAR(200) NOT NULL, "
  "template VARCHAR(60) NOT NULL)",
  NULL,
};

static void no_database(json_writer *answer) {
  gk_fail(answer, "the database of mails cannot be used", TEXT(""));
}

// ---- the key of who sends

// Whether two texts are the same, in a time that does not tell how much of them is.
static bool same_secret(text a, text b) {
  uint32_t different = a.size ^ b.size;
  for (uint32_t i = 0; i < a.size && i < b.size; i++)
    different |= (uint8_t)a.at[i] ^ (uint8_t)b.at[i];
  return different == 0;
}

// Whether the arguments may do that: where there is no key yet, whoever comes first sets it.
static bool permitted(json args, bool to_set) {
  text key, given;
  if (!host_value("secure_config_get", TEXT("key"), &key)) return to_set;
  return argument(args, TEXT("key"), NAME_BYTES, &given) && same_secret(key, given);
}

// {"new_key": "s3cret", "key": "the old one"} -> {"set": true}
static void set_key(json args, json_writer *answer) {
  text key;
  if (!argument(args, TEXT("new_key"), NAME_BYTES, &key))
    return gk_fail(answer, "new_key must be a text of at most 60 bytes", TEXT(""));
  if (!permitted(args, true)) return gk_fail(answer, "the key is another one", TEXT(""));
  json_writer request = {0};
  put_open(&request, '{');
  put_key(&request, TEXT("key"));
  put_string(&request, TEXT("key"));
  put_key(&request, TEXT("value"));
  put_string(&request, key);
  put_char(&request, '}');
  if (!gk_ask("secure_config_set", &request).size)
    return gk_fail(answer, "this host keeps no secrets", TEXT(""));
  put_text(answer, TEXT("{\"set\":true}"));
}

// ---- templates

// Writes a template with its places filled: {{name}} by the value of that name, "" without one. In
// HTML values are escaped; in a subject, which is a header, they are plain.
static void put_filled(json_writer *w, text source, json values, bool html) {
  for (uint32_t i = 0; i < source.size;) {
    uint32_t end = i + 2;
    bool place = i + 4 <= source.size && source.at[i] == '{' && source.at[i + 1] == '{';
    while (place && end + 2 <= source.size && !(source.at[end] == '}' && source.at[end + 1] == '}'))
      end++;
    if (!place || end + 2 > source.size) {
      put_char(w, source.at[i++]);
      continue;
    }
    json value = json_member(values, (text){source.at + i + 2, end - i - 2});
    text plain = json_kind(value) == '0' ? value : TEXT("");
    json_string(value, &plain);
    if (html) put_html(w, plain);
    else put_text(w, plain);
    i = end + 2;
  }
}

// {"name": "welcome", "subject": "Hi {{name}}", "body": "<p>...</p>", "key": ...} -> {"saved": true}
static void set_template(json args, json_writer *answer) {
  text name, subject, body;
  if (!permitted(args, false)) return gk_fail(answer, "the key is another one", TEXT(""));
  if (!argument(args, TEXT("name"), NAME_BYTES, &name) ||
      !argument(args, TEXT("subject"), SUBJECT_BYTES, &subject) ||
      !argument(args, TEXT("body"), BODY_BYTES, &body))
    return gk_fail(answer, "name, subject and body must be texts", TEXT(""));
  json_writer request;
  if (!migrate("mailer_schema", steps)) return no_database(answer);
  request = sql("DELETE FROM mailer_template WHERE name = ?");
  put_string(&request, name);
  if (sql_run(&request) < 0) return no_database(answer);
  request = sql("INSERT INTO mailer_template (name, subject, body) VALUES (?, ?, ?)");
  put_string(&request, name);
  put_string(&request, subject);
  put_string(&request, body);
  if (sql_run(&request) != 1) return no_database(answer);
  put_text(answer, TEXT("{\"saved\":true}"));
}

// 1: found; 0: there is none of that name; -1: the database failed.
static int find_template(text name, text *subject, text *body) {
  json_writer request = sql("SELECT subject, body FROM mailer_template WHERE name = ?");
  put_string(&request, name);
  json_cursor rows;
  json row;
  if (!migrate("mailer_schema", steps) || !sql_rows(&request, &rows)) return -1;
  if (!json_next(&rows, &row)) return 0;
  *subject = column(row, TEXT("subject"));
  *body = column(row, TEXT("body"));
  return 1;
}

// ---- mails

static bool send_mail(text to, text subject, text body) {
  json_writer request = {0};
  put_open(&request, '{');
  put_key(&request, TEXT("to"));
  put_string(&request, to);
  put_key(&request, TEXT("subject"));
  put_string(&request, subject);
  put_key(&request, TEXT("body"));
  put_string(&request, body);
  put_key(&request, TEXT("html"));
  put_bool(&request, true);
  put_char(&request, '}');
  return gk_ask("send_email", &request).size != 0;
}

// The mail has gone: where that cannot be noted, the call succeeds all the same.
static void note_sent(text to, text name) {
  json_writer request = sql("SELECT COALESCE(MAX(id), 0) + 1 AS number FROM mailer_sent");
  int64_t id;
  bool noted = sql_number(&request, &id);
  if (noted) {
    request = sql("INSERT INTO mailer_sent (id, recipient, template) VALUES (?, ?, ?)");
    put_integer(&request, id);
    put_string(&request, to);
    put_string(&request, name);
    noted = sql_run(&request) == 1;
  }
  if (!noted) log_line(GK_WARN, "a mail was sent, and not noted");
}

// {"template": "welcome", "to": "ada@example.com", "values": {"name": "Ada"}, "key": ...}
// -> {"sent": true}
static void send(json args, json_writer *answer) {
  text name, to, subject, body;
  if (!permitted(args, false)) return gk_fail(answer, "the key is another one", TEXT(""));
  if (!argument(args, TEXT("template"), NAME_BYTES, &name) ||
      !argument(args, TEXT("to"), SUBJECT_BYTES, &to))
    return gk_fail(answer, "template and to must be texts", TEXT(""));
  int found = find_template(name, &subject, &body);
  if (found < 0) return no_database(answer);
  if (!found) return gk_fail(answer, "there is no template ", name);
  json values = json_member(args, TEXT("values"));
  if (json_absent(values)) values = args;  // the fields of a form
  json_writer line = {0}, page = {0};
  put_filled(&line, subject, values, false);
  put_filled(&page, body, values, true);
  bool sent = send_mail(to, (text){line.at, line.size}, (text){page.at, page.size});
  gk_free(line.at);
  gk_free(page.at);
  if (!sent) return gk_fail(answer, "the mail cannot be sent", TEXT(""));
  note_sent(to, name);
  put_text(answer, TEXT("{\"sent\":true}"));
}

// In the place of the host's own template mails/welcome.html (contract 5.7):
// {"template": "mails/welcome.html", "data": {"name": "Ada"}} -> {"html": "<p>Welcome, Ada!</p>..."}
static void template_mails_welcome_html(json args, json_writer *answer) {
  text subject, body, site;
  if (find_template(TEXT("welcome"), &subject, &body) != 1)
    body = TEXT("<p>Welcome, {{name}}!</p>");
  if (!host_value("config_get", TEXT("site.name"), &site)) site = TEXT("");
  json_writer page = {0};
  put_filled(&page, body, json_member(args, TEXT("data")), true);
  if (site.size) put_element(&page, "footer", site);
  answer_page(answer, TEXT("Welcome"), &page);
}

// How many mails were sent, and the last ones.
static bool put_sent(json_writer *page) {
  int64_t sent;
  json_cursor rows;
  json row;
  if (!migrate("mailer_schema", steps)) return false;
  json_writer request = sql("SELECT COUNT(*) AS number FROM mailer_sent");
  if (!sql_number(&request, &sent)) return false;
  request = sql("SELECT recipient, template FROM mailer_sent ORDER BY id DESC LIMIT ?");
  put_integer(&request, SHOWN);
  if (!sql_rows(&request, &rows)) return false;
  put_text(page, TEXT("<p>"));
  put_digits(page, (uint64_t)sent, 1);
  put_text(page, TEXT("</p><ul>"));
  while (json_next(&rows, &row)) {
    put_text(page, TEXT("<li>"));
    put_html(page, column(row, TEXT("recipient")));
    put_text(page, TEXT(": "));
    put_html(page, column(row, TEXT("template")));
    put_text(page, TEXT("</li>"));
  }
  put_text(page, TEXT("</ul>"));
  return true;
}

// {} -> {"title": "Mails sent", "html": "<p>2</p><ul><li>ada@example.com: welcome</li>...</ul>"}
static void widget_sent(json args, json_writer *answer) {
  (void)args;
  json_writer page = {0};
  if (!put_sent(&page)) return no_database(answer);
  answer_page(answer, TEXT("Mails sent"), &page);
}

// The same, and a form to send one.
static void overview(json args, json_writer *answer) {
  (void)args;
  json_writer page = {0};
  if (!put_sent(&page)) return no_database(answer);
  put_text(&page, TEXT(
      "<form method=\"post\" action=\"/mailer/send\">"
      "<p><label>Template <input name=\"template\" required></label></p>"
      "<p><label>To <input name=\"to\" type=\"email\" required></label></p>"
      "<p><label>Name <input name=\"name\"></label></p>"
      "<p><label>Key <input name=\"key\" type=\"password\" required></label></p>"
      "<p><button>Send</button></p></form>"));
  answer_page(answer, TEXT("Mails sent"), &page);
}

static const gk_entry handlers[] = {
  {"set_key", set_key}, {"set_template", set_template}, {"send", send},
  {"widget_sent", widget_sent}, {"overview", overview},
  {"template_mails_welcome_html", template_mails_welcome_html}, {0},
};

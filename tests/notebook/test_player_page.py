"""The player's page in Chromium, where that is installed: what its controls want, what it shows."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hostile_notebook import EVIL, hostile_module

import pywasmgk
from pywasmgk import notebook
from pywasmgk.notebook.steering import Steering

ROOM = Path(notebook.__file__).parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
#: a model that answers every command with the next state, and clicks, types and keys from a person
PAGE = """<!doctype html><meta charset="utf-8"><div id="here"></div><pre id="wanted"></pre>
<script type="module">
PLAYER
const states = STATES;
let state = states.shift();
const wanted = [], listeners = [];
const model = {
  get: (key) => state[key],
  set: (key, value) => wanted.push(value),
  save_changes: () => {
    if (states.length) state = states.shift();
    listeners.forEach((one) => one());
  },
  on: (event, listener) => listeners.push(listener),
  off: () => {},
};
const here = document.getElementById("here");
player.render({ model, el: here });
const button = (title) => here.querySelector(`button[title="${title}"]`);
const find = (selector, is) => [...here.querySelectorAll(selector)].find(is);
const labelled = (label) => find("input, select", (one) => one.ariaLabel === label);
const open = (label) => find("button", (one) => one.ariaLabel?.startsWith(label)).click();
const enter = (field, text) => {
  field.value = text;
  field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
};
const type = (label, text) => enter(labelled(label), text);
const press = (element, key) =>
  element.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const byte = (address) => here.querySelector(`[data-address="${address}"]`);
button("one instruction").click();
type("watch an expression", "n + 1");
type("change memory", "0x10 = 1 2");
const slider = here.querySelector("input[type=range]");
slider.value = 0;
slider.dispatchEvent(new Event("change"));
press(here.firstChild, "ArrowRight");
// a byte is opened by a digit, and left as it is by Escape; arrows go to the next
byte(16).focus();
press(byte(16), "ArrowRight");
const moved = document.activeElement.dataset.address;
press(byte(17), "a");
const digit = labelled("byte at 0x11").value;
press(labelled("byte at 0x11"), "Escape");
byte(17).click();
enter(labelled("byte at 0x11"), "ff");
// a value, a number of a type, and what is looked at
open("$n i32");
enter(labelled("$n i32"), "9");
open("i32 at 0x10");
enter(labelled("i32 at 0x10"), "-5");
type("address", "n * 16");
labelled("type of numbers").value = "f64";
labelled("type of numbers").dispatchEvent(new Event("change"));
button("memory behind").click();
wanted.push({ number: 0, line: `moved to ${moved}, typed ${digit}` });
document.getElementById("wanted").textContent = JSON.stringify(wanted);
</script>"""

#: players of hostile modules; what there is in the page then, and nowhere a script that ran
HOSTILE = """<!doctype html><meta charset="utf-8"><div id="here"></div><pre id="found"></pre>
<script type="module">
PLAYER
globalThis.alert = () => { document.body.dataset.owned = "yes"; };
const here = document.getElementById("here");
for (const state of STATES) {
  const model = { get: (key) => state[key], set() {}, save_changes() {}, on() {}, off() {} };
  player.render({ model, el: here });
}
here.querySelectorAll("*").forEach((one) => one.dispatchEvent(new MouseEvent("mouseover")));
const all = [...here.querySelectorAll("*")];
await new Promise((done) => setTimeout(done, 200));
document.getElementById("found").textContent = JSON.stringify({
  tags: [...new Set(all.map((one) => one.localName))].sort(),
  attributes: [...new Set(all.flatMap((one) => one.getAttributeNames()))].sort(),
  owned: document.body.dataset.owned ?? "no",
  text: here.textContent,
});
</script>"""


def states() -> list[dict[str, object]]:
    """What the widget's traits are after each command."""
    text = """(module (memory 1) (func $f (export "f") (param $n i32) (result i32)
      (i32.add (local.get $n) (local.get $n))))"""
    steering = Steering(pywasmgk.instantiate(text).start("f", 5))
    found = []
    for line in ("", "step", "look n + 1", "poke 0x10 1 2", "goto 0", "step", "poke 16 1 2"):
        steering.do(line)
        found.append({**state(steering), "answered": len(found)})
    return found


def state(steering: Steering) -> dict[str, object]:
    """What the widget's traits are."""
    oldest, step, furthest = steering.steps
    return {
        "shown": steering.html(), "oldest": oldest, "step": step, "furthest": furthest,
        "values": steering.values, "memory": steering.memory,
        "watched": steering.watched[:], "answered": 0,
    }  # fmt: skip


def page_with(page: str, states: object) -> str:
    script = (ROOM / "player.js").read_text("utf-8").replace("export default", "const player =")
    # a string of JSON may end a script
    return page.replace("PLAYER", script).replace(
        "STATES", json.dumps(states).replace("<", "\\u003c")
    )


def visited(page: Path, text: str) -> subprocess.CompletedProcess[str]:
    """What Chromium makes of a page."""
    page.write_text(text, "utf-8")
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu",
        f"--user-data-dir={page.parent / 'profile'}", "--virtual-time-budget=5000", "--dump-dom",
        page.as_uri(),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_the_page_wants_what_a_person_does(tmp_path: Path) -> None:
    done = visited(tmp_path / "page.html", page_with(PAGE, states()))
    found = re.search(r'<pre id="wanted">(.+?)</pre>', done.stdout)
    assert found is not None, done.stderr[-2000:]
    wanted = json.loads(html.unescape(found[1]))
    assert [one["line"] for one in wanted] == [
        "step", "look n + 1", "poke 0x10   1 2", "goto 0", "step",
        "poke 17 0xff", "set n 9", "put 16 i32 -5", "at n * 16", "as f64", "at 256",
        "moved to 17, typed a",
    ]  # fmt: skip
    assert [one["number"] for one in wanted[:-1]] == [*range(1, 12)]
    assert "✕ n + 1" in done.stdout
    assert "<output>1 of 1</output>" in done.stdout
    # values and bytes are elements of the page, the rest came as HTML
    assert done.stdout.count('class="pywasmgk') == 2


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_nothing_of_a_module_becomes_markup_there(tmp_path: Path) -> None:
    players = []
    for text in EVIL:
        instance = pywasmgk.instantiate(
            pywasmgk.Module(hostile_module(text), name=text), {text: {text: lambda value: value}}
        )
        steering = Steering(instance.start(text, 5))
        # what is typed, and what is said of it, is somebody's text as well
        for line in ("step 2", f"look {text}", "look l0", text, f"put 0 i32 {text}", "at 8"):
            steering.do(line)
        steering.watched.append(text)
        players.append(state(steering))
    done = visited(tmp_path / "page.html", page_with(HOSTILE, players))
    found = re.search(r'<pre id="found">(.+?)</pre>', done.stdout, re.DOTALL)
    assert found is not None, done.stderr[-2000:]
    seen = json.loads(html.unescape(found[1]))
    assert seen["owned"] == "no"
    assert {*seen["attributes"]} <= {
        "aria-label", "class", "colspan", "data-address", "max", "min", "placeholder", "role",
        "scope", "step", "style", "tabindex", "title", "type",
    }  # fmt: skip
    assert {*seen["tags"]} <= {
        "button", "code", "details", "div", "input", "option", "output", "pre", "select", "span",
        "style", "summary", "table", "tbody", "td", "th", "tr",
    }  # fmt: skip
    # and it reads as it was
    assert "<script>alert(1)</script>" in seen["text"]

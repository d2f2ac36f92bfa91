"""The player's page in Chromium, where that is installed: what its controls want, what it shows."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

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
const type = (label, text) => {
  const field = [...here.querySelectorAll("input")].find((one) => one.ariaLabel === label);
  field.value = text;
  field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
};
button("one instruction").click();
type("watch an expression", "n + 1");
type("change memory", "0x10 = 1 2");
const slider = here.querySelector("input[type=range]");
slider.value = 0;
slider.dispatchEvent(new Event("change"));
here.firstChild.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
document.getElementById("wanted").textContent = JSON.stringify(wanted);
</script>"""


def states() -> list[dict[str, object]]:
    """What the widget's traits are after each command."""
    text = """(module (memory 1) (func $f (export "f") (param $n i32) (result i32)
      (i32.add (local.get $n) (local.get $n))))"""
    steering = Steering(pywasmgk.instantiate(text).start("f", 5))
    found = []
    for line in ("", "step", "look n + 1", "poke 0x10 1 2", "goto 0", "step"):
        steering.do(line)
        oldest, step, furthest = steering.steps
        found.append(
            {
                "shown": steering.html(), "oldest": oldest, "step": step, "furthest": furthest,
                "watched": steering.watched[:], "answered": len(found),
            }
        )  # fmt: skip
    return found


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_the_page_wants_what_a_person_does(tmp_path: Path) -> None:
    script = (ROOM / "player.js").read_text("utf-8").replace("export default", "const player =")
    made = PAGE.replace("PLAYER", script).replace("STATES", json.dumps(states()))
    # a string of JSON may end a script
    page = tmp_path / "page.html"
    page.write_text(made.replace("</style>", "<\\/style>"), "utf-8")
    done = subprocess.run(
        [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu",
            f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri(),
        ],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    found = re.search(r'<pre id="wanted">(.+?)</pre>', done.stdout)
    assert found is not None, done.stderr[-2000:]
    wanted = json.loads(html.unescape(found[1]))
    assert [one["line"] for one in wanted] == [
        "step", "look n + 1", "poke 0x10   1 2", "goto 0", "step",
    ]  # fmt: skip
    assert [one["number"] for one in wanted] == [1, 2, 3, 4, 5]
    assert "✕ n + 1" in done.stdout
    assert "<output>1 of 1</output>" in done.stdout
    assert done.stdout.count('class="pywasmgk"') == 1

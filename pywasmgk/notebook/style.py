"""How what is shown looks: colours of the notebook around it where it says any, else light or dark
as the reader's system is."""

from __future__ import annotations

__all__ = ["NAME", "RULES"]

#: the class that all rules are within
NAME = "pywasmgk"

_LIGHT = (
    "--wg-dim:#59636e;--wg-line:#d1d9e0;--wg-value:#0a6b2d;--wg-changed:#8a4600;--wg-lane:#0550ae;"
    "--wg-here:#fff3bf;--wg-bad:#b3261e;--wg-soft:#f3f5f8;--wg-a:#0969da;--wg-b:#bf5af2;"
    "--wg-c:#1a7f37;--wg-d:#bc4c00;--wg-e:#8250df;--wg-f:#9a6700;--wg-g:#cf222e;--wg-h:#57606a;"
)
_DARK = (
    "--wg-dim:#9aa4b0;--wg-line:#444c56;--wg-value:#7ee08f;--wg-changed:#ffb86b;--wg-lane:#79c0ff;"
    "--wg-here:#4d4414;--wg-bad:#ff8f87;--wg-soft:#262c35;--wg-a:#58a6ff;--wg-b:#e2a8ff;"
    "--wg-c:#56d364;--wg-d:#ffa657;--wg-e:#bc8cff;--wg-f:#e3b341;--wg-g:#ff7b72;--wg-h:#8b949e;"
)
#: what notebooks say on an element around: JupyterLab, VS Code, marimo and what else has a class
_SAYS_LIGHT = ("[data-jp-theme-light=true]", ".vscode-light", ".light")
_SAYS_DARK = ("[data-jp-theme-light=false]", ".vscode-dark", ".vscode-high-contrast", ".dark")

_BODY = """
{
color:var(--jp-content-font-color1,var(--vscode-editor-foreground,var(--foreground-color,inherit)));
font-family:var(--jp-content-font-family,var(--vscode-font-family,system-ui,sans-serif));
font-size:13px;line-height:1.45;max-width:100%;overflow-x:auto}
& *{box-sizing:border-box}
& .wg-title{font-weight:600;font-size:14px;margin:2px 0}
& .wg-head{font-weight:600;margin:10px 0 2px}
& .wg-note{color:var(--wg-dim);margin:2px 0}
& table{border-collapse:collapse;margin:4px 0;border:0;font-size:inherit;table-layout:auto}
& th,& td{text-align:left;padding:1px 10px 1px 0;border:0;vertical-align:top;background:none;
color:inherit;max-width:48em;overflow-wrap:break-word;white-space:normal}
& td code{overflow-wrap:anywhere}
& tr,& tr:hover{background:none}
& th{color:var(--wg-dim);font-weight:normal;border-bottom:1px solid var(--wg-line)}
& .wg-facts th{border:0}
& .wg-number{text-align:right;font-variant-numeric:tabular-nums}
& code,& pre,& .wg-code,& .wg-pages{font-family:var(--jp-code-font-family,
var(--vscode-editor-font-family,ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace));
font-size:12px;background:none;color:inherit;padding:0;border:0}
& pre{margin:4px 0;line-height:1.3;overflow-x:auto;white-space:pre;max-height:32em}
& .wg-row{display:block;min-width:max-content}
& .wg-dim{color:var(--wg-dim)}
& .wg-lane{color:var(--wg-lane)}
& .wg-value{color:var(--wg-value)}
& .wg-changed{color:var(--wg-changed);font-weight:bold}
& .wg-here{background:var(--wg-here);font-weight:bold}
& .wg-here .wg-dim{color:inherit}
& .wg-bad{color:var(--wg-bad)}
& .wg-badge{border:1px solid var(--wg-line);border-radius:8px;padding:0 6px}
& .wg-bar{display:flex;height:14px;border-radius:4px;overflow:hidden;margin:4px 0;max-width:60em;
background:var(--wg-soft)}
& .wg-key{display:inline-block;width:9px;height:9px;border-radius:2px;margin-right:5px}
& .wg-side{display:flex;flex-wrap:wrap;gap:4px 28px;align-items:flex-start}
& .wg-side>div{min-width:0;max-width:100%}
& .wg-pages{letter-spacing:1px;line-height:1.2;overflow-wrap:anywhere;max-width:60em}
& .wg-time{position:relative;height:12px;max-width:60em;margin:6px 0;border-radius:6px;
background:var(--wg-soft);border:1px solid var(--wg-line)}
& .wg-time>div{height:100%;background:var(--wg-a);border-radius:6px;min-width:4px}
& ul{margin:2px 0;padding-left:18px}
& .wg-cards{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:8px;max-width:60em;
margin:4px 0}
& .wg-card{border:1px solid var(--wg-line);border-radius:8px;padding:8px;background:var(--wg-soft);
min-height:64px;overflow-wrap:anywhere}
& .wg-flame{overflow-x:auto}
& svg{display:block}
& svg text{fill:#111}
& summary{cursor:pointer;color:var(--wg-dim);margin:6px 0}
@media(max-width:600px){& .wg-cards{grid-template-columns:1fr}
& .wg-card{grid-column:auto!important}}
"""


def _within(rules: str) -> str:
    # named thrice: notebooks have rules for all tables, with two classes
    return rules.replace("&", f".{NAME}" * 3)


def _where(says: tuple[str, ...], colours: str) -> str:
    return f"{','.join(f'{word} .{NAME}' for word in says)}{{{colours}}}"


def _rules() -> str:
    keys = "".join(
        f".{NAME} .wg-k{n}{{background:var(--wg-{c})}}" for n, c in enumerate("abcdefgh")
    )
    return (
        f".{NAME}{{{_LIGHT}}}"
        f"@media(prefers-color-scheme:dark){{.{NAME}{{{_DARK}}}}}"
        + _where(_SAYS_LIGHT, _LIGHT)
        + _where(_SAYS_DARK, _DARK)
        + f".{NAME}{_within(_BODY.strip())}".replace("\n", "")
        + keys
    )


#: the whole style sheet
RULES = _rules()

"""What the command line may say: commands with their options, and nothing of what they do.

Completion in a shell and ``--help`` import no more than this; what a command does is imported when
it runs. Those for plugins are in ``plugin_commands``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .call_options import RunCommand, call_options, plugin_options, stdin_option
from .options import (
    NEW_FILE,
    PATH,
    SOURCE,
    Source,
    coredump_option,
    engine_option,
    features_option,
    key_option,
    stats_option,
)
from .session import Session, pass_session

if TYPE_CHECKING:
    from .calling import Call

# -- any module


@click.command("run", cls=RunCommand)
@click.argument("module", type=SOURCE)
@call_options
@stats_option
@coredump_option
@pass_session
def run_command(
    session: Session,
    /,
    call: Call,
    stats: bool,
    coredump: Path | None,
) -> None:
    """Run a module.

    Without EXPORT it is a program: its _start runs with WASI, and its exit code is ours. "run
    MODULE -- ARGS" gives it arguments. With EXPORT, ARGS are read by the types of its parameters
    (integers also in hex, floats also as inf and nan), and results are printed one a line. What
    comes after -- is never taken for an option or for EXPORT. With --json, what the guest itself
    prints goes to standard error.
    """
    from .modules import run

    run(session, call, stats, coredump)


@click.command("debug", cls=RunCommand)
@click.argument("module", type=SOURCE, required=False)
@call_options
@stdin_option
@click.option(
    "--record",
    type=NEW_FILE,
    metavar="FILE",
    help="Keep what the host did, at the end, for --replay.",
)
@click.option(
    "--suspend",
    type=NEW_FILE,
    metavar="FILE",
    help="Keep the execution where it is at the end, for --state.",
)
@click.option("--lines", is_flag=True, help="Read commands line by line on a terminal, too.")
@click.option(
    "--sources",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    default=".",
    show_default=True,
    help="Where the source is that the full screen shows.",
)
@click.option("--do", "commands", multiple=True, metavar="COMMAND", help="Do this, then end.")
@click.option("--replay", type=PATH, metavar="FILE", help="Debug a recording, without its host.")
@click.option("--state", type=PATH, metavar="FILE", help="Go on with an execution in a file.")
@key_option("--key", "what --record, --suspend, --replay and --state write and read")
@coredump_option
@click.option(
    "--core", type=PATH, metavar="FILE", help="Look at a core dump, of MODULE if that is given."
)
@click.option("--dap", is_flag=True, help="Serve an editor by the Debug Adapter Protocol.")
@click.option("--port", type=int, metavar="N", help="Serve it on a port of this machine; 0 is any.")
@pass_session
def debug_command(
    session: Session,
    /,
    call: Call | None,
    stdin: Path | None,
    commands: tuple[str, ...],
    lines: bool,
    sources: Path,
    dap: bool,
    port: int | None,
    **files: Any,
) -> None:
    """Step through a call, forwards and back.

    EXPORT and ARGS are as for run; without EXPORT it is the program, or the start function. On a
    terminal it has the full screen, if Textual is installed (pip install 'pywasmgk[debug]').
    Otherwise commands are read from standard input, or given by --do: help lists them. With --dap
    an editor sends them, and says what is to be debugged. With --core a core dump is looked at, by
    the same commands; it does not go on. With --state it begins where an execution was that
    Execution.to_bytes or --suspend has written.
    """
    from .debugging import Files, debug

    debug(
        session, call, stdin, commands, Files(**files), dap=dap, port=port, lines=lines,
        sources=sources,
    )  # fmt: skip


@click.command("profile", cls=RunCommand)
@click.argument("module", type=SOURCE)
@call_options
@plugin_options
@stdin_option
@click.option(
    "--as",
    "form",
    type=click.Choice(
        ("table", "lines", "loops", "memory", "collapsed", "speedscope", "pprof", "svg")
    ),
    default="table",
    show_default=True,
    help="What is shown.",
)
@click.option("--output", type=NEW_FILE, metavar="FILE", help="Write it there.")
@pass_session
def profile_command(
    session: Session,
    /,
    call: Call,
    stdin: Path | None,
    form: str,
    output: Path | None,
) -> None:
    """Show where a call's instructions went.

    The call is interpreted and counted, exactly: functions with the fuel of their own instructions
    and of what they call, or lines, loops, pages of memory and when it grew; as a table, or for
    other tools. EXPORT and ARGS are as for run.
    """
    from .probing import profile

    profile(session, call, stdin, form, output)


@click.command("coverage", cls=RunCommand)
@click.argument("module", type=SOURCE)
@call_options
@plugin_options
@stdin_option
@click.option("--annotate", is_flag=True, help="Show the code, each line with how often it ran.")
@click.option("--lcov", type=NEW_FILE, metavar="FILE", help="Write a tracefile of lcov there.")
@click.option(
    "--append", type=NEW_FILE, metavar="FILE", help="Add the run to those that are kept there."
)
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Exit with 1 if fewer of the basic blocks ran.",
)
@pass_session
def coverage_command(
    session: Session,
    /,
    call: Call,
    stdin: Path | None,
    annotate: bool,
    lcov: Path | None,
    append: Path | None,
    fail_under: float | None,
) -> None:
    """Show what of a module a call executes: functions, basic blocks, branches, lines.

    The call is interpreted and counted. With --append the file keeps the counts, and what is shown
    is that of all runs that were added to it. Lines are those of a module in WAT, or those that its
    debug information tells of. EXPORT and ARGS are as for run.
    """
    from .probing import coverage

    coverage(session, call, stdin, annotate, lcov, append, fail_under)


@click.command("trace", cls=RunCommand)
@click.argument("module", type=SOURCE)
@call_options
@plugin_options
@stdin_option
@click.option(
    "--function",
    "functions",
    multiple=True,
    metavar="NAME|INDEX",
    help="Only what is in this function; * and ? stand for parts of a name.",
)
@click.option(
    "--instruction",
    "instructions",
    multiple=True,
    metavar="NAME|KIND",
    help="Only these, as i32.div_u or f64.*, or of a kind: load, store, calls, branches.",
)
@click.option("--range", "touched", metavar="START:SIZE", help="Only what touches these bytes.")
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=1_000,
    show_default=True,
    metavar="N",
    help="End behind so many instructions.",
)
@pass_session
def trace_command(
    session: Session,
    /,
    call: Call,
    stdin: Path | None,
    functions: tuple[str, ...],
    instructions: tuple[str, ...],
    touched: str | None,
    limit: int,
) -> None:
    """Print a call's instructions, with what they take and what they give.

    A line has the number of instructions before, the offset in the file, function and instruction,
    and behind ;; the address in memory, operands and results. With --json it is a JSON object.
    EXPORT and ARGS are as for run.
    """
    from .probing import trace

    trace(session, call, stdin, functions, instructions, touched, limit)


@click.command("validate")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--plugin", is_flag=True, help="Check what the plugin contract asks for too.")
@features_option(None)
@pass_session
def validate_command(
    session: Session, /, files: tuple[str, ...], plugin: bool, features: str | None
) -> None:
    """Check modules: says "valid", or what is wrong and where, file by file.

    With --plugin a module must also have what a GoatKit plugin exports, and --features is 2.0
    unless said otherwise, else all. The exit code is 1 if any is not valid or cannot be read.
    """
    from .modules import validate

    validate(session, files, plugin, features or ("2.0" if plugin else "all"))


@click.command("inspect")
@click.argument("module", type=SOURCE)
@click.option(
    "--code", is_flag=True, help="Look for features in all of the code, which takes time."
)
@click.option("--extract", type=click.IntRange(0), metavar="N", help="Take core module N out.")
@click.option("--output", type=NEW_FILE, metavar="FILE", help="Write it there.")
@pass_session
def inspect_command(
    session: Session, /, module: Source, code: bool, extract: int | None, output: Path | None
) -> None:
    """Show a module's sections, imports, exports, limits, producers and features.

    It never refuses a file that begins as one: of a module that is damaged, or that uses what the
    engine does not know, it shows what can be read, and says where that stops. Of a component it
    shows what it imports and exports, and the core modules inside, which --extract takes out.

    It also says whether the module has what a GoatKit plugin must export.
    """
    from .inspection import inspect

    inspect(session, module, code, extract, output)


@click.command("stub")
@click.argument("module", type=SOURCE)
@pass_session
def stub_command(session: Session, /, module: Source) -> None:
    """Write a Python host for a module to standard output, to be filled in.

    It has a typed function for every import, which raises NotImplementedError, and a call for every
    export. With --json the source is a string.
    """
    from .modules import stub

    stub(session, module)


@click.command("disasm")
@click.argument("module", type=SOURCE)
@click.argument("functions", metavar="[FUNCTION]...", nargs=-1)
@click.option("--wat", is_flag=True, help="Print nothing but WAT, for an assembler.")
@click.option("--python", is_flag=True, help="Show the Python that each FUNCTION becomes, too.")
@click.option("--steps", is_flag=True, help="Show each FUNCTION after every pass of the compiler.")
@click.option("--after", metavar="PASS", default="", help="Show it after one pass, or `lowering`.")
@pass_session
def disasm_command(
    session: Session,
    /,
    module: Source,
    functions: tuple[str, ...],
    wat: bool,
    python: bool,
    steps: bool,
    after: str,
) -> None:
    """Show a module as text, or some of its functions.

    A FUNCTION is an index or a name: of the name section, of an export, or MODULE.NAME of an
    import. In front of each line stand the byte offset in the file and the instructions that the
    basic block costs which begins there.
    """
    from .disasm import disassemble

    disassemble(session, module, functions, wat=wat, python=python, steps=steps, after=after)


# -- what else there is


@click.command("spec")
@click.argument(
    "paths",
    metavar="PATH...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, allow_dash=True, path_type=Path),
)
@engine_option
@click.option(
    "--release", type=click.Choice(["1.0", "2.0"]), help="Run the scripts of this release."
)
@click.option("--script", metavar="NAME", help="Run this script only.")
@pass_session
def spec_command(
    session: Session,
    /,
    paths: tuple[Path, ...],
    engine: str,
    release: str | None,
    script: str | None,
) -> None:
    """Run scripts of the official test suite.

    PATH is a script or module in the text format (.wast, .wat; "-" is one on standard input), a
    json file as wast2json writes it, the zip of a group, or a folder with an index.json.
    Limits are lifted. Assertions that a later release took back are counted apart and not run.
    Exit code 1 if any assertion fails.
    """
    from .spec import run_scripts

    run_scripts(session, paths, engine, release, script)


@click.command("playground")
@click.argument(
    "folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option(
    "--pyodide",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="The npm package pyodide.  [default: node_modules/pyodide]",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="By default one that is free."
)
@click.option("--open", "browse", is_flag=True, help="Open it in the browser.")
@click.option(
    "--policy", is_flag=True, help="Only print the content policy, for other servers to send."
)
@pass_session
def playground_command(
    session: Session,
    /,
    folder: Path | None,
    pyodide: Path | None,
    port: int,
    browse: bool,
    policy: bool,
) -> None:
    """Serve the playground: a page to write modules, run them, and step through them.

    FOLDER is one that was built before (tools/build-playground of the repository); without it one
    is made of Pyodide's files. It is served to this machine alone.
    """
    from .playground import playground, print_policy

    if policy:
        print_policy(session)
    else:
        playground(session, folder, pyodide, port, browse)


@click.command("doctor")
@pass_session
def doctor_command(session: Session, /) -> None:
    """Say what works on this machine, and what the rest would need.

    Engines are tried with an embedded plugin, packages of extras are looked for, compilers too. The
    exit code is 1 if something is broken; what is only missing is optional.
    """
    from .doctor import diagnose

    diagnose(session)


_NEW_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command("grade")
@click.argument("specification", type=PATH)
@click.argument("submissions", type=click.Path(exists=True, path_type=Path))
@click.option("--one", is_flag=True, help="SUBMISSIONS is a single one, in whatever form.")
@click.option(
    "--cc",
    "compiler",
    metavar="COMMAND",
    help="What compiles submissions in C, as in the specification's compile.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 1024),
    default=1,
    show_default=True,
    metavar="N",
    help="Processes that grade.",
)
@click.option("--dask", metavar="ADDRESS", help="Grade on the Dask cluster with this scheduler.")
@click.option("--output", type=_NEW_FOLDER, metavar="DIR", help="Write all reports there.")
@click.option("--gradescope", type=NEW_FILE, metavar="FILE", help="Write results.json, of one.")
@click.option("--prairielearn", type=NEW_FILE, metavar="FILE", help="Write results.json, of one.")
@click.option("--junit", type=NEW_FILE, metavar="FILE", help="Write JUnit XML.")
@click.option("--html", type=NEW_FILE, metavar="FILE", help="Write the report with plots.")
@pass_session
def grade_command(
    session: Session,
    /,
    specification: Path,
    submissions: Path,
    one: bool,
    compiler: str | None,
    jobs: int,
    dask: str | None,
    **reports: Path | None,
) -> None:
    """Grade submissions by a test specification.

    SPECIFICATION is a file in YAML (pip install 'pywasmgk[grading]'), or in Python, which is
    executed. SUBMISSIONS is a folder or a zip archive, in which each file, folder and archive is
    one submission, or one file. Verdicts follow from bytes and instructions, so that they are the
    same wherever and how often they are made. The exit code is 1 if the grader itself failed
    anywhere (verdict SE).
    """
    from .grading import Reports, grade

    grade(
        session, specification, submissions, Reports(**reports),
        one=one, compiler=compiler, jobs=jobs, dask=dask,
    )  # fmt: skip


@click.command("docs")
@click.argument("topic", required=False)
@pass_session
def docs_command(session: Session, /, topic: str | None) -> None:
    """Show a page of the documentation, or list its topics.

    On a terminal a page is shown by the pager.
    """
    from .docs import show

    show(session, topic)

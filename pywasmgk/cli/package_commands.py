"""What the command line may say of new plugins, packages and signatures; see ``commands``."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import NEW_FILE, PATH, key_option
from .session import Session, pass_session

__all__ = [
    "install_command", "keygen_command", "new_command", "pack_command", "search_command",
    "sign_command", "unpack_command", "update_command", "verify_command",
]  # fmt: skip

if TYPE_CHECKING:
    from ..platform.packages import Trust

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_NEW_FOLDER = click.Path(file_okay=False, path_type=Path)
#: where plugins are, and where they come from, if the environment says
_PLUGINS, _INDEX = "GOATFLOW_PLUGINS_DIR", "PYWASMGK_INDEX"
_SIGNING_KEY = "GOATFLOW_SIGNING_KEY"
#: those of ``platform.projects.LANGUAGES``, which is not imported for the sake of --help
_LANGUAGES = ("c", "zig", "go", "tinygo", "rust", "assemblyscript", "wat")

_into_option = click.option(
    "--into",
    type=_NEW_FOLDER,
    envvar=_PLUGINS,
    default="plugins",
    metavar="DIR",
    help=f"The folder of plugins.  [default: {_PLUGINS} in the environment, else plugins]",
)
_index_option = click.option(
    "--index",
    type=_FOLDER,
    envvar=_INDEX,
    metavar="DIR",
    help=f"The folder with packages.  [default: {_INDEX} in the environment]",
)
_signing_key_option = key_option("--key", "who signs")


def _trust_options(command: Any) -> Any:
    """Lets the line say whose signatures are good. The command gets them as ``trust``."""

    @functools.wraps(command)
    def carried(*given: Any, trusted: tuple[str, ...], required: bool, **rest: Any) -> Any:
        from .packages import trust_of

        return command(*given, trust=trust_of(trusted, required), **rest)

    options = (
        click.option(
            "--trust",
            "trusted",
            multiple=True,
            metavar="KEY|FILE",
            help="A public key to trust, beside those of GOATFLOW_TRUSTED_KEYS.",
        ),
        click.option(
            "--require-signatures",
            "required",
            is_flag=True,
            help="Refuse what is not signed.",
        ),
    )
    for option in reversed(options):
        carried = option(carried)
    return carried


@click.command("new")
@click.argument("name")
@click.option(
    "--lang",
    "language",
    type=click.Choice(_LANGUAGES),
    required=True,
    help="What it is written in.",
)
@click.option("--into", type=_NEW_FOLDER, metavar="DIR", help="Its folder.  [default: NAME]")
@pass_session
def new_command(session: Session, /, name: str, language: str, into: Path | None) -> None:
    """Begin a plugin: sources, package file, tests, and a README that says how to build it.

    DIR must not be there, or be empty.
    """
    from .projects import new

    new(session, name, language, into)


@click.command("pack")
@click.argument("folder", type=_FOLDER)
@click.option("--out", type=NEW_FILE, metavar="FILE", help="Where it goes, if not into dist.")
@pass_session
def pack_command(session: Session, /, folder: Path, out: Path | None) -> None:
    """Make a package of a folder with plugin.yaml.

    It is FOLDER/dist/NAME-VERSION.zip; the same files give the same bytes. What begins with a dot,
    node_modules, target and __pycache__ stay out. It is told where plugin.yaml has another name or
    version than the module itself.
    """
    from .packages import pack_folder

    pack_folder(session, folder, out)


@click.command("unpack")
@click.argument("package", type=PATH)
@_into_option
@click.option("--replace", is_flag=True, help="Replace a plugin of that name.")
@_trust_options
@pass_session
def unpack_command(
    session: Session, /, package: Path, into: Path, replace: bool, trust: Trust
) -> None:
    """Check a package and make a folder of it, whole or not at all."""
    from .packages import unpack

    unpack(session, package, into, replace, trust)


@click.command("keygen")
@click.argument("file", type=NEW_FILE, required=False)
@pass_session
def keygen_command(session: Session, /, file: Path | None) -> None:
    """Make a pair of keys for signing.

    The private key goes into FILE, which only you can read, the public one into FILE.pub, and it is
    printed. Without FILE both are printed.
    """
    from .packages import generate

    generate(session, file)


@click.command("sign")
@click.argument("files", type=PATH, nargs=-1, required=True)
@_signing_key_option
@click.option(
    "--release",
    metavar="NAME@VERSION",
    help="Sign that as well, into FILE.sig.json; of a package it is known.",
)
@pass_session
def sign_command(
    session: Session, /, files: tuple[Path, ...], key: bytes | None, release: str | None
) -> None:
    """Sign files: the signature of FILE goes into FILE.sig.

    Of a package, and with --release, name and version are signed too, into FILE.sig.json. The key
    is what GOATFLOW_SIGNING_KEY has in the environment, if --key names no other.
    """
    from .packages import sign_files

    given = key if key is not None else os.environ.get(_SIGNING_KEY, "").encode()
    sign_files(session, files, given, release)


@click.command("verify")
@click.argument("files", type=PATH, nargs=-1, required=True)
@_trust_options
@pass_session
def verify_command(session: Session, /, files: tuple[Path, ...], trust: Trust) -> None:
    """Verify the signatures beside files."""
    from .packages import verify_files

    verify_files(session, files, trust)


@click.command("install")
@click.argument("names", metavar="NAME[@VERSION]|FILE...", nargs=-1, required=True)
@_index_option
@_into_option
@_trust_options
@pass_session
def install_command(
    session: Session, /, names: tuple[str, ...], index: Path | None, into: Path, trust: Trust
) -> None:
    """Install plugins from a folder of packages, with what they depend on."""
    from .packages import install

    install(session, names, index, into, trust)


@click.command("update")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--check", is_flag=True, help="Only say what is newer.")
@_index_option
@_into_option
@_trust_options
@pass_session
def update_command(
    session: Session,
    /,
    names: tuple[str, ...],
    check: bool,
    index: Path | None,
    into: Path,
    trust: Trust,
) -> None:
    """Replace installed plugins by newer versions: those named, or all."""
    from .packages import update

    update(session, names, check, index, into, trust)


@click.command("search")
@click.argument("words", nargs=-1)
@_index_option
@pass_session
def search_command(session: Session, /, words: tuple[str, ...], index: Path | None) -> None:
    """List packages that have all words in name, description or author."""
    from .packages import search

    search(session, " ".join(words), index)

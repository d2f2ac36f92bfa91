"""Commands for packages and signatures: ``pack``, ``unpack``, ``keygen``, ``sign``, ``verify``,
``install``, ``update``, ``search``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from ..errors import PackageError, PywasmgkError, SignatureError
from ..platform.packages import (
    Extracted,
    Package,
    PackageIndex,
    PackageManifest,
    PrivateKey,
    PublicKey,
    Release,
    Trust,
    extract,
    installed,
    pack,
    sign,
    sign_release,
)
from ..platform.packages.signing import RELEASE_SUFFIX, SIGNATURE_SUFFIX
from ..plugin import load
from ..services.atomic import write_atomically
from .output import say
from .session import FAILED, Session

__all__ = [
    "generate", "install", "pack_folder", "search", "sign_files", "trust_of", "unpack", "update",
    "verify_files",
]  # fmt: skip

#: what only its owner may read
_SECRET = 0o600
_PACKAGE = ".zip"


def trust_of(trusted: tuple[str, ...], required: bool) -> Trust:
    """Whom the line and the environment trust."""
    known = Trust.from_environment()
    keys = [PublicKey.from_hex(_key_text(word)) for word in trusted]
    return Trust((*known.keys, *keys), known.required or required)


def _key_text(word: str) -> str:
    """A key as it stands on the line, or what a file has."""
    path = Path(word)
    if path.is_file():
        return path.read_text("ascii", "replace")
    if re.fullmatch("[0-9A-Fa-f]+", word) is None:
        raise click.UsageError(f"--trust: there is no file {word!r}, and it is no key")
    return word


# -- packages


def pack_folder(session: Session, folder: Path, out: Path | None) -> None:
    """Packs, and says where."""
    session.subject = str(folder)
    path = pack(folder, out)
    package = Package.read(path)
    different = _differences(package)
    if session.json:
        form = {**_manifest_form(package.manifest), "differences": different}
        session.print_json({**form, "path": str(path), "sha256": package.sha256})
        return
    for text in different:
        say(f"Warning: {text}", err=True)
    say(f"{path}: {len(package.archive.names)} files")


def _differences(package: Package) -> list[str]:
    """What plugin.yaml says otherwise than the module's own manifest. Hosts know a plugin by that
    of the module, and installers by plugin.yaml. Of a module that cannot be loaded, nothing."""
    if package.binary is None:
        return []
    try:
        with load(package.archive.read(package.binary)) as plugin:
            own = plugin.registration
    except PywasmgkError:
        return []
    pairs = {
        "name": (package.manifest.name, own.name),
        "version": (package.manifest.version, own.version),
    }
    return [
        f"plugin.yaml has the {what} {said}, the module's manifest {found!r:.80}"
        for what, (said, found) in pairs.items()
        if said and said != found
    ]


def unpack(session: Session, path: Path, into: Path, replace: bool, trust: Trust) -> None:
    """Verifies and extracts."""
    session.subject = str(path)
    package = Package.read(path)
    trust.verify(path, package.data)
    _say_extracted(session, [extract(package, into, replace=replace)])


def _index(folder: Path | None, trust: Trust | None = None) -> PackageIndex:
    if folder is None:
        raise click.UsageError("--index or PYWASMGK_INDEX names the folder with packages")
    return PackageIndex(folder, trust=trust)


def search(session: Session, query: str, index: Path | None) -> None:
    """Lists what is found."""
    found = _index(index).search(query)
    if session.json:
        session.print_json({"packages": [_manifest_form(manifest) for manifest in found]})
        return
    for manifest in found:
        words = f"{manifest.name} {manifest.version}"
        say(f"{words}  {manifest.description}" if manifest.description else words)
    if not found:
        say("nothing found", err=True)


def install(
    session: Session, names: Iterable[str], index: Path | None, into: Path, trust: Trust
) -> None:
    """Installs each, as far as one cannot be had."""
    made: list[Extracted] = []
    for word in names:
        session.subject = word
        if word.endswith(_PACKAGE):
            package = Package.read(Path(word))
            trust.verify(Path(word), package.data)
            made.append(extract(package, into))
        else:
            name, _, version = word.partition("@")
            made += _index(index, trust).install(name, into, version=version)
    _say_extracted(session, made)


def update(
    session: Session,
    names: tuple[str, ...],
    check: bool,
    index: Path | None,
    into: Path,
    trust: Trust,
) -> None:
    """Updates those named, or all; or says what could be."""
    packages = _index(index, trust)
    found = [one for one in packages.updates(into) if not names or one.name in names]
    if not check:
        there = installed(into)
        for name in [*names, *(one.name for one in found if not names)]:
            session.subject = name if name in there else None
            packages.update(name, into)
    if session.json:
        session.print_json({"updates": [vars(one) for one in found], "done": not check})
        return
    for one in found:
        say(f"{one.name} {one.installed} -> {one.available}")
    if not found:
        say("nothing is newer", err=True)


def _say_extracted(session: Session, made: list[Extracted]) -> None:
    if session.json:
        plugins = [
            {
                **_manifest_form(one.manifest),
                "folder": str(one.folder),
                "binary": None if one.binary is None else str(one.binary),
            }
            for one in made
        ]
        session.print_json({"plugins": plugins})
        return
    for one in made:
        say(f"{one.manifest.name} {one.manifest.version}: {one.folder}")


def _manifest_form(manifest: PackageManifest) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "version": manifest.version,
        "runtime": manifest.runtime,
        "description": manifest.description,
        "dependencies": list(manifest.dependencies),
    }


# -- signatures


def generate(session: Session, file: Path | None) -> None:
    """Makes keys; says the public one, and the private one only where no file takes it."""
    key = PrivateKey.generate()
    if file is not None:
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _SECRET)
        except FileExistsError:
            raise PackageError(f"{file} is there already, and is not replaced") from None
        with open(handle, "w", encoding="ascii") as out:
            out.write(key.hex() + "\n")
        write_atomically(Path(f"{file}.pub"), f"{key.public}\n".encode())
    private = {} if file is not None else {"private": key.hex()}
    if session.json:
        session.print_json({**private, "public": str(key.public), "id": key.public.id})
        return
    for name, text in {**private, "public": str(key.public)}.items():
        say(f"{name}: {text}")


def sign_files(session: Session, files: Iterable[Path], key: bytes, release: str | None) -> None:
    """Signs each, and what it is a release of where that is known."""
    if not key:
        raise click.UsageError("--key or GOATFLOW_SIGNING_KEY names the key that signs")
    signer = PrivateKey.from_hex(key.decode("ascii", "replace"))
    written = []
    for path in files:
        session.subject = str(path)
        data = path.read_bytes()
        signatures = {SIGNATURE_SUFFIX: sign(data, signer).encode()}
        about = _release(path, data, release)
        if about is not None:
            signatures[RELEASE_SUFFIX] = sign_release(data, *about, signer)
        for suffix, text in signatures.items():
            write_atomically(Path(f"{path}{suffix}"), text)
            written.append(f"{path}{suffix}")
    if session.json:
        session.print_json({"written": written, "key": signer.public.id})
        return
    for name in written:
        say(name)


def _release(path: Path, data: bytes, release: str | None) -> tuple[str, str] | None:
    """Name and version that are signed."""
    if release is not None:
        name, _, version = release.partition("@")
        if not name or not version:
            raise click.UsageError(f"--release: expected NAME@VERSION, found {release!r:.80}")
        return name, version
    if path.suffix.lower() != _PACKAGE:
        return None
    manifest = Package(data).manifest
    return manifest.name, manifest.version


def verify_files(session: Session, files: Iterable[Path], trust: Trust) -> None:
    """Says of each whose signature it bears; exit code 1 if one bears none that is good."""
    if not trust.keys:
        raise click.UsageError("--trust or GOATFLOW_TRUSTED_KEYS names the keys to trust")
    strict = Trust(trust.keys, required=True)
    results = [_verified(path, strict) for path in files]
    if session.json:
        session.print_json({"files": results})
    else:
        for result in results:
            release = f", as {result['name']} {result['version']}" if "name" in result else ""
            text = result.get("error") or f"signed by {result['key']}{release}"
            say(f"{result['file']}: {text}", err="error" in result)
    if any("error" in result for result in results):
        raise click.exceptions.Exit(FAILED)


def _verified(path: Path, trust: Trust) -> dict[str, str]:
    try:
        found = trust.verify(path, path.read_bytes())
    except (SignatureError, PackageError) as error:
        return {"file": str(path), "error": str(error)}
    except OSError as error:
        return {"file": str(path), "error": f"failed to read binary: {error.strerror}"}
    form = {"file": str(path)}
    if isinstance(found, Release):
        return {**form, "key": found.key.id, "name": found.name, "version": found.version}
    return {**form, "key": found.id if found is not None else ""}

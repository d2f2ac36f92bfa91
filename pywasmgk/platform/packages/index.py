"""A folder of packages from which plugins are installed, and the folder into which."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import PackageError, SignatureError, near_miss
from ...services.atomic import write_atomically
from .archive import BOUNDS, Bounds
from .extraction import Extracted, extract
from .manifest import FILE_NAME, MOST_BYTES, PackageManifest, parse_package_manifest
from .package import Package
from .signing import RELEASE_SUFFIX, SIGNATURE_SUFFIX, Release, Trust

__all__ = ["Installed", "PackageIndex", "Update", "installed"]

_SUFFIX = ".zip"
#: digits in front of what is a version
_LEADING = re.compile(r"v?(?=[0-9])")


@dataclass(frozen=True)
class Installed:
    """A plugin in a folder of plugins."""

    manifest: PackageManifest
    folder: Path


@dataclass(frozen=True)
class Update:
    """A newer version than the one that is installed."""

    name: str
    installed: str
    available: str


def installed(plugins: Path) -> dict[str, Installed]:
    """The plugins of a folder that packages were extracted into, by name, sorted. Folders without
    ``plugin.yaml`` are none of these. Raises PackageError for one that cannot be read."""
    found: dict[str, Installed] = {}
    for path in sorted(plugins.glob(f"*/{FILE_NAME}")):
        if path.parent.name.startswith("."):
            continue
        with open(path, "rb") as file:
            manifest = parse_package_manifest(file.read(MOST_BYTES + 1))
        found[manifest.name] = Installed(manifest, path.parent)
    return found


class PackageIndex:
    """A folder with packages, and signatures beside them. What a package is called is its own word;
    its file may have any name."""

    def __init__(self, folder: Path, *, trust: Trust | None = None, bounds: Bounds = BOUNDS):
        if not folder.is_dir():
            raise PackageError(f"there is no folder {folder}")
        self.folder = folder
        self.trust = Trust.from_environment() if trust is None else trust
        self.bounds = bounds
        #: what was read of files, which are asked again only if they look otherwise
        self._read: dict[Path, tuple[tuple[int, int, int], PackageManifest | None]] = {}

    def add(self, path: Path) -> Path:
        """Takes up a package with the signatures beside it, as ``NAME-VERSION.zip``; one with that
        name is replaced."""
        package = Package.read(path, self.bounds)
        manifest = package.manifest
        target = self.folder / f"{manifest.name}-{manifest.version or '0'}{_SUFFIX}"
        for suffix in (SIGNATURE_SUFFIX, RELEASE_SUFFIX):
            beside = Path(f"{path}{suffix}")
            if beside.is_file():
                write_atomically(Path(f"{target}{suffix}"), beside.read_bytes())
        write_atomically(target, package.data)
        return target

    def packages(self) -> Iterator[tuple[Path, PackageManifest]]:
        """All that are in it, in the order of files; what is no package is passed over."""
        for path in sorted(self.folder.iterdir()):
            if path.suffix.lower() == _SUFFIX and path.is_file():
                manifest = self._manifest(path)
                if manifest is not None:
                    yield path, manifest

    def _manifest(self, path: Path) -> PackageManifest | None:
        status = path.stat()
        mark = status.st_ino, status.st_size, status.st_mtime_ns
        known = self._read.get(path)
        if known is None or known[0] != mark:
            try:
                known = mark, Package.read(path, self.bounds).manifest
            except PackageError:
                known = mark, None
            self._read[path] = known
        return known[1]

    def search(self, query: str = "") -> list[PackageManifest]:
        """The newest of each name that has all words of the query in its name, description or
        author, by name."""
        words = query.lower().split()
        return [
            manifest
            for name, versions in sorted(self._by_name().items())
            for _, manifest in versions[-1:]
            if all(
                word in f"{name} {manifest.description} {manifest.author}".lower() for word in words
            )
        ]

    def find(self, name: str, version: str = "") -> tuple[Path, PackageManifest]:
        """The package of a name: the newest, or the one of that version. Raises PackageError."""
        by_name = self._by_name()
        versions = by_name.get(name)
        if versions is None:
            raise PackageError(f"no package is named {name!r:.80}{near_miss(name, by_name)}")
        if not version:
            return versions[-1]
        for path, manifest in versions:
            if _order(manifest.version) == _order(version):
                return path, manifest
        there = ", ".join(manifest.version or "none" for _, manifest in versions[-10:])
        raise PackageError(f"package {name!r} has no version {version!r:.80}, but {there}")

    def install(self, name: str, into: Path, *, version: str = "") -> list[Extracted]:
        """Verifies and extracts a package and, before it, what it depends on and is not there.

        Raises PackageError if it is there already, if a dependency cannot be had, and
        SignatureError for what the trust of this index does not allow. Nothing is extracted before
        all that is needed is verified.
        """
        there = installed(into)
        if name in there:
            version_there = there[name].manifest.version
            raise PackageError(f"plugin {name!r} is installed already, in version {version_there}")
        return [extract(package, into) for package in self._needed(name, version, set(there))]

    def updates(self, into: Path) -> list[Update]:
        """What is newer here than there."""
        by_name = self._by_name()
        found = []
        for name, one in installed(into).items():
            newest = by_name[name][-1][1].version if name in by_name else ""
            if newest and _order(newest) > _order(one.manifest.version):
                found.append(Update(name, one.manifest.version, newest))
        return found

    def update(self, name: str, into: Path) -> Extracted | None:
        """Replaces an installed plugin by the newest version of it; ``None`` where there is none
        newer. What the new one depends on and is not there is installed first."""
        there = installed(into)
        if name not in there:
            raise PackageError(f"plugin {name!r:.80} is not installed{near_miss(name, there)}")
        if all(update.name != name for update in self.updates(into)):
            return None
        *needed, package = self._needed(name, "", set(there) - {name})
        for dependency in needed:
            extract(dependency, into)
        return extract(package, into, replace=True)

    def _by_name(self) -> dict[str, list[tuple[Path, PackageManifest]]]:
        """Packages by name, the newest last."""
        found: dict[str, list[tuple[Path, PackageManifest]]] = {}
        for path, manifest in self.packages():
            found.setdefault(manifest.name, []).append((path, manifest))
        for versions in found.values():
            versions.sort(key=lambda pair: _order(pair[1].version))
        return found

    def _needed(self, name: str, version: str, there: set[str]) -> list[Package]:
        """The package, and in front of it what is missing of that on which it depends."""
        order: dict[str, Package] = {}
        opened: dict[str, Package] = {}
        waiting = [(name, version)]
        while waiting:
            current, wanted = waiting[-1]
            if current not in opened:
                opened[current] = self._verified(*self.find(current, wanted))
            missing = [
                dependency
                for dependency in opened[current].manifest.dependencies
                if dependency not in there and dependency not in order
            ]
            again = next((one for one in missing if one in opened), None)
            if again is not None:
                chain = " -> ".join([one for one, _ in waiting] + [again])
                raise PackageError(f"packages depend on each other: {chain}")
            if missing:
                waiting.append((missing[0], ""))
                continue
            order[current] = opened[current]
            waiting.pop()
        return list(order.values())

    def _verified(self, path: Path, manifest: PackageManifest) -> Package:
        """A package read once: these bytes are verified, and these are extracted."""
        package = Package.read(path, self.bounds)
        signed = self.trust.verify(path, package.data)
        found = package.manifest
        if (found.name, found.version) != (manifest.name, manifest.version):
            raise PackageError(f"{path.name} was changed while it was read")
        if isinstance(signed, Release) and (signed.name, signed.version) != (
            found.name,
            found.version,
        ):
            raise SignatureError(
                f"signature verification failed: {found.name} {found.version} was signed as "
                f"{signed.name} {signed.version}"
            )
        return package


def _order(version: str) -> tuple[Any, ...]:
    """What versions are sorted by: semantic versions, and before them what is none, as text."""
    try:
        from semver import Version
    except ImportError:
        raise PackageError(
            "versions need the package semver: pip install 'pywasmgk[packages]'"
        ) from None
    try:
        return 1, Version.parse(_LEADING.sub("", version, count=1), optional_minor_and_patch=True)
    except ValueError:
        return 0, version

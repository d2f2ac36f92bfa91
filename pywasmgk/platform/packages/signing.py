"""Ed25519 signatures of plugins and packages, and whom one trusts (contract section 5.4).

Two forms stand beside a file. ``FILE.sig`` is GoatKit's: 128 hexadecimal digits, a signature over
the file's SHA-256, which says that the owner of a key had these bytes, and nothing more. So an old
release passes for a new one. ``FILE.sig.json`` is the other: canonical JSON with name, version,
digest and the key's id, signed as a whole.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from ...errors import PackageError, SignatureError
from ...plugin.canonical_json import canonical
from ...printable import printable

__all__ = [
    "RELEASE_SUFFIX",
    "SIGNATURE_SUFFIX",
    "PrivateKey",
    "PublicKey",
    "Release",
    "Trust",
    "sign",
    "sign_release",
    "verify",
    "verify_release",
]

SIGNATURE_SUFFIX, RELEASE_SUFFIX = ".sig", ".sig.json"
#: bytes of a seed, of a public key and of a signature
_SEED, _PUBLIC, _SIGNATURE = 32, 32, 64
#: bytes of a file with a signature that are read
_MOST_READ = 4096
#: digits of a public key's SHA-256 that name it
_ID_DIGITS = 16
_PUBLIC_LABEL = "public:"
_FORMAT = "pywasmgk-release-1"
_REQUIRED, _TRUSTED = "GOATFLOW_REQUIRE_SIGNATURES", "GOATFLOW_TRUSTED_KEYS"

_log = logging.getLogger(__name__)
_UNSIGNED = "%s is not signed"


def _ed25519() -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError:
        raise PackageError(
            "signatures need the package cryptography: pip install 'pywasmgk[packages]'"
        ) from None
    return ed25519


def _unhex(text: str, size: int, what: str) -> bytes:
    text = text.strip()
    if not re.fullmatch(rf"[0-9A-Fa-f]{{{2 * size}}}", text):
        raise SignatureError(
            f"{what} is {2 * size} hexadecimal digits, found {len(text)} characters"
        )
    return bytes.fromhex(text)


# -- keys


class PublicKey:
    """Who may be trusted: 32 bytes."""

    def __init__(self, data: bytes) -> None:
        if len(data) != _PUBLIC:
            raise SignatureError(f"a public key is {_PUBLIC} bytes, found {len(data)}")
        self.data = data

    @classmethod
    def from_hex(cls, text: str) -> PublicKey:
        """From 64 hexadecimal digits, also behind ``public:`` as tools print it; raises
        SignatureError for anything else."""
        return cls(_unhex(text.strip().removeprefix(_PUBLIC_LABEL), _PUBLIC, "a public key"))

    @property
    def id(self) -> str:
        """What names it in signed releases: the first 16 digits of its SHA-256."""
        return sha256(self.data).hexdigest()[:_ID_DIGITS]

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether the owner of the private key has signed the message (RFC 8032)."""
        ed25519 = _ed25519()
        from cryptography.exceptions import InvalidSignature

        try:
            ed25519.Ed25519PublicKey.from_public_bytes(self.data).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def __str__(self) -> str:
        return self.data.hex()

    def __repr__(self) -> str:
        return f"<PublicKey {self.id}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and self.data == other.data

    def __hash__(self) -> int:
        return hash(self.data)


class PrivateKey:
    """What signs: a seed of 32 bytes, which :meth:`hex` writes as Go does, its public key behind
    it."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != _SEED:
            raise SignatureError(f"a private key's seed is {_SEED} bytes, found {len(seed)}")
        self._key = _ed25519().Ed25519PrivateKey.from_private_bytes(seed)
        self._seed = seed
        self.public = PublicKey(self._key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> PrivateKey:
        """A new one, from the system's random numbers."""
        return cls(os.urandom(_SEED))

    @classmethod
    def from_hex(cls, text: str) -> PrivateKey:
        """From 128 hexadecimal digits, Go's form; raises SignatureError for anything else, and
        where the two halves do not belong together. A seed alone looks like a public key."""
        data = _unhex(text, _SEED + _PUBLIC, "a private key")
        key = cls(data[:_SEED])
        if data[_SEED:] != key.public.data:
            raise SignatureError("the private key's public half belongs to another key")
        return key

    def hex(self) -> str:
        """128 hexadecimal digits, in Go's form. Who has them can sign."""
        return (self._seed + self.public.data).hex()

    def signature(self, message: bytes) -> bytes:
        """64 bytes (RFC 8032, pure Ed25519)."""
        signature: bytes = self._key.sign(message)
        return signature

    def __repr__(self) -> str:
        return f"<PrivateKey of {self.public.id}>"


# -- of a file's bytes alone


def sign(data: bytes, key: PrivateKey) -> str:
    """The signature of a file's content, as ``FILE.sig`` has it."""
    return key.signature(sha256(data).digest()).hex()


def verify(data: bytes, signature: str, keys: Iterable[PublicKey]) -> PublicKey:
    """The key that has signed these bytes; raises SignatureError if none of them has."""
    text = signature.strip()
    try:
        raw = bytes.fromhex(text)
    except ValueError as error:
        raise SignatureError(f"invalid signature format: {error}") from error
    if len(raw) != _SIGNATURE:
        raise SignatureError(f"invalid signature length: expected {_SIGNATURE}, got {len(raw)}")
    if 2 * len(raw) != len(text):
        raise SignatureError("invalid signature format: white space between digits")
    digest = sha256(data).digest()
    for key in keys:
        if key.verifies(raw, digest):
            return key
    raise SignatureError("signature verification failed: no matching trusted key")


# -- of a release


@dataclass(frozen=True)
class Release:
    """What ``FILE.sig.json`` says, once it is known to be true."""

    name: str
    version: str
    #: of the file, in hexadecimal digits
    sha256: str
    key: PublicKey


def sign_release(data: bytes, name: str, version: str, key: PrivateKey) -> bytes:
    """What is to stand in ``FILE.sig.json`` beside a file with this content."""
    said = {
        "format": _FORMAT,
        "name": name,
        "version": version,
        "sha256": sha256(data).hexdigest(),
        "key": key.public.id,
    }
    return canonical({**said, "signature": key.signature(canonical(said)).hex()}) + b"\n"


def verify_release(data: bytes, text: bytes, keys: Iterable[PublicKey]) -> Release:
    """What a signed release says of these bytes; raises SignatureError if it is not of them, or if
    none of the keys has signed it."""
    said = _members(text)
    raw = _unhex(said.pop("signature"), _SIGNATURE, "the signature of a release")
    known = {key.id: key for key in keys}
    key = known.get(said["key"])
    if key is None or not key.verifies(raw, canonical(said)):
        raise SignatureError("signature verification failed: no matching trusted key")
    if said["sha256"] != sha256(data).hexdigest():
        raise SignatureError("signature verification failed: the release is of other bytes")
    return Release(said["name"], said["version"], said["sha256"], key)


def _members(text: bytes) -> dict[str, str]:
    wanted = {"format", "name", "version", "sha256", "key", "signature"}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SignatureError(f"invalid signature format: {error}") from error
    if not isinstance(found, dict) or set(found) != wanted:
        raise SignatureError(f"invalid signature format: expected {', '.join(sorted(wanted))}")
    if not all(isinstance(value, str) for value in found.values()):
        raise SignatureError("invalid signature format: expected strings")
    if found["format"] != _FORMAT:
        raise SignatureError(f"invalid signature format: {printable(found['format'])!r}")
    try:
        canonical(found)
    except ValueError as error:
        raise SignatureError(f"invalid signature format: {error}") from error
    return found


# -- trust


@dataclass(frozen=True)
class Trust:
    """Whose plugins are loaded."""

    keys: tuple[PublicKey, ...] = ()
    #: whether unsigned files are refused
    required: bool = False
    #: whether a signature has to name version and plugin as well
    releases: bool = False

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Trust:
        """As ``GOATFLOW_TRUSTED_KEYS`` (public keys, between commas or white space) and
        ``GOATFLOW_REQUIRE_SIGNATURES`` (exactly ``1``) say."""
        words = environ.get(_TRUSTED, "").replace(",", " ").split()
        keys = tuple(PublicKey.from_hex(word) for word in words)
        return cls(keys, environ.get(_REQUIRED) == "1")

    def verify(self, path: Path, data: bytes) -> Release | PublicKey | None:
        """Verifies the content of a file, as it was read, by the signatures beside it.

        Gives the release that was signed, or the key, or ``None`` for a file without signature
        where none is required, and for a signed one where no key is trusted (both are logged).
        Raises SignatureError for a signature that does not fit, required or not.
        """
        release = self._beside(path, RELEASE_SUFFIX)
        signature = self._beside(path, SIGNATURE_SUFFIX) if release is None else None
        if self.keys or self.required or self.releases:
            return self._verified(path, data, release, signature)
        name = printable(path.name)
        if release is not None and _members(release)["sha256"] != sha256(data).hexdigest():
            raise SignatureError("signature verification failed: the release is of other bytes")
        is_signed = release is not None or signature is not None
        _log.warning("%s is signed, but no key is trusted" if is_signed else _UNSIGNED, name)
        return None

    def _verified(
        self, path: Path, data: bytes, release: bytes | None, signature: bytes | None
    ) -> Release | PublicKey | None:
        if release is not None:
            return verify_release(data, release, self.keys)
        if signature is not None and not self.releases:
            return verify(data, signature.decode("ascii", "replace"), self.keys)
        if self.required or self.releases:
            suffix = RELEASE_SUFFIX if self.releases else SIGNATURE_SUFFIX
            raise SignatureError(f"failed to read signature file: no {path.name}{suffix}")
        _log.warning(_UNSIGNED, printable(path.name))
        return None

    def _beside(self, path: Path, suffix: str) -> bytes | None:
        """What the file with a signature says; ``None`` where there is none."""
        try:
            with open(f"{path}{suffix}", "rb") as file:
                text = file.read(_MOST_READ + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SignatureError(f"failed to read signature file: {error.strerror}") from error
        if len(text) > _MOST_READ:
            raise SignatureError(f"invalid signature format: over {_MOST_READ} bytes")
        return text

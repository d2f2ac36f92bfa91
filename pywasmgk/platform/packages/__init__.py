"""Plugins as files that travel: packed, signed, found in a folder, installed (contract sections 5.3
and 5.4).

It needs the extra ``packages``: ``pip install 'pywasmgk[packages]'``.
"""

from __future__ import annotations

from .extraction import Extracted, extract
from .index import Installed, PackageIndex, Update, installed
from .manifest import PackageManifest, parse_package_manifest
from .package import Package
from .packing import pack
from .signing import PrivateKey, PublicKey, Release, Trust, sign, sign_release, verify

__all__ = [
    "Extracted",
    "Installed",
    "Package",
    "PackageIndex",
    "PackageManifest",
    "PrivateKey",
    "PublicKey",
    "Release",
    "Trust",
    "Update",
    "extract",
    "installed",
    "pack",
    "parse_package_manifest",
    "sign",
    "sign_release",
    "verify",
]

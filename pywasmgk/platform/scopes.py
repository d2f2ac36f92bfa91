"""What the entries of a permission's scope match (contract 4.3): whole names, never a part of one.

An entry is a name in which ``*`` stands for any run of characters. Case does not count. The case of
letters outside ASCII is not folded: databases and name servers differ there, so that such letters
match only themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

__all__ = ["ascii_lower", "config_permitted", "is_sensitive", "matches", "matches_recipient"]

_UPPER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def ascii_lower(text: str) -> str:
    """The text with A to Z in lower case, and nothing else changed."""
    return text.translate(_UPPER)


@lru_cache(maxsize=1024)
def _pattern(entry: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, re.split(r"\*+", entry))), re.DOTALL)


def matches(entry: str, name: str, *, case: bool = False) -> bool:
    """Whether an entry names the whole of ``name``; ``case`` has case count."""
    if not case:
        entry, name = ascii_lower(entry), ascii_lower(name)
    return entry == name or ("*" in entry and _pattern(entry).fullmatch(name) is not None)


def matches_recipient(entry: str, address: str) -> bool:
    """Whether an entry names a mail address: the whole, or its end where it begins with ``@``."""
    entry, address = ascii_lower(entry), ascii_lower(address)
    return address.endswith(entry) if entry.startswith("@") else address == entry


# -- settings

#: words that make a setting a secret wherever they stand in its key
_SECRET = {
    *("secret", "password", "passwd", "pwd", "passphrase", "credential", "token", "key", "private"),
    *("auth", "session", "cookie", "apikey", "accesskey", "privatekey", "secretkey", "authtoken"),
}
#: first segments of keys, which lead to settings of other systems
_SYSTEMS = {
    *("database", "db", "mysql", "postgres", "mariadb", "smtp", "mail", "email", "ldap", "oauth"),
    *("saml", "aws", "gcp", "azure", "cloud"),
}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\dA-Za-z_]+")


def _words(text: str) -> set[str]:
    words = {word.lower() for word in _WORD.findall(text)}
    # "API_KEY" and "ApiKeys" have the word key; "monkey" has not, and "APIKEY" is listed
    segments = {segment.lower() for segment in re.split(r"[\W_]+", text)}
    found = words | segments
    return found | {word[:-1] for word in found if word.endswith("s")}


def _sensitive_words(key: str) -> set[str]:
    systems = {part.lower() for part in key.split(".")[:-1]} & _SYSTEMS
    return systems | (_words(key) & _SECRET)


def is_sensitive(key: str) -> bool:
    """Whether a setting is a secret by its key: by whole words, so that ``monkey`` and ``author``
    are none (weakness W34)."""
    return bool(_sensitive_words(key))


def config_permitted(scope: Sequence[str], key: str) -> bool:
    """Whether a scope opens a setting. A secret is opened by an entry only that names what makes it
    one: ``smtp.*`` opens ``smtp.password``, ``*`` and ``app.*`` open no secret."""
    return any(matches(entry, key) and _opens(entry, key) for entry in scope)


def _opens(entry: str, key: str) -> bool:
    sensitive = _sensitive_words(key)
    return not sensitive or bool(_sensitive_words(entry) & sensitive)


def shown(scopes: Iterable[Sequence[str]]) -> str:
    """Scopes as texts of refusals have them: ``[ticket users]``."""
    return f"[{' '.join(entry for scope in scopes for entry in scope)}]"

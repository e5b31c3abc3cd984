"""Addresses of weights: what may be one, and what must not stand in it.

A study writes its arms and its command into its run directory, which is shared. So an address with
a password or a token is refused, and is taken out of what is written or printed.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlparse

SCHEMES = ("http", "https")
_SECRET_WORDS = (
    r"token|secret|passw(?:or)?d|pwd|pass|signature|sig|credentials?|api_?key|access_?key(?:_?id)?"
    r"|auth|authorization|key|awsaccesskeyid|googleaccessid|session"
)
_SECRET = re.compile(rf"(?:\w*[-_])?(?:{_SECRET_WORDS})|x-(?:amz|goog)-[\w-]+", re.IGNORECASE)
"""Names of parameters whose values are nobody's business."""
_USER = re.compile(r"(?<=://)[^\s/@'\"]+@")
_PARAMETER = re.compile(
    rf"(?<![\w-])((?:[\w]*[-_])?(?:{_SECRET_WORDS})|x-(?:amz|goog)-[\w-]+)(=|%3D)[^\s&#'\",;)]+",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\w[\w+.-]*://[^\s'\"<>]+")
HIDDEN = "***"
DIGEST = re.compile(r"sha256=([0-9a-f]{8,64})")


def is_url(source: str) -> bool:
    """Whether it is meant as an address on the web."""
    return source.split("://")[0].lower() in SCHEMES and "://" in source


def require_address(url: str) -> None:
    """Refuse what is no address of a file, or has a secret in it.

    Raises:
        ValueError: says what is wrong, without the secret.
    """
    what = f"weights {hidden(url)!r}"
    try:
        parts = urlparse(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{what}: no valid address ({error}); {_FORM}") from error
    if any(ord(one) <= 32 or not one.isprintable() for one in url):
        raise ValueError(
            f"{what}: no valid address (it has spaces or control characters); {_FORM}"
        )
    if not url.isascii():
        raise ValueError(
            f"{what}: no valid address (it has characters beyond ASCII); write those as %XX"
        )
    if not host or port == 0 or ".." in host or len(host) > 253:
        raise ValueError(f"{what}: no valid address (it names no host); {_FORM}")
    if not parts.path.strip("/"):
        raise ValueError(f"{what}: no valid address (it names no file); {_FORM}")
    asked = [
        name
        for name, _ in parse_qsl(parts.query, keep_blank_values=True)
        if _SECRET.fullmatch(name)
    ]
    if parts.username is not None or asked:
        kind = f"a secret ({', '.join(asked)})" if asked else "a user name or password"
        raise ValueError(
            f"{what}: it has {kind} in it, which the study would write down; download the file,"
            " and give its path"
        )
    if parts.fragment and not DIGEST.fullmatch(parts.fragment):
        raise ValueError(
            f"{what}: after # stands {parts.fragment[:40]!r}, must be sha256= and 8 to 64"
            " hexadecimal digits in small letters; correct it, or leave it out"
        )


_FORM = "write https://HOST/PATH/FILE, or give the path of a file"


def stated_digest(url: str) -> str | None:
    """The first digits of the SHA-256 that an address itself states."""
    found = DIGEST.fullmatch(urlparse(url).fragment)
    return found[1] if found else None


def has_secret(query: str) -> bool:
    """Whether the query of an address has a parameter that is called like a secret."""
    return any(_SECRET.fullmatch(name) for name, _ in parse_qsl(query, keep_blank_values=True))


def hidden(text: str) -> str:
    """The text, with passwords and tokens left out of the addresses in it."""
    if "://" not in text:
        return text
    return _ADDRESS.sub(
        lambda found: _PARAMETER.sub(rf"\1\2{HIDDEN}", _USER.sub(f"{HIDDEN}@", found[0])), text
    )

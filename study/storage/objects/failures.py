"""Why a request to an object store failed, in a line, and whether to send it again."""

from __future__ import annotations

import os
from pathlib import Path

LASTING = {
    "NO_SUCH_BUCKET": "there is no such bucket: make it, or check its name, region and endpoint",
    "ACCESS_DENIED": "access denied: these credentials do not allow it (on S3 ListBucket,"
    " GetObject, PutObject and DeleteObject are needed)",
    "INVALID_ACCESS_KEY_ID": "the credentials are not known there",
    "SIGNATURE_DOES_NOT_MATCH": "the credentials are wrong",
    "EXPIRED_TOKEN": "the credentials have expired",
    "INVALID_CLIENT_TOKEN_ID": "the credentials are not known there",
}
"""Failures that remain when the request is sent again, by the library's word for each."""

NO_CREDENTIALS = (
    "no credentials: neither in the environment (AWS_ACCESS_KEY_ID, AWS_PROFILE) nor in ~/.aws,"
    " and this machine has no role that allows it"
)


def lasts(error: OSError) -> bool:
    """Whether the same request would fail again."""
    return any(word in str(error) for word in LASTING)


def reason(error: OSError) -> str:
    """Why a request failed."""
    said = str(error)
    if "NETWORK_CONNECTION" in said:
        return f"no answer: {said.splitlines()[0].rpartition('Details: ')[2]}"
    for word, text in LASTING.items():
        if word in said:
            denied = word == "ACCESS_DENIED" and "bucket" in said and not _has_credentials()
            return NO_CREDENTIALS if denied else text
    return said.splitlines()[0]


def _has_credentials() -> bool:
    """Whether this machine's user has given any for S3."""
    named = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE")
    containers = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if any(os.environ.get(name) for name in (*named, *containers)):
        return True
    return any((Path.home() / ".aws" / name).exists() for name in ("credentials", "config"))

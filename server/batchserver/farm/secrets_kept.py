# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of accounts: made here, shown once, kept as hashes only.

A secret is random and long, so that the hash need not be dear: it only must not be turned round. BOINC's clients send md5(secret + name)
in its place, so a hash of that is kept beside. Runs without Blender.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from batchserver.model.far import AccountRow

LOOKUP = 8
"""The first letters of a secret find its account; they say nothing of the others."""

_COST = {"n": 2**12, "r": 8, "p": 1}
_NOBODY = AccountRow(0, "", "", "00" * 16, "00" * 32, "00" * 32, (), 0.0)


def make_secret() -> str:
    """Make a secret: 8 hex digits that find it, 32 that nobody guesses."""
    return secrets.token_hex(LOOKUP // 2 + 16)


def make_account(name: str, secret: str, addresses: tuple[str, ...], now: float) -> AccountRow:
    """Make the row of a new account; it gets its number from the ledger."""
    salt = secrets.token_hex(16)
    return AccountRow(0, name, secret[:LOOKUP], salt, _hash(secret, salt), _hash(boinc_digest(secret, name), salt), addresses, now)


def boinc_digest(secret: str, name: str) -> str:
    """Give what BOINC's clients send instead of a secret."""
    return hashlib.md5((secret + name.lower()).encode(), usedforsecurity=False).hexdigest()


def is_secret(row: AccountRow | None, shown: str) -> bool:
    """Tell whether this is an account's secret. Takes as long when there is no such account."""
    found = row or _NOBODY
    return hmac.compare_digest(_hash(shown, found.salt), found.secret) and row is not None


def is_digest(row: AccountRow | None, shown: str) -> bool:
    """Tell whether this is what BOINC's clients send for an account's secret. Takes as long when there is no such account."""
    found = row or _NOBODY
    return hmac.compare_digest(_hash(shown.lower(), found.salt), found.digest) and row is not None


def _hash(secret: str, salt: str) -> str:
    return hashlib.scrypt(secret.encode("utf-8", "surrogatepass")[:1024], salt=bytes.fromhex(salt), dklen=32, **_COST).hex()

# SPDX-License-Identifier: GPL-3.0-or-later
"""What the project must never lose: its code signing key and the secret behind names and upload tokens. Made once, kept in the desk's store.

A client that attached holds the public key and believes no other; without the old key all would have to attach again. Runs without Blender.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from batchserver.farm.seams import Store
from batchserver.model.errors import LedgerProblem

from .signing import SigningKey, new_key

_PLACE = "keys"


@dataclass(frozen=True, slots=True)
class Keys:
    """The project's own secrets."""

    signing: SigningKey
    secret: bytes


def load_keys(store: Store) -> Keys:
    """Give the project's keys; make them when there are none. Raises `LedgerProblem` for ones that cannot be read."""
    kept = store.get(_PLACE)
    if kept is None:
        made = Keys(new_key(), secrets.token_bytes(32))
        store.put(_PLACE, _as_json(made))
        return made
    try:
        return _from_json(kept)
    except (KeyError, TypeError, ValueError) as error:
        raise LedgerProblem(
            "The ledger's keys of the BOINC project cannot be read; restore the ledger from a copy, or let all BOINC clients attach again"
        ) from error


def _as_json(keys: Keys) -> dict[str, str]:
    signing = keys.signing
    return {"modulus": f"{signing.modulus:x}", "exponent": f"{signing.exponent:x}", "private": f"{signing.private:x}", "secret": keys.secret.hex()}


def _from_json(kept: Any) -> Keys:
    numbers = [int(kept[name], 16) for name in ("modulus", "exponent", "private")]
    return Keys(SigningKey(*numbers), bytes.fromhex(kept["secret"]))

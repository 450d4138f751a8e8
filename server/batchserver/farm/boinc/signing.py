# SPDX-License-Identifier: GPL-3.0-or-later
"""BOINC's code signatures: RSA of 1024 bits over the hex MD5 of a file, without a DigestInfo, in BOINC's own text form.

Clients hold keys in fields of 128 bytes, so nothing longer or newer is possible: a signature tells a client that the file is from the project
that it attached to first, no more. Runs without Blender.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

BITS = 1024
_BYTES = BITS // 8
_DIGITS_IN_A_LINE = 64


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The numbers of an RSA key."""

    modulus: int
    exponent: int
    private: int

    @property
    def public_text(self) -> str:
        """Write the public key as clients read it."""
        return f"{BITS}\n{_as_lines(self.modulus.to_bytes(_BYTES, 'big') + self.exponent.to_bytes(_BYTES, 'big'))}"

    def sign(self, md5: str) -> str:
        """Write the signature of a file whose MD5 is given as lower-case hex."""
        message = md5.encode("ascii")
        block = b"\x00\x01" + b"\xff" * (_BYTES - len(message) - 3) + b"\x00" + message
        return _as_lines(pow(int.from_bytes(block, "big"), self.private, self.modulus).to_bytes(_BYTES, "big"))


def new_key() -> SigningKey:
    """Make a key."""
    from cryptography.hazmat.primitives.asymmetric import rsa  # of the extra `farm`; needed once in a server's life

    numbers = rsa.generate_private_key(65537, BITS).private_numbers()
    return SigningKey(numbers.public_numbers.n, numbers.public_numbers.e, numbers.d)


def md5_of(data: bytes) -> str:
    """Give the MD5 of bytes, which BOINC names its files' contents by."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def same_key(shown: str, own: str) -> bool:
    """Tell whether a client's copy of the key is ours; white space does not count."""
    return shown.split() == own.split()


def _as_lines(data: bytes) -> str:
    digits = data.hex()
    lines = [digits[at : at + _DIGITS_IN_A_LINE] for at in range(0, len(digits), _DIGITS_IN_A_LINE)]
    return "\n".join([*lines, "."]) + "\n"

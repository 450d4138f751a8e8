# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is at the other end of a loopback connection: the user that owns the peer's socket. Runs without Blender.

Linux tells it in two ways: `sock_diag(7)` answers for one socket in microseconds, and `/proc/net/tcp` lists them all, which
costs milliseconds (the kernel walks its whole hash table). Three traps, each of which would let another user in:

* A socket that its process has closed stays known for a while, with inode 0 and, on many kernels, uid 0: "connect, send,
  close" would look like root. Only a socket with an inode counts.
* An address and a port can be taken by somebody else as soon as they are free. So our own end is asked again afterwards:
  while it is still open, nobody else can have had the pair.
* Where no connected socket fits, `sock_diag` answers with one that listens there. Its state tells.
"""

from __future__ import annotations

import logging
import os
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

NOBODY = -1
"""The system tells users of connections, and has none for this one: the peer is gone."""

_ESTABLISHED, _FIN_WAIT1, _FIN_WAIT2, _CLOSE_WAIT = 1, 4, 5, 8  # include/net/tcp_states.h
_OPEN_AT_THE_PEER = frozenset({_ESTABLISHED, _FIN_WAIT1, _FIN_WAIT2})  # the last two: it has said that it sends no more

End = tuple[str, int]


class PeerUser(Protocol):
    """Finds the user at the other end of a connection to this machine."""

    def uid(self, connection: socket.socket) -> int | None:
        """Give the peer's uid; `NOBODY` when it is gone; None when this system does not tell."""
        ...


class UntoldPeer:
    """A system that does not tell (Windows, macOS): everybody on this machine is let in, which the docs say."""

    def uid(self, connection: socket.socket) -> int | None:
        """Give None."""
        return None


class LinuxPeer:
    """Linux: the owner of the socket whose ends are the connection's, the other way round."""

    def __init__(self, find: Callable[[End, End], int]) -> None:
        self._find = find

    def uid(self, connection: socket.socket) -> int | None:
        """Look the peer up, then make sure that it was the peer all the time."""
        try:
            found = self._find(_end(connection.getpeername()), _end(connection.getsockname()))
            return found if _still_open(connection) else NOBODY
        except OSError:
            return NOBODY


def peer_user() -> PeerUser:
    """Give the fastest way that tells the truth about a connection of our own to ourselves."""
    if sys.platform == "linux":
        for find in (ask_sock_diag, ProcNetTcp().find):
            peer = LinuxPeer(find)
            if _tells_the_truth(peer):
                return peer
        logging.getLogger("batchserver.web").warning("this Linux does not tell whose a connection is: every user of this machine gets in; use --require-token")
    return UntoldPeer()


def _tells_the_truth(peer: PeerUser) -> bool:
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname(), timeout=5):
            ours, _ = listener.accept()
            with ours:
                return peer.uid(ours) == os.geteuid()
    except OSError:
        return False


def _end(address: tuple[str, int] | tuple[str, int, int, int]) -> End:
    return address[0].removeprefix("::ffff:"), address[1]  # an IPv4 connection to an IPv6 socket is an IPv4 connection


def _still_open(connection: socket.socket) -> bool:
    state = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]  # tcpi_state is the first byte of tcp_info
    return state in (_ESTABLISHED, _CLOSE_WAIT)


# -- sock_diag ------------------------------------------------------------------------------------------------------------

_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST = 4, 20, 1  # linux/netlink.h, linux/sock_diag.h
_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_REQUEST = struct.Struct("=BBBxI")  # struct inet_diag_req_v2, up to its id
_IDENTITY = struct.Struct("!HH16s16s4x8s")  # struct inet_diag_sockid
_ANSWER = struct.Struct("=BBxx48xIIIII")  # struct inet_diag_msg: family, state, id, expires, rqueue, wqueue, uid, inode
_NO_COOKIE = b"\xff" * 8


def ask_sock_diag(peer: End, own: End) -> int:
    """Ask the kernel for the one socket with these ends (an IPv4-mapped IPv6 one is found as IPv4). Raises `OSError`."""
    family = socket.AF_INET6 if ":" in peer[0] else socket.AF_INET
    ends = [socket.inet_pton(family, host).ljust(16, b"\0") for host, _ in (peer, own)]
    question = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0xFFFFFFFF) + _IDENTITY.pack(peer[1], own[1], *ends, _NO_COOKIE)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as netlink:
        netlink.settimeout(1)
        netlink.send(_HEADER.pack(_HEADER.size + len(question), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 1, 0) + question)
        answer = netlink.recv(8192)
    _, kind, *_ = _HEADER.unpack_from(answer)
    if kind != _SOCK_DIAG_BY_FAMILY:  # an error, which is what no such socket is too
        return NOBODY
    _, state, _, _, _, uid, inode = _ANSWER.unpack_from(answer, _HEADER.size)
    return int(uid) if state in _OPEN_AT_THE_PEER and inode else NOBODY


# -- /proc/net/tcp --------------------------------------------------------------------------------------------------------


class ProcNetTcp:
    """The kernel's tables of TCP sockets (format: `Documentation/networking/proc_net_tcp.rst` of the kernel)."""

    def __init__(self, folder: Path = Path("/proc/net")) -> None:
        self._folder = folder

    def find(self, peer: End, own: End) -> int:
        """Give the uid of the socket with these ends, or `NOBODY`."""
        for table, key in self._places(peer, own):
            uid = _owner(table, key)
            if uid is not None:
                return uid
        return NOBODY

    def _places(self, peer: End, own: End) -> list[tuple[bytes, bytes]]:
        """Pair each table that may hold the peer with the text its entry has there.

        An IPv6 socket that speaks to an IPv4 address stands in `tcp6`, its addresses mapped (`::ffff:127.0.0.1`).
        """
        if ":" in peer[0]:
            return [(self._read("tcp6"), _key(peer, own, socket.AF_INET6))]
        mapped = [("::ffff:" + host, port) for host, port in (peer, own)]
        return [
            (self._read("tcp"), _key(peer, own, socket.AF_INET)),
            (self._read("tcp6"), _key(mapped[0], mapped[1], socket.AF_INET6)),
        ]

    def _read(self, name: str) -> bytes:
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:  # a kernel without IPv6
            return b""


def _key(local: End, remote: End, family: socket.AddressFamily) -> bytes:
    return f": {_hex(local, family)} {_hex(remote, family)} ".encode()


def _hex(end: End, family: socket.AddressFamily) -> str:
    """Write an address as the kernel does: 32-bit words in the machine's byte order, then the port."""
    packed = socket.inet_pton(family, end[0])
    words = struct.unpack(f"={len(packed) // 4}I", packed)
    return "".join(f"{word:08X}" for word in words) + f":{end[1]:04X}"


def _owner(table: bytes, key: bytes) -> int | None:
    """Give the uid of the entry, `NOBODY` for one that its process closed, None for no entry."""
    at = table.find(key)
    if at < 0:
        return None
    fields = table[at + len(key) : table.find(b"\n", at)].decode("ascii").split()
    state, uid, inode = int(fields[0], 16), int(fields[4]), fields[6]
    return uid if state in _OPEN_AT_THE_PEER and inode != "0" else NOBODY

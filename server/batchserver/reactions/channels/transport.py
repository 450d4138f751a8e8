# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP request to a service: http and https only, no redirects, within a time, and no more of the answer than is needed.

Problems name the host and never the address: with many services the address is the secret. Runs without Blender.
"""

from __future__ import annotations

import http.client
import secrets
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from batchserver.reactions.facts import ReactionProblem
from batchserver.reactions.small_pictures import SmallPicture

_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_MOST_OF_AN_ANSWER = 2048


class TryLater(ReactionProblem):
    """The service did not take the message, and may take it in a moment."""


class PictureRefused(ReactionProblem):
    """The service did not take the message as it was; without the picture it may."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent to a service. `repr` shows no secret."""

    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    picture: bool = False


@dataclass(frozen=True, slots=True)
class Transport:
    """Sends requests; `timeout` is in seconds, for connecting and for each part of the answer."""

    timeout: float = 10.0
    context: Callable[[], ssl.SSLContext] = ssl.create_default_context

    def send(self, request: Request) -> None:
        """Send one request. Raises `ReactionProblem`."""
        host = host_of(request.url)
        opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(), urllib.request.HTTPHandler(), urllib.request.HTTPSHandler(context=self.context()),
            urllib.request.HTTPDefaultErrorHandler(), urllib.request.HTTPErrorProcessor(),
        ):  # fmt: skip
            opener.add_handler(handler)
        try:
            asked = urllib.request.Request(request.url, request.body, {"User-Agent": "RenderPlus", **request.headers}, method="POST")
            answer = opener.open(asked, timeout=self.timeout)
            if answer is None:
                raise ReactionProblem(f"{host} cannot be asked; only http and https addresses are taken")
            with answer:
                answer.read1(_MOST_OF_AN_ANSWER)
        except urllib.error.HTTPError as error:
            error.close()
            raise _refusal(host, error.code, picture=request.picture) from None
        except urllib.error.URLError as error:
            raise _unreachable(host, error.reason, self.timeout) from None
        except TimeoutError:
            raise ReactionProblem(f"{host} did not answer within {self.timeout:g} s; the message may have come through") from None
        except (OSError, http.client.HTTPException):
            raise ReactionProblem(f"{host} broke off its answer; the message may have come through") from None
        except ValueError:
            raise ReactionProblem("the channel's url or token has characters that no request can have") from None


def host_of(url: str) -> str:
    """Name the host of an address. Raises `ReactionProblem` for what is no address of http or https."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or not url.lower().startswith(("http://", "https://")) or any(ord(letter) <= 32 or ord(letter) == 127 for letter in url):
        raise ReactionProblem("the channel's url is no http or https address")
    return host


def form(fields: Mapping[str, str], name: str, picture: SmallPicture) -> tuple[bytes, str]:
    """Write a multipart form with a picture; gives its body and content type."""
    boundary = secrets.token_hex(16)
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode() for key, value in fields.items()]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{picture.name}"\r\nContent-Type: image/{picture.kind}\r\n\r\n'
    return b"".join([*parts, head.encode(), picture.data, f"\r\n--{boundary}--\r\n".encode()]), f"multipart/form-data; boundary={boundary}"


def _refusal(host: str, code: int, *, picture: bool) -> ReactionProblem:
    if code in _BUSY:
        return TryLater(f"{host} takes no message now ({code})")
    if code in (401, 403):
        return ReactionProblem(f"{host} refused ({code}); check the channel's token and url")
    if 300 <= code < 400:
        return ReactionProblem(f"{host} sends us to another address ({code}), which is not followed; write the final one into the channel's url")
    problem = PictureRefused if picture else ReactionProblem
    return problem(f"{host} did not take the message ({code}); check the channel's url")


def _unreachable(host: str, reason: object, timeout: float) -> ReactionProblem:
    if isinstance(reason, ssl.SSLCertVerificationError):
        return ReactionProblem(f"the certificate of {host} is not right ({reason.verify_message}); nothing was sent")
    if isinstance(reason, socket.gaierror):
        return TryLater(f"{host} is not known by that name; check the channel's url and the network")
    if isinstance(reason, TimeoutError):
        return TryLater(f"{host} did not answer within {timeout:g} s")
    return TryLater(f"{host} cannot be reached; check the channel's url and the network")

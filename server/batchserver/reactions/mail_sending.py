# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands a mail to its server: encrypted or not at all, unless plain was asked for in words; certificates are checked.

What may work later is tried again, but never after the whole mail was handed over: it might come twice. Runs without Blender.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage

from .facts import ReactionProblem
from .mail_providers import Route, Security

_NAME = "[127.0.0.1]"  # what we say at EHLO: the machine's own name is nobody's business, and looking it up may take long


class _Later(Exception):
    """Something that may work in a moment."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends mails. `pauses` are the seconds before each further try, `timeout` those that the server may take for each answer."""

    timeout: float = 15.0
    pauses: tuple[float, ...] = (2.0, 8.0)
    wait: Callable[[float], None] = time.sleep
    context: Callable[[], ssl.SSLContext] = field(default=ssl.create_default_context)

    def send(self, message: EmailMessage, way: Route, user: str, password: str) -> None:
        """Send one mail. Raises `ReactionProblem` without anything that the server was told."""
        for pause in (*self.pauses, None):
            try:
                self._try(message, way, user, password)
                return
            except _Later as problem:
                if pause is None:
                    raise ReactionProblem(str(problem)) from None
                self.wait(pause)

    def _try(self, message: EmailMessage, way: Route, user: str, password: str) -> None:
        place = f"the mail server {way.host}:{way.port}"
        handing = False
        smtp: smtplib.SMTP | None = None
        try:
            smtp = self._connect(way, place)
            if password:
                _login(smtp, user, password, place)
            handing = True
            refused = smtp.send_message(message)
            if refused:
                raise ReactionProblem(f"{place} did not take the mail for {', '.join(sorted(refused))}; the others got it")
        except smtplib.SMTPAuthenticationError as error:
            if 400 <= error.smtp_code < 500:
                raise _Later(f"{place} cannot check the login now ({error.smtp_code})") from None
            raise ReactionProblem(f"{place} refused the login ({error.smtp_code}); check user and password (many providers want an app password)") from None
        except smtplib.SMTPRecipientsRefused as error:
            raise ReactionProblem(f"{place} takes no mail for {', '.join(sorted(error.recipients))}; check notifications.mail.to") from None
        except smtplib.SMTPSenderRefused as error:
            raise ReactionProblem(f"{place} takes no mail from this sender ({error.smtp_code}); check user, password and notifications.mail.from") from None
        except smtplib.SMTPResponseException as error:
            if 400 <= error.smtp_code < 500:
                raise _Later(f"{place} takes no mail now ({error.smtp_code})") from None
            raise ReactionProblem(f"{place} refused ({error.smtp_code})") from None
        except ssl.SSLCertVerificationError as error:
            raise ReactionProblem(f"the certificate of {place} is not right ({error.verify_message}); the password was not sent") from None
        except ssl.SSLError:
            raise ReactionProblem(f"no encrypted connection to {place} came about; check port and security ({way.security.value})") from None
        except (TimeoutError, smtplib.SMTPServerDisconnected, OSError) as error:
            why = _why(error, self.timeout)
            if handing:
                raise ReactionProblem(f"{place} {why} while it took the mail, which may have been sent") from None
            raise _Later(f"{place} {why}; check server, port and network") from None
        except smtplib.SMTPNotSupportedError:
            raise ReactionProblem(f"{place} cannot do what this mail needs: a login, or addresses with letters beyond ASCII") from None
        except smtplib.SMTPException as error:
            raise ReactionProblem(f"{place} did not take the mail ({type(error).__name__})") from None
        finally:
            _part(smtp)

    def _connect(self, way: Route, place: str) -> smtplib.SMTP:
        if way.security is Security.SSL:
            return smtplib.SMTP_SSL(way.host, way.port, local_hostname=_NAME, timeout=self.timeout, context=self.context())
        smtp = smtplib.SMTP(way.host, way.port, local_hostname=_NAME, timeout=self.timeout)
        if way.security is Security.PLAIN:
            return smtp
        try:
            smtp.ehlo_or_helo_if_needed()
            if not smtp.has_extn("starttls"):
                raise ReactionProblem(f'{place} does not offer STARTTLS, and nothing was sent in the clear; try port 465 with "security": "ssl"')
            smtp.starttls(context=self.context())
        except BaseException:
            smtp.close()
            raise
        return smtp


def _login(smtp: smtplib.SMTP, user: str, password: str, place: str) -> None:
    try:
        smtp.login(user, password)
    except UnicodeEncodeError:
        raise ReactionProblem(f"user or password for {place} has letters beyond ASCII, which mail servers do not take") from None


def _part(smtp: smtplib.SMTP | None) -> None:
    """Say good-bye, and do not wait for the answer."""
    if smtp is None:
        return
    with contextlib.suppress(OSError, smtplib.SMTPException):
        if smtp.sock is not None:
            smtp.sock.settimeout(1.0)
            smtp.quit()
    smtp.close()


def _why(error: Exception, timeout: float) -> str:
    if isinstance(error, TimeoutError):
        return f"did not answer within {timeout:g} s"
    if isinstance(error, socket.gaierror):
        return "is not known by that name"
    if isinstance(error, ConnectionRefusedError):
        return "cannot be reached: nobody listens there"
    if isinstance(error, (smtplib.SMTPServerDisconnected, ConnectionError)):
        return "dropped the connection"
    return f"cannot be reached ({type(error).__name__})"

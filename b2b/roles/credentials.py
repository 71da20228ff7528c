"""The name and password that a role shows when it is challenged: from a file or the environment, never from a flag."""

from __future__ import annotations

import os
import re

from b2b.baresip.config import Credentials
from b2b.errors import UsageError
from b2b.roles.settings import Common

# What baresip's accounts file would read as its own, or cut off.
UNUSABLE = re.compile(r'[;<>"\s\x00-\x1f\x7f]')


def credentials(settings: Common) -> Credentials | None:
    """Return a role's credentials; None where it has no password. Nobody we start gets to see the password.

    Raises UsageError, which never tells the password, where it cannot be read or used.
    """
    from_environment = os.environ.pop(settings.password_env, None)
    password, origin = from_environment, f"the environment's {settings.password_env}"
    if settings.password_file:
        origin = f"--password-file {settings.password_file}"
        try:
            password = settings.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no UTF-8"
            raise UsageError(f"{origin}: cannot read the password: {reason}") from None
    if password is None:
        return None
    if not password or UNUSABLE.search(password):
        raise UsageError(f"{origin}: wanted a password without blanks, quotes, ; < and >, which baresip cannot take")
    if not settings.user:
        if settings.password_file:
            raise UsageError(f"{origin}: wanted --user beside it, the name that the password belongs to")
        return None
    return Credentials(user=settings.user, password=password)

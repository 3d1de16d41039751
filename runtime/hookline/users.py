"""Users: whom keys belong to and grants name."""

from datetime import datetime

import attrs

from hookline.documents import DocumentStore
from hookline.moments import now

ADMIN = "admin"
USER = "user"


@attrs.frozen(kw_only=True)
class User:
    """A person or a machine that calls. A user who is ``disabled`` is let in nowhere."""

    id: str
    version: int = 1
    name: str = ""
    email: str = ""
    role: str = USER
    disabled: bool = False
    created_at: datetime = attrs.field(factory=now)
    updated_at: datetime = attrs.field(factory=now)


UserStore = DocumentStore[User]

"""What can be wrong with an artifact.

::

    Unusable    a part of it cannot be made an attachment of
"""


class Unusable(Exception):
    """A part of an artifact is not what its kind says; the message goes on with ``it``."""

"""Where things are in a sandbox."""

SESSION = "/session"
"""What code writes here is kept for the next call."""

CODE = "/code"
SOURCE = f"{CODE}/main"
"""Where a command finds the code that it is to run."""

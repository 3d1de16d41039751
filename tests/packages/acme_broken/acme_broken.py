"""A plugin that raises while it is imported."""

message = "the Acme licence has expired"
raise RuntimeError(message)

"""The HTTP API and the command line. Knows the runtime, and no plugin."""

"""What runs in the sandbox's own process: the standard library alone, none of the server's code."""

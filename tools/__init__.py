"""What the Makefile calls and no well-kept library offers. Run as `python -m tools.NAME`."""

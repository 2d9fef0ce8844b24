"""The command line: arguments in, printed words or JSON out; no logic."""

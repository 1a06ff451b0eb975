"""Numbers of the command line that nothing can be measured without."""

import argparse


def whole(text: str) -> int:
    """A whole number from 1 on. Raises ArgumentTypeError."""
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"a whole number from 1 on, not {text!r}")


def amount(text: str) -> float:
    """A number above 0. Raises ArgumentTypeError."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if 0.0 < number < float("inf"):
        return number
    raise argparse.ArgumentTypeError(f"a number above 0, not {text!r}")

"""The command `nanobanana`."""

import signal
import sys

from ._native import run


def main() -> int:
    """Run the command as the process was called, and give its exit code."""
    # Python's own handler would only take note of Ctrl-C until the command, which is Rust, returns.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

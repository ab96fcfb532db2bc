"""The command `nanobanana`."""

import signal
import sys
import threading

from ._native import Signals, run


def main() -> int:
    """Run the command as the process was called, and give its exit code."""
    signals = Signals()
    before = {}
    # Python lets no other thread set a handler: there the signals stay with whoever started it.
    if threading.current_thread() is threading.main_thread():
        for name in signals.names():
            number = getattr(signal, name, None)
            # One that the process was started to ignore, as by `nohup`, stays ignored.
            if number is None or signal.getsignal(number) in (signal.SIG_IGN, None):
                continue
            before[number] = signal.signal(number, lambda *_, name=name: signals.tell(name))
    try:
        return run(sys.argv[1:], signals)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())

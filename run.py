#!/usr/bin/env python3
"""Set up this checkout and run its demo or its tests: `python3 run.py demo [DIR]`, `python3 run.py test [...]`.

Needs Python 3.11+ and nothing else. This file keeps to syntax that old Pythons can read, so that they can say so.
"""

import sys

USAGE = """usage: python3 run.py demo [DIR]        set up, then open the demo project (made in DIR, by default in demo/;
                                         --fresh makes another one, --headless opens no window)
       python3 run.py test [PYTEST ...]  set up, then run the tests; further arguments go to pytest
       python3 run.py setup              set up only"""


def main(arguments):
    """Do what the command line says; returns the exit status."""
    if sys.version_info < (3, 11):  # noqa: UP036 - an older Python must be able to say so
        running = ".".join(str(part) for part in sys.version_info[:3])
        message = "GGT Studio needs Python 3.11 or newer; this is Python " + running + " (" + sys.executable + ")."
        sys.stderr.write(message + "\n")
        return 1
    verb = arguments[0] if arguments else ""
    if verb not in ("demo", "test", "setup"):
        sys.stderr.write(USAGE + "\n")
        return 0 if verb in ("-h", "--help", "help") else 2
    from scripts import setup_env

    return setup_env.set_up_and_run(verb, arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

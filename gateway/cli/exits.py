"""What the commands' exit codes mean. Stable: scripts rely on them."""

from __future__ import annotations

OK = 0
TROUBLE = 1  # anything not named below
USAGE = 2  # a command, a value or a configuration that cannot be used
UNREACHABLE = 3  # the store does not answer, or may not be used
CONFLICT = 4  # somebody else was first, or it cannot be done as things are
NOT_FOUND = 5  # no such room, ticket or change

EPILOG = (
    "Exit codes: 0 done, 2 a value or the configuration cannot be used, 3 the store does not answer, "
    "4 changed meanwhile or not possible now, 5 no such room, ticket or change, 1 anything else."
)

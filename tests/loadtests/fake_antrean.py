"""Stands in for the operator's command against the fake gateway: ``room set registration --rate 60``."""

from __future__ import annotations

import json
import os
import sys
import urllib.request


def main() -> None:
    """Set the rate, or refuse what is not that command."""
    assert sys.argv[1:4] == ["room", "set", "registration"], sys.argv
    assert sys.argv[4] == "--rate", sys.argv
    body = json.dumps({"rate": float(sys.argv[5])}).encode()
    urllib.request.urlopen(os.environ["FAKE_GATEWAY"] + "/_fake/rate", data=body, timeout=5).read()


if __name__ == "__main__":
    main()

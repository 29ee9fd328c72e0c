"""The health check of the image: ends with 0 if the board answers, and with 1 if it does not."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request

PORT, PATIENCE_SECONDS = 8321, 4


def answers(port: int) -> bool:
    """Whether something on this machine answers as a board does: with a page, or with a sign-in."""
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{port}/", timeout=PATIENCE_SECONDS
        ) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        # a sign-in, or a name that the board does not answer to: it is alive
        return error.code < 500
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(0 if answers(int(sys.argv[1]) if len(sys.argv) > 1 else PORT) else 1)

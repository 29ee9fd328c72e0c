"""The one function of vl-convert that the pages use, in an image without its 84 MB.

    python vl_convert.py FILE

writes the chart library into FILE with the real vl-convert, while the image is built. Then this
file and that one take the place of the package.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

BUNDLE = Path(__file__).with_name("vl_convert.json")
SNIPPET = "window.vegaEmbed = vegaEmbed;"


def javascript_bundle(snippet: str, vl_version: str) -> str:
    """The chart library as it was when the image was built.

    Raises ValueError if another one is wanted than was written then.
    """
    kept = json.loads(BUNDLE.read_text(encoding="utf-8"))
    if [snippet, vl_version] != kept["arguments"]:
        raise ValueError(
            f"the image has the chart library for {kept['arguments']}, not for "
            f"{[snippet, vl_version]}. Build it again from the source of this release."
        )
    return str(kept["bundle"])


def write(file: Path) -> None:
    """Write the chart library of the installed packages, and the arguments that made it."""
    # this folder comes first in the search for packages, and has this file
    sys.path = [folder for folder in sys.path if folder != str(Path(__file__).parent)]
    import altair
    import vl_convert

    version = altair.SCHEMA_VERSION.rsplit(".", 1)[0]
    bundle = vl_convert.javascript_bundle(SNIPPET, version)
    kept = {"arguments": [SNIPPET, version], "bundle": bundle}
    file.write_text(json.dumps(kept), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))

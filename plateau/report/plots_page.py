"""The page of `dvc plots show`, with Vega inside, so that plots need no network: `python -m plateau.report.plots_page FILE`."""

import sys
from pathlib import Path

from plateau.core.files import write_text

SNIPPET = "window.vega = vega; window.vegaLite = vegaLite; window.vegaEmbed = vegaEmbed;"
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Plots</title>
{refresh_tag}
<script>window.vegaEmbed = (...call) => addEventListener("DOMContentLoaded", () => window.vegaEmbed(...call));</script>
<script type="module">SCRIPT</script>
<body>
DIVS
</body>
</html>
"""


def page() -> str:
    """An HTML template in DVC's terms; about 900 KB, for the charts are drawn in the browser."""
    import vl_convert

    bundle = vl_convert.javascript_bundle(SNIPPET, vl_version="5.20").replace("</script", "<\\/script")
    return PAGE.replace("SCRIPT", bundle).replace("DIVS", "{plot_divs}")


if __name__ == "__main__":
    write_text(Path(sys.argv[1]), page())

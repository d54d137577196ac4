"""Loads Gradio without the type stubs that it otherwise writes into its own folder at every start.

Reading and rewriting 50 stub files is 40% of `import gradio` (3.7 s against 2.3 s of processor time
on a 2-core machine, gradio 6.31), and an installed package should not be written to. Gradio leaves
a component's stub alone when the source of its class cannot be found, so it cannot be found while
the import lasts. Import `gr` from here.
"""

from __future__ import annotations

import inspect
import os
from typing import Any, NoReturn

# before the import: Gradio reads these once
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


def _not_found(_: object) -> NoReturn:
    raise OSError("no stub is wanted")


_inspect: Any = inspect
_getfile = inspect.getfile
_inspect.getfile = _not_found
try:
    import gradio as gr
finally:
    _inspect.getfile = _getfile

__all__ = ["gr"]

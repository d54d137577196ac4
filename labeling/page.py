"""The bench page as it goes over the wire: drawn once by Gradio at the start, then fixed bytes.

Nothing of a request reaches the page, so its inline scripts have known hashes and the content
policy needs no `unsafe-inline` for scripts.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

import httpx
from starlette.types import ASGIApp

from storage.errors import PairwrightError

# The address under which the page is drawn. It is replaced by the path alone, so that the page
# works under whatever host name the browser uses.
_DRAWN_AT = "http://bench.invalid"
_INLINE_SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
# Gradio's card for other sites and its app manifest: they name hosts and files that we do not have
_UNWANTED = re.compile(
    r'\s*<meta\s+(?:property="og:|name="twitter:)[^>]*>|\s*<link rel="manifest"[^>]*>', re.DOTALL
)


class PageError(PairwrightError):
    """Gradio's page is not what we know how to serve."""


@dataclass(frozen=True)
class BenchPage:
    """`html` as served, and the content policy source (`'sha256-...'`) of each inline script."""

    html: bytes
    script_hashes: tuple[str, ...]


async def draw(gradio_app: ASGIApp, mounted_at: str, head: str) -> BenchPage:
    """Ask the mounted Gradio app for its page and put `head` at the end of its head.

    Raises:
        PageError: Gradio did not answer with a page that has a head and inline scripts.
    """
    transport = httpx.ASGITransport(app=gradio_app, root_path=mounted_at)
    async with httpx.AsyncClient(transport=transport, base_url=_DRAWN_AT) as client:
        answer = await client.get(f"{mounted_at}/")
    if answer.status_code != 200 or answer.text.count("</head>") != 1:
        raise PageError(
            f"Gradio answered {answer.status_code} without a page.",
            "Install the version of gradio that requirements.lock names.",
        )
    html = _UNWANTED.sub("", answer.text).replace(_DRAWN_AT, "")
    html = html.replace("</head>", f"{head}\n</head>")
    return BenchPage(html.encode(), script_hashes(html))


def script_hashes(html: str) -> tuple[str, ...]:
    """The content policy sources of all inline scripts of a page."""
    return tuple(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in _INLINE_SCRIPT.findall(html)
    )

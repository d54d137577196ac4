"""The security headers of every answer, in the stricter form that the bench allows.

Scripts: our own files and Gradio's inline scripts by hash; no `unsafe-inline`, no `unsafe-eval`.
Styles need `unsafe-inline`, because Gradio sets style attributes.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
# Gradio answers for any origin that asks; nothing here is for other origins
_NEVER = (
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-allow-methods",
    "access-control-allow-headers",
)
# these names contain a hash of what is in the file
_FOREVER = ("/bench/assets/", "/lead/assets/")
_REVALIDATED = (
    *("/static/", "/bench/static/", "/bench/theme.css", "/favicon.ico"),
    *("/lead/static/", "/lead/theme.css"),
)


def content_policy(script_hashes: Sequence[str]) -> str:
    """The Content-Security-Policy with these sources for inline scripts."""
    return "; ".join(
        (
            "default-src 'none'",
            " ".join(("script-src", "'self'", *script_hashes)),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "media-src 'self'",
            "font-src 'self' data:",
            "connect-src 'self'",
            "frame-ancestors 'none'",
            # Gradio's page has a <base href="./">
            "base-uri 'self'",
            "form-action 'none'",
            "object-src 'none'",
        )
    )


def caching(path: str) -> str:
    """The Cache-Control of an address; pairs, media and links are never stored."""
    if path.startswith(_FOREVER):
        return "public, max-age=31536000, immutable"
    return "no-cache" if path.startswith(_REVALIDATED) else "no-store"


class SecurityHeaders:
    """ASGI middleware that sets them on every answer, errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name in _NEVER:
                    del headers[name]
                headers.update(_ALWAYS)
                headers.setdefault("Content-Security-Policy", content_policy(()))
                headers["Cache-Control"] = _cache_control(scope["path"], message["status"])
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def _cache_control(path: str, status: int) -> str:
    return caching(path) if status < 400 else "no-store"

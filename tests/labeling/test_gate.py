"""What answers at all: the allow-list against every route that Gradio and we have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.routing import Mount

from labeling import gate

# a value for each kind of path parameter that reaches something when the gate is open
SAMPLES = {"path": "x.txt", "path_or_url": "/etc/passwd", "url_path": "x"}
OURS = {
    "/": "GET",
    "/bench": "GET",
    "/bench/": "GET",
    "/j": "GET",
    "/favicon.ico": "GET",
    "/healthz": "GET",
    "/api/state": "GET",
    "/api/ahead": "GET",
    "/api/session": "POST",
    "/api/votes": "POST",
    "/api/presence": "POST",
    "/lead/": "GET",
    "/api/lead/state": "GET",
    "/api/lead/session": "POST",
    "/api/lead/decisions": "POST",
    "/api/lead/dismissals": "POST",
    "/api/lead/names": "POST",
}


def routes_of(router: Any, prefix: str) -> Iterator[tuple[str, str]]:
    """(method, path) of every route below a router, however FastAPI nests them."""
    for route in router.routes:
        if isinstance(route, Mount):
            yield from routes_of(route, prefix + route.path)
        elif hasattr(route, "original_router"):
            yield from routes_of(route.original_router, prefix)
        else:
            path = re.sub(r"\{(\w+)(?::\w+)?\}", lambda m: SAMPLES.get(m[1], "1"), route.path)
            for method in sorted(getattr(route, "methods", None) or {"GET"}):
                yield method, prefix + path


@pytest.mark.parametrize("at", ["/bench", "/lead"])
def test_of_gradios_routes_only_its_files_answer(served: Any, at: str) -> None:
    mounted = next(r for r in served.app.routes if isinstance(r, Mount) and r.path == at)
    found = set(routes_of(mounted.app, at))
    assert len(found) > 40
    answering = set()
    with served.client() as http:
        for method, path in sorted(found):
            answer = http.request(method, path, json={} if method == "POST" else None)
            if answer.status_code != 404:
                answering.add((method, path))
    assert answering == {("GET", f"{at}/"), ("HEAD", f"{at}/"), ("GET", f"{at}/theme.css")}


def test_every_route_of_ours_is_open_and_none_is_forgotten(served: Any) -> None:
    ours = {
        (method, path)
        for method, path in routes_of(served.app, "")
        if not path.startswith(("/bench/", "/lead/")) or path in ("/bench/", "/lead/")
    }
    paths = {path for _, path in ours} - {"/static/x.txt"}
    assert paths - {"/media/1/1"} >= set(OURS)
    for path, method in OURS.items():
        assert gate.is_open(method, path)


@pytest.mark.parametrize(
    "path",
    [
        "/config",
        "/bench/config",
        "/bench/gradio_api/queue/join",
        "/bench/gradio_api/file=/etc/passwd",
        "/bench/gradio_api/upload",
        "/bench/monitoring/summary",
        "/lead",
        "/lead/config",
        "/lead/gradio_api/upload",
        "/api/lead/media/1/1/0",
        "/bench/assets/../../etc/passwd",
        "/bench/assets/%2e%2e/x",
        "/bench/static/ffmpeg/x.js",
        "/static/../server.py",
        "/static/x.py",
        "/media/../../etc/passwd/0",
        "/openapi.json",
        "/docs",
        "/api/state/",
        "/API/state",
        "//api/state",
        "/" + "a" * 4000,
    ],
)
def test_what_is_not_on_the_list_is_closed(served: Any, path: str) -> None:
    with served.client() as http:
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            answer = http.request(method, path)
            assert answer.status_code == 404, (method, path)
            assert answer.json()["error"]["what"]


@pytest.mark.parametrize("host", ["evil.test", "127.0.0.1.evil.test", "", "[::1", "user@evil.test"])
def test_another_host_name_is_refused(served: Any, host: str) -> None:
    with served.client() as http:
        assert http.get("/healthz", headers={"Host": host}).status_code in (400, 421)

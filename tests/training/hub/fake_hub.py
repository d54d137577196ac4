"""A Hub in this process: as much of its HTTP as the real client needs, and faults on demand.

`python tests/training/hub/fake_hub.py PORT` serves one for trying things out: set HF_ENDPOINT to
its address and HF_TOKEN to `hf_test`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import struct
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_test"
# every call that a push makes, in their order
CALLS = ("create", "info", "yaml", "preupload", "lfs", "upload", "verify", "commit", "refs", "tag")
_LARGE = (".safetensors", ".parquet")
_RESOLVE = r"/(?P<data>datasets/)?(?P<repo>[^/]+/[^/]+)/resolve/(?P<rev>[^/]+)/(?P<name>.+)"
_ROUTES = (
    ("create", "POST", r"/api/repos/create"),
    ("yaml", "POST", r"/api/validate-yaml"),
    ("preupload", "POST", r"/api/(?P<kind>\w+)s/(?P<repo>[^/]+/[^/]+)/preupload/(?P<rev>.+)"),
    ("commit", "POST", r"/api/(?P<kind>\w+)s/(?P<repo>[^/]+/[^/]+)/commit/(?P<rev>.+)"),
    ("tag", "POST", r"/api/(?P<kind>\w+)s/(?P<repo>[^/]+/[^/]+)/tag/(?P<rev>.+)"),
    ("refs", "GET", r"/api/(?P<kind>\w+)s/(?P<repo>[^/]+/[^/]+)/refs"),
    ("info", "GET", r"/api/(?P<kind>\w+)s/(?P<repo>[^/]+/[^/]+)(?:/revision/(?P<rev>.+))?"),
    ("head", "HEAD", _RESOLVE),
    ("file", "GET", _RESOLVE),
    ("lfs", "POST", r"/(?:datasets/)?(?P<repo>[^/]+/[^/]+)\.git/info/lfs/objects/batch"),
    ("verify", "POST", r"/lfs/verify"),
    ("upload", "PUT", r"/lfs/(?P<oid>[0-9a-f]{64})"),
)


@dataclass(frozen=True)
class Commit:
    """One commit: its files are name -> (oid, bytes)."""

    oid: str
    summary: str
    files: dict[str, tuple[str, bytes]]


@dataclass
class Repo:
    """A repository; the first commit is the Hub's own."""

    kind: str
    name: str
    private: bool
    commits: list[Commit] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def head(self) -> Commit:
        return self.commits[-1]

    @property
    def pushed(self) -> list[Commit]:
        """Commits since the repository was made."""
        return self.commits[1:]

    def read(self, name: str) -> str:
        return self.head.files[name][1].decode()

    def at(self, revision: str | None) -> Commit | None:
        """The commit of a branch (there is one), a tag or an id."""
        oid = self.tags.get(revision or "", revision)
        if oid in (None, "main"):
            return self.head
        return next((one for one in self.commits if one.oid == oid), None)


@dataclass(frozen=True)
class Content:
    """An answer that is a file."""

    commit: str
    oid: str
    data: bytes


class RefusedError(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, error: str, **more: str) -> None:
        super().__init__(error)
        self.status = status
        self.body = {"error": error, **more}


class FakeHub:
    """State and faults. `faults[call]` is a queue of `429`, `500`, `cut`, `lost` and `half`.

    `cut` closes the connection before anything is done, `lost` does the work and closes the
    connection before the answer, `half` sends half of a file and then closes it.
    """

    def __init__(self) -> None:
        self.repos: dict[tuple[str, str], Repo] = {}
        self.blobs: dict[str, bytes] = {}
        self.faults: dict[str, deque[str]] = {}
        self.calls: list[str] = []
        self.licenses: dict[str, str] = {}
        self.retry_after: str | None = None
        self.url = ""
        self.gate = threading.Lock()

    def repo(self, name: str, kind: str = "model") -> Repo:
        return self.repos[(kind, name)]

    def next_fault(self, call: str) -> str | None:
        waiting = self.faults.get(call)
        return waiting.popleft() if waiting else None

    def answer(self, call: str, path: dict[str, str], body: bytes) -> Any:
        """The body of a successful answer."""
        return getattr(self, f"_{call}")(path, body)

    def _create(self, path: dict[str, str], body: bytes) -> Any:
        asked = json.loads(body)
        name, kind = f"{asked['organization']}/{asked['name']}", asked.get("type", "model")
        url = f"{self.url}/{'datasets/' if kind == 'dataset' else ''}{name}"
        if (kind, name) in self.repos:
            raise RefusedError(409, "You already created this repo", url=url)
        repo = Repo(kind, name, asked.get("visibility") == "private")
        repo.commits.append(_commit("initial commit", "", {".gitattributes": b"*\n"}))
        self.repos[(kind, name)] = repo
        return {"url": url}

    def _info(self, path: dict[str, str], body: bytes) -> Any:
        if path["kind"] == "model" and path["repo"] in self.licenses:
            card = {"license": self.licenses[path["repo"]]}
            return {"id": path["repo"], "cardData": card, "siblings": []}
        repo = self._found(path)
        commit = self._commit_of(repo, path.get("rev"))
        return {
            "id": repo.name,
            "sha": commit.oid,
            "private": repo.private,
            "siblings": [{"rfilename": name} for name in commit.files],
        }

    def _commit_of(self, repo: Repo, revision: str | None) -> Commit:
        commit = repo.at(None if revision is None else unquote(revision))
        if commit is None:
            raise RefusedError(404, "Revision not found", code="RevisionNotFound")
        return commit

    def _file(self, path: dict[str, str], body: bytes) -> Any:
        commit = self._commit_of(
            self._found({**path, "kind": "dataset" if path["data"] else "model"}), path["rev"]
        )
        found = commit.files.get(unquote(path["name"]))
        if found is None:
            raise RefusedError(404, "Entry not found", code="EntryNotFound")
        return Content(commit.oid, *found)

    _head = _file

    def _yaml(self, path: dict[str, str], body: bytes) -> Any:
        return {"errors": [], "warnings": []}

    def _preupload(self, path: dict[str, str], body: bytes) -> Any:
        there = self._found(path).head.files
        return {
            "files": [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["path"].endswith(_LARGE) else "regular",
                    "shouldIgnore": False,
                    "oid": there[file["path"]][0] if file["path"] in there else None,
                }
                for file in json.loads(body)["files"]
            ]
        }

    def _lfs(self, path: dict[str, str], body: bytes) -> Any:
        objects = []
        for one in json.loads(body)["objects"]:
            upload = {"href": f"{self.url}/lfs/{one['oid']}", "header": {}}
            verify = {"href": f"{self.url}/lfs/verify", "header": {}}
            actions = {"actions": {"upload": upload, "verify": verify}}
            objects.append(one if one["oid"] in self.blobs else one | actions)
        return {"objects": objects, "transfer": "basic"}

    def _upload(self, path: dict[str, str], body: bytes) -> Any:
        if hashlib.sha256(body).hexdigest() != path["oid"]:
            raise RefusedError(400, "the content does not match its id")
        self.blobs[path["oid"]] = body
        return {}

    def _verify(self, path: dict[str, str], body: bytes) -> Any:
        asked = json.loads(body)
        if len(self.blobs.get(asked["oid"], b"")) != asked["size"]:
            raise RefusedError(404, "no such object")
        return {}

    def _commit(self, path: dict[str, str], body: bytes) -> Any:
        repo = self._found(path)
        lines = [json.loads(line) for line in body.splitlines()]
        header = lines[0]["value"]
        if header.get("parentCommit") not in (None, repo.head.oid):
            raise RefusedError(412, "A commit has happened since")
        files = {name: data for name, (_, data) in repo.head.files.items()}
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "deletedFile":
                del files[value["path"]]
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif value["oid"] not in self.blobs:
                raise RefusedError(400, "an LFS object was not uploaded")
            else:
                files[value["path"]] = self.blobs[value["oid"]]
        made = _commit(header["summary"], repo.head.oid, files)
        repo.commits.append(made)
        prefix = "datasets/" if repo.kind == "dataset" else ""
        url = f"{self.url}/{prefix}{repo.name}/commit/{made.oid}"
        return {"commitUrl": url, "commitOid": made.oid, "pullRequestUrl": None}

    def _refs(self, path: dict[str, str], body: bytes) -> Any:
        repo = self._found(path)
        tags = [
            {"name": name, "ref": f"refs/tags/{name}", "targetCommit": oid}
            for name, oid in repo.tags.items()
        ]
        return {"branches": [], "converts": [], "tags": tags}

    def _tag(self, path: dict[str, str], body: bytes) -> Any:
        repo, name = self._found(path), json.loads(body)["tag"]
        if name in repo.tags:
            raise RefusedError(409, "the tag exists")
        repo.tags[name] = unquote(path["rev"])
        return {}

    def _found(self, path: dict[str, str]) -> Repo:
        repo = self.repos.get((path["kind"], path["repo"]))
        if repo is None:
            raise RefusedError(404, "Repository not found", code="RepoNotFound")
        return repo


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    hub: FakeHub

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: tests read `calls`."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or self._chunks()
        call, path = _route(self.command, urlsplit(self.path).path)
        with self.hub.gate:
            self.hub.calls.append(call)
            fault = self.hub.next_fault(call)
            if fault == "cut":
                self._hang_up()
                return
            if fault in ("429", "500"):
                self._send(int(fault), b"<html>trouble</html>", "text/html")
                return
            status, said = self._answer(call, path, body)
        if fault == "lost":
            self._hang_up()
            return
        if isinstance(said, Content):
            self._send_file(said, half=fault == "half")
            return
        self._send(
            *(status, json.dumps(said).encode(), "application/json"),
            code=said.get("code", "") if status >= 400 else "",
        )

    def _send_file(self, said: Content, half: bool) -> None:
        start = 0
        if wanted := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or ""):
            start = int(wanted[1])
        data = said.data[start:]
        self.send_response(206 if start else 200)
        self.send_header("ETag", f'"{said.oid}"')
        self.send_header("X-Repo-Commit", said.commit)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(data[: len(data) // 2] if half else data)
        if half:
            self.wfile.flush()
            self._hang_up()

    def _answer(self, call: str, path: dict[str, str], body: bytes) -> tuple[int, Any]:
        # the upload itself carries no token: its address is signed
        allowed = self.headers.get("Authorization") == f"Bearer {TOKEN}" or call == "upload"
        if not allowed:
            return 401, {"error": "Invalid username or password."}
        try:
            return 200, self.hub.answer(call, path, body)
        except RefusedError as refused:
            return refused.status, refused.body

    def _chunks(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return b""
        data = b""
        while size := int(self.rfile.readline().strip() or b"0", 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def _send(self, status: int, body: bytes, kind: str, code: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status == 429 and self.hub.retry_after is not None:
            self.send_header("Retry-After", self.hub.retry_after)
        if status >= 400:
            self.send_header("X-Error-Message", "refused")
        if code:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _hang_up(self) -> None:
        """Reset the connection, as a broken network does."""
        self.close_connection = True
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that a fault closed are no error here."""


@contextmanager
def serving(port: int = 0) -> Iterator[FakeHub]:
    """A Hub on a free port of this machine for as long as the block runs."""
    hub = FakeHub()
    server = _Server(("127.0.0.1", port), type("Handler", (_Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _route(method: str, path: str) -> tuple[str, dict[str, str]]:
    for call, its_method, pattern in _ROUTES:
        found = re.fullmatch(pattern, path)
        if found and method == its_method:
            return call, found.groupdict()
    return "info", {"kind": "none", "repo": path}


def _commit(summary: str, parent: str, files: dict[str, bytes]) -> Commit:
    named = {name: (_oid(name, data), data) for name, data in files.items()}
    content = json.dumps([summary, parent, sorted((name, oid) for name, (oid, _) in named.items())])
    return Commit(hashlib.sha1(content.encode()).hexdigest(), summary, named)  # noqa: S324


def _oid(name: str, data: bytes) -> str:
    """As git names a blob, and LFS an object."""
    if name.endswith(_LARGE):
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()  # noqa: S324


if __name__ == "__main__":
    with serving(int(sys.argv[1]) if len(sys.argv) > 1 else 8613) as shown:
        print(f"HF_ENDPOINT={shown.url} HF_TOKEN={TOKEN}", flush=True)
        threading.Event().wait()

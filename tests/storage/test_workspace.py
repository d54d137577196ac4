"""A workspace is made once, opened many times, and says clearly why it cannot be."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from storage import annotators, schema
from storage.errors import PairwrightError, WorkspaceError
from storage.workspace import Workspace, create, open_existing


def test_making_a_workspace_again_keeps_what_is_in_it(workspace: Workspace) -> None:
    with workspace.ledger.write() as tx:
        annotators.get_or_create(tx, "Ada")
    again = create(workspace.home)
    with again.ledger.read() as db:
        assert [annotator.name for annotator in annotators.listed(db)] == ["Ada"]
    assert again.secret() == workspace.secret()
    again.close()


def test_an_opened_workspace_is_the_one_that_was_made(workspace: Workspace) -> None:
    opened = open_existing(workspace.home)
    assert (opened.home, opened.ledger.url, opened.media.url) == (
        workspace.home,
        workspace.ledger.url,
        workspace.media.url,
    )
    assert opened.jobs_folder.is_dir()
    assert opened.datasets_folder.is_dir()
    assert opened.checkpoints_folder.is_dir()
    opened.close()


def test_a_moved_workspace_opens(workspace: Workspace, tmp_path: Path) -> None:
    with workspace.ledger.write() as tx:
        annotators.get_or_create(tx, "Ada")
    workspace.close()
    moved = workspace.home.rename(tmp_path / "else where, 100% #1?")
    opened = open_existing(moved)
    with opened.ledger.read() as db:
        assert annotators.listed(db)
    opened.close()


def test_secrets_are_for_their_owner_only(workspace: Workspace, tmp_path: Path) -> None:
    for name in ("secret", "workspace.json"):
        assert stat.S_IMODE((workspace.home / name).stat().st_mode) == 0o600
    other = create(tmp_path / "other")
    assert len(workspace.secret()) == 32
    assert other.secret() != workspace.secret()
    other.close()


@pytest.mark.parametrize("left", [None, b"too short"])
def test_a_damaged_secret_is_a_clear_error(workspace: Workspace, left: bytes | None) -> None:
    (workspace.home / "secret").unlink()
    if left is not None:
        (workspace.home / "secret").write_bytes(left)
    with pytest.raises(WorkspaceError, match="secret"):
        workspace.secret()


def test_a_folder_without_a_workspace_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="pairwright init"):
        open_existing(tmp_path)


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WorkspaceError, match="--home"):
        create(tmp_path / "file" / "home")


def test_another_ledger_under_a_workspace_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="ledger_url"):
        create(workspace.home, ledger_url=f"sqlite:///{tmp_path}/other.sqlite")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"{", "cannot be read"), (b"[]", "cannot be read"), (b'{"schema": 99}', "newer version")],
)
def test_settings_that_cannot_be_used_are_named(
    workspace: Workspace, content: bytes, reason: str
) -> None:
    (workspace.home / "workspace.json").write_bytes(content)
    with pytest.raises(WorkspaceError, match=reason):
        open_existing(workspace.home)


def test_ledger_and_media_live_where_they_are_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/elsewhere.sqlite"
    opened = create(tmp_path / "home", ledger_url=url, media_url=str(tmp_path / "pictures"))
    opened.close()
    opened = open_existing(tmp_path / "home")
    assert opened.ledger.url == url
    assert opened.media.url.endswith("/pictures")
    opened.close()


def test_a_relative_place_stays_where_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    create(Path("home"), ledger_url="sqlite:///facts.sqlite", media_url="pictures").close()
    monkeypatch.chdir("/")
    opened = open_existing(tmp_path / "home")
    assert opened.ledger.path == tmp_path / "facts.sqlite"
    assert opened.media.url == f"file://{tmp_path}/pictures"
    opened.close()


@pytest.mark.parametrize("wrong", [{"ledger_url": "mysql://x/y"}, {"media_url": "what://bucket"}])
def test_a_place_that_cannot_be_used_leaves_no_workspace(
    tmp_path: Path, wrong: dict[str, str]
) -> None:
    with pytest.raises(PairwrightError, match="Use"):
        create(tmp_path / "home", **wrong)
    create(tmp_path / "home").close()


def test_a_workspace_on_postgresql_is_migrated_by_init_only(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    url = new_database()
    home = tmp_path / "home"
    home.mkdir()
    settings = {"schema": 1, "ledger_url": url, "media_url": None}
    (home / "workspace.json").write_text(json.dumps(settings))
    with pytest.raises(WorkspaceError, match="pairwright init"):
        open_existing(home)
    create(home).close()
    opened = open_existing(home)
    with opened.ledger.read() as db:
        assert schema.revision(db) == schema.HEAD
    opened.close()

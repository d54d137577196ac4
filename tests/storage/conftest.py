"""The same ledger tests on SQLite and on a PostgreSQL that lives for one run of the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from storage import (
    annotators,
    assignments,
    audit_set,
    dataset_notes,
    evaluations,
    events,
    exclusions,
    guidelines,
    independent_results,
    jobs,
    labels,
    numbered,
    pair_actions,
    pairs,
    round_log,
    schema,
    tables,
    votes,
)
from storage.ledger import Connection, Ledger, sqlite_url
from storage.rows import Annotator, Batch, ImportedLabel, JobEvent, Verdict

# su, runuser and setpriv all keep the server's own files readable; setpriv needs no PAM
_AS_POSTGRES = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a throw-away PostgreSQL server on a unix socket, without a database name."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not binaries:
        pytest.skip("no PostgreSQL server is installed in /usr/lib/postgresql")
    # the folder is short, because a socket's path may have 107 bytes only
    folder = Path(tempfile.mkdtemp(prefix="pw-pg-"))
    prefix: tuple[str, ...] = ()
    if os.geteuid() == 0:
        prefix = _AS_POSTGRES
        shutil.chown(folder, "postgres", "postgres")
    data, log = folder / "data", folder / "log"

    def call(program: str, *arguments: str) -> None:
        command = [*prefix, str(binaries[-1].with_name(program)), *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    call("initdb", "-D", str(data), "-U", "pairwright", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=60"
    call("pg_ctl", "-D", str(data), "-l", str(log), "-o", options, "-w", "start")
    try:
        yield f"postgresql://pairwright@/{{}}?host={folder}"
    finally:
        call("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def new_database(postgres_server: str) -> Callable[[], str]:
    """`new_database()` makes an empty PostgreSQL database and returns its URL."""

    def make() -> str:
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(postgres_server.format("postgres"), autocommit=True) as server:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return postgres_server.format(name)

    return make


@pytest.fixture(scope="session")
def postgres_url(new_database: Callable[[], str]) -> str:
    """The URL of a migrated PostgreSQL database that the tests share, one after the other."""
    url = new_database()
    ledger = Ledger(url)
    schema.upgrade(ledger, Path())
    ledger.close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, new_home: Path, tmp_path: Path) -> str:
    """The URL of a migrated ledger without rows, once on each database."""
    if request.param == "postgresql":
        shared: str = request.getfixturevalue("postgres_url")
        _empty(shared)
        return shared
    return sqlite_url(Path(shutil.copy(new_home / "ledger.sqlite", tmp_path)))


def _empty(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as database:
        # the guards refuse this to everybody but a replica
        database.execute("SET session_replication_role = replica")
        names = sql.SQL(", ").join(map(sql.Identifier, tables.metadata.tables))
        database.execute(sql.SQL("TRUNCATE {}").format(names))


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    """A migrated ledger without rows, once on each database."""
    opened = Ledger(ledger_url)
    yield opened
    opened.close()


@pytest.fixture
def people(ledger: Ledger) -> list[Annotator]:
    """Three annotators."""
    with ledger.write() as tx:
        return [annotators.get_or_create(tx, name) for name in ("Ada", "Ben", "Cleo")]


@pytest.fixture
def fill(make_batch: Callable[..., Batch]) -> Callable[[Connection], None]:
    """`fill(tx)` puts rows that point to each other into every table of facts."""

    def put(tx: Connection) -> None:
        batch = make_batch(tx, "filled")
        ada = annotators.get_or_create(tx, "Ada")
        offer = assignments.offer_next(
            tx,
            batch_id=batch.id,
            annotator_id=ada.id,
            new_id="assignment",
            left="a",
            now=0,
            leased_until=1,
        )
        assert offer is not None
        votes.append(
            tx,
            event_id="event",
            assignment_id="assignment",
            kind="vote",
            verdict=Verdict.A,
            shown_at=1,
            decided_at=2,
            active_ms=1,
        )
        report = {"event_id": "event", "assignment_id": "assignment", "kind": "other", "note": ""}
        tx.execute(tables.reports.insert().values(**report, received_at=0))
        labels.add(
            tx, ImportedLabel(offer.pair_id, "a", "imported", batch.id, "test.jsonl", 1, "r1")
        )
        job = jobs.submit(tx, kind="evaluate", spec={}, key="key")
        jobs.claim(tx, worker="worker")
        events.append(tx, job.id, 1, 1, [JobEvent(job.id, 1, 1, "note", {}, 0)])
        version = dict.fromkeys(("rows", "train", "holdout", "created_at"), 0)
        version |= dict.fromkeys(("digest", "labels", "path"), "text")
        tx.execute(
            tables.dataset_versions.insert().values(**version, id="v1", policy={}, excluded={})
        )
        evaluations.add(
            tx, job_id=job.id, checkpoint="tiny", dataset_version="v1", split="all", metrics={}
        )
        _fill_facts(tx, job.id, batch, ada)
        _fill_rounds(tx, batch.id, offer.pair_id)

    return put


def _fill_rounds(tx: Connection, batch_id: str, pair_id: str) -> None:
    """Into the tables of the loop."""
    told = dict.fromkeys(("checkpoint", "benchmark", "items", "digest", "source"), "text")
    own = independent_results.ResultKind.OWN
    independent_results.add(tx, **told, kind=own, metrics={})
    opened = round_log.open_next(tx, start="tiny", target_pairs=1, focus="all", actor="lead")
    round_log.add_batch(tx, opened.number, batch_id, actor="lead")
    audit_set.draw(tx, [pair_id], seed=0, actor="lead", reason="audit set")
    numbered.append(tx, tables.category_targets, {"category": "", "target": 0.8, "actor": "lead"})
    cluster = dict.fromkeys(("kind", "cluster", "value", "actor"), "text")
    numbered.append(tx, tables.cluster_events, cluster)
    trigger = dict.fromkeys(("cause", "category", "action", "subject"), "text")
    tx.execute(tables.triggers.insert().values(**trigger, detail={}, created_at=0))
    pick = {"batch_id": batch_id, "pair_id": pair_id, "strategy": "random", "propensity": 0.5}
    tx.execute(tables.picks.insert().values(**pick, detail={}, created_at=0))


def _fill_facts(tx: Connection, job_id: str, batch: Batch, annotator: Annotator) -> None:
    """Into the tables whose rows only point to others."""
    activation = dict.fromkeys(("id", "kind", "actor", "reason"), "text")
    tx.execute(tables.activations.insert().values(**activation, created_at=0))
    dataset_notes.write(tx, "v1", "For the first round.", actor="lead")
    publication = dict.fromkeys(("id", "kind", "subject", "repo", "revision", "tag"), "text")
    publication |= {"job_id": job_id, "url": "text"}
    tx.execute(tables.publications.insert().values(**publication, private=True, created_at=0))
    guidelines.write(tx, batch.id, "Look closely.")
    decision = {"id": "d1", "batch_id": batch.id, "annotator_id": annotator.id, "kind": "admit"}
    decided = tables.qualification_decisions.insert()
    tx.execute(decided.values(**decision, after_sequence=0, created_at=0))
    exclusions.exclude(tx, annotator.name, actor="lead", reason="haste")
    (first, *_) = [view.pair.id for view in pairs.page(tx, pairs.PairFilter(), 1)]
    tag = {"value": "hard", "actor": "lead", "reason": ""}
    pair_actions.apply(tx, pair_actions.ActionKind.TAG, [first], **tag)

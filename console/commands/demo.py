"""pairwright demo."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from console.commands.servers import ConsolePort, LabelingPort, addresses_of, ready_lines
from console.options import DEFAULT_HOME, Run, shared

Prompts = Annotated[int, typer.Option(min=30, hidden=True, help="Prompts per headless round.")]
Audit = Annotated[int, typer.Option(min=30, hidden=True, help="Prompts of the audit set.")]
Exact = Annotated[int, typer.Option(min=9, hidden=True, help="Prompts for exact answers.")]


@shared
def demo(
    run: Run,
    headless: Annotated[
        bool, typer.Option("--headless", help="Simulated experts vote; no browser, no people.")
    ] = False,
    rounds: Annotated[
        int, typer.Option(min=1, metavar="N", help="Rounds of the headless loop.")
    ] = 1,
    labeling_port: LabelingPort = 7871,
    console_port: ConsolePort = 8501,
    prompts: Prompts = 1500,
    audit: Audit = 800,
    exact: Exact = 450,
) -> None:
    """Try everything on examples.

    Photographs and a tiny model are there to label and align, with the servers running. With
    --headless, simulated experts do it and the figures before and after are printed.
    The workspace is ./pairwright-home/demo unless --home names one; headless: a temporary one.
    """
    if headless:
        from console.demo import headless as loop
        from console.demo import report

        with _home(run) as home:
            results = loop.run(home, rounds, loop.Sizes(prompts, audit, exact), run.output)
        report.show(results, run.output)
        return
    home = run.home if run.home_given else (DEFAULT_HOME / "demo").absolute()
    _serve(replace(run, home=home), labeling_port, console_port)


def _serve(run: Run, labeling_port: int, console_port: int) -> None:
    from console import following, serving
    from console.demo import preparation

    addresses = addresses_of("127.0.0.1", None, labeling_port, console_port)
    serving.check_ports(addresses)
    workspace = preparation.open_workspace(run.home, run.output)
    try:
        serving.remember(workspace.home, addresses)
        links = preparation.fresh_links(workspace, addresses.labeling_url)
        services = [
            serving.labeling_service(workspace.home, addresses),
            serving.console_service(workspace.home, addresses),
            following.worker_service(workspace),
        ]
        lines = [
            *(f"{'Label ' + batch:<14} {url}" for batch, url in links.items()),
            *ready_lines(run, addresses),
            f"Commands   export PAIRWRIGHT_HOME={run.home}",
        ]
        result = {"home": workspace.home, "links": links, "console": addresses.console_url}
        serving.serve(services, run.output, result, lines)
    finally:
        workspace.close()


@contextmanager
def _home(run: Run) -> Iterator[Path]:
    """The workspace that was named, else a temporary one that is gone afterwards."""
    if run.home_given:
        yield run.home
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="pairwright-demo-") as folder:
        yield Path(folder)

"""pairwright up, worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from console.serving import Addresses

Host = Annotated[
    str,
    typer.Option(
        metavar="HOST",
        help="Address the labeling server listens on. The console stays on this machine: it has "
        "no sign-in.",
    ),
]
PublicUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="What annotators type, such as https://label.example. Needed for --host 0.0.0.0.",
        show_default=False,
    ),
]
LabelingPort = Annotated[
    int, typer.Option(min=1, max=65535, metavar="N", help="Port of the labeling server.")
]
ConsolePort = Annotated[
    int, typer.Option(min=1, max=65535, metavar="N", help="Port of the console.")
]

ApiPort = Annotated[
    int, typer.Option(min=0, max=65535, metavar="N", help="Port of the API; 0 starts none.")
]

StallMinutes = Annotated[
    float,
    typer.Option(
        min=1,
        metavar="N",
        help="A run without a sign of life for this long is killed and tried again.",
    ),
]


@shared
def up(
    run: Run,
    host: Host = "127.0.0.1",
    public_url: PublicUrl = None,
    labeling_port: LabelingPort = 7871,
    console_port: ConsolePort = 8501,
    api_port: ApiPort = 8600,
    stall_minutes: StallMinutes = 60,
) -> None:
    """Start labeling, console, API and worker.

    They run until Ctrl-C; one that dies is started again. Logs are in the workspace.
    """
    from console import following, serving
    from storage import links

    addresses = addresses_of(host, public_url, labeling_port, console_port, api_port)
    with run.workspace() as workspace:
        serving.check_ports(addresses)
        serving.remember(workspace.home, addresses)
        with workspace.ledger.read() as db:
            given = [link for link in links.listed(db) if link.secret_hash != links.NO_SECRET]
            open_links = sum(link.revoked_at is None for link in given)
        services = [
            serving.labeling_service(workspace.home, addresses),
            serving.console_service(workspace.home, addresses),
            *([serving.api_service(workspace.home, addresses)] if api_port else []),
            following.worker_service(workspace, stall_minutes),
        ]
        links_line = (
            f"Links      {open_links} handed out; new ones: "
            "pairwright link create --batch NAME --annotator WHO"
        )
        result = {
            "labeling": addresses.labeling_url,
            "console": addresses.console_url,
            "api": addresses.api_url or None,
        }
        lines = [links_line, *ready_lines(run, addresses)]
        serving.serve(services, run.output, result, lines)


@shared
def worker(
    run: Run,
    once: Annotated[bool, typer.Option("--once", help="End when no job waits.")] = False,
    stall_minutes: StallMinutes = 60,
) -> None:
    """Run jobs of the workspace until Ctrl-C.

    `pairwright up` starts a worker of its own; more of them share the queue.
    """
    from console import serving
    from rounds import worker as loop
    from training.jobs import lease
    from training.jobs import worker as workers

    with run.workspace() as workspace, serving.stop_signals() as stop:
        run.output.say(f"Worker on {workspace.home}; Ctrl-C stops it.")
        pace = lease.Pace(stall=60 * stall_minutes)
        attended = workers.run(workspace, stop=stop, once=once, pace=pace, after=loop.go_on)
    run.output.show({"jobs": attended}, f"{attended} jobs attended.")


def addresses_of(
    host: str, public_url: str | None, labeling_port: int, console_port: int, api_port: int = 0
) -> Addresses:
    """The addresses that the options name. Raises BadParameter where they contradict."""
    from console import serving

    if public_url is not None and not serving.host_of(public_url):
        raise typer.BadParameter(f"--public-url {public_url} is no http or https address")
    if not serving.is_loopback(host) and public_url is None:
        raise typer.BadParameter(
            f"--host {host} needs --public-url: the address that annotators will type"
        )
    taken = [port for port in (labeling_port, console_port, api_port) if port]
    for port in taken:
        if taken.count(port) > 1:
            raise typer.BadParameter(f"two servers cannot use port {port}")
    return serving.Addresses(host, labeling_port, console_port, public_url or "", api_port)


def ready_lines(run: Run, addresses: Addresses) -> list[str]:
    """What stands below the links when all servers answer."""
    lines = [
        f"Workspace  {run.home}",
        f"Console    {addresses.console_url}",
        f"Labeling   {addresses.labeling_url}",
        *([f"API        {addresses.api_url}"] if addresses.api_url else []),
        f"Logs       {run.home / 'logs'}",
        "Stop       Ctrl-C",
    ]
    if addresses.is_unencrypted:
        lines.append(
            f"Links and votes to {addresses.labeling_url} travel unencrypted. Put it behind https."
        )
    if addresses.is_open:
        lines.append(
            "The console has no sign-in and stays on this machine. From another one: "
            f"ssh -L {addresses.console_port}:{addresses.console_url[7:]} THIS_MACHINE"
        )
    return lines

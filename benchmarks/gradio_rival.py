"""The rival of `labeling.py`: the plainest vote that Gradio can take, as its guides show it.

A button's handler appends the vote to a file, forces it to the disk and returns the next pair.
`python gradio_rival.py FILE PORT` prints its address when it is ready. Without a file it does
nothing, as `make bench` calls every file here.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
from pathlib import Path

import gradio as gr


def main() -> None:
    numbers = itertools.count(1)
    with Path(sys.argv[1]).open("a", encoding="utf-8") as votes:

        def vote(pair: str, choice: str) -> str:
            votes.write(json.dumps({"pair": pair, "choice": choice}) + "\n")
            votes.flush()
            os.fsync(votes.fileno())
            return f"Pair {next(numbers)}: which answer is better? " + "An answer. " * 20

        with gr.Blocks(analytics_enabled=False) as page:
            pair, choice = gr.Textbox("Pair 0"), gr.Radio(["left", "right"])
            gr.Button("Vote").click(vote, [pair, choice], pair, api_name="vote")
        _, url, _ = page.launch(
            server_name="127.0.0.1",
            server_port=int(sys.argv[2]),
            prevent_thread_lock=True,
            quiet=True,
        )
        print(f"ready at {url.rstrip('/')}", flush=True)
        sys.stdin.read()


if __name__ == "__main__" and len(sys.argv) > 1:
    main()

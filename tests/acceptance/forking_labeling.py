"""Labeling servers one after the other, each a process that can be killed, without the imports.

`python forking_labeling.py HOME PORT`: for every line on standard input a server is forked and its
process id printed, then what it prints itself. What takes long, loading Gradio, is done once.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    from labeling import application, server

    home, port = sys.argv[1:]
    assert application
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            os.setsid()
            sys.stdin.close()
            os._exit(server.main(["--home", home, "--port", port]))
        print(child, flush=True)
        os.waitpid(child, 0)
        print("gone", flush=True)


if __name__ == "__main__":
    main()

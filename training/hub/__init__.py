"""Checkpoints and dataset versions on the Hub: safetensors, configs and a card of our own.

A push is a job of the kind `publish`. The worker puts what the card says into the job folder
(`facts`), the runner writes the files and pushes them (`publishing`). The token comes from the
environment of the runner (`HF_TOKEN`, or the file that `hf auth login` wrote) and goes nowhere
else.
"""

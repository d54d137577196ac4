"""Decisions become checkpoints: settings, jobs, the worker, runners, DPO, evaluation, sampling.

`spec` and `settings` say what a run is told, `submission` puts it in the queue, `worker` claims it
and starts a runner through the job folder (`folder`), `ingestion` reads what comes out. Only the
modules where a model runs import torch. Imports storage.
"""

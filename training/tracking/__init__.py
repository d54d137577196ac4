"""Figures of a run for trackers: TensorBoard, W&B, MLflow, trackio.

A process of its own for each tracker reads the run's `events.jsonl` and remembers how far it is, so
neither run nor worker waits for a tracker, and who is killed goes on where it was.
"""

"""The parts of the proof that the loop works, on the tiny world: see `benchmarks/rounds.py`."""

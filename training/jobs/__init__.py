"""Work in the queue: put in, claimed, run beside a job folder, and its results taken over."""

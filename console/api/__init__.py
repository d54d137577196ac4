"""The REST API: what scripts and CI do, in a process of its own."""

"""The demo: a workspace with photographs and the tiny world, and the whole loop without people."""

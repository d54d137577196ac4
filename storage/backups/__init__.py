"""Backups: everything that a workspace needs, in one folder or tar file that proves itself.

`making.make` while servers run, `restoring.restore` into a new folder.
"""

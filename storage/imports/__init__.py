"""Preference data of other tools: found out, read under limits, and taken in as pairs.

`importing.import_file` is the door. A stranger's file is read in a process of its own (`reader`,
watched by `confined`), which hands over one checked record at a time.
"""

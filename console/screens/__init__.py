"""The pages of the console. Each one reads its inputs, makes one call, and draws.

The folder is not named `pages`: Streamlit takes a folder of that name for its older kind of
navigation until the entry has run once, and would run a page without the entry.
"""

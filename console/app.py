"""The console's entry: `streamlit run console/app.py`. Navigation only; a page is a file."""

from __future__ import annotations

import streamlit as st

from console import entrance, widgets

# in the order of the loop
PAGES = (
    *("batches", "pairs", "annotators", "agreement", "datasets", "train", "runs"),
    *("checkpoints", "rewards", "diff", "rounds"),
)

page = st.navigation(
    [
        st.Page("screens/overview.py", title="Overview", default=True),
        # a module cannot be called import
        st.Page("screens/imports.py", title="Import", url_path="import"),
        *(st.Page(f"screens/{n}.py", title=n.capitalize(), url_path=n) for n in PAGES),
    ],
    position="top",
)
st.set_page_config(page_title=f"{page.title} - Pairwright", layout="wide")
widgets.style()
with entrance.explained():
    page.run()

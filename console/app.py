"""The console's entry: `streamlit run console/app.py`. Navigation only; a page is a file."""

from __future__ import annotations

import streamlit as st

from console import entrance, widgets

st.set_page_config(page_title="Pairwright", layout="wide")
page = st.navigation(
    [
        st.Page("screens/overview.py", title="Overview", default=True),
        st.Page("screens/pairs.py", title="Pairs", url_path="pairs"),
        st.Page("screens/runs.py", title="Runs", url_path="runs"),
    ],
    position="top",
)
widgets.style()
with entrance.explained():
    page.run()

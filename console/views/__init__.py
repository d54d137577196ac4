"""What the pages show, prepared without Streamlit, so that it can be tested as plain data."""

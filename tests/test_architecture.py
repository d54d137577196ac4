"""The shape of the code is a test: sizes, names, and what each entry point may load."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("storage", "labeling", "training", "rounds", "console", "examples")
EVERYTHING = (*ROOMS, "tests", "benchmarks")
LONGEST_FILE = 400
LONGEST_FUNCTION = 50
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
# `streamlit run console/app.py` puts console/ first on sys.path: these names would be shadowed
TAKEN = set(ROOMS) | sys.stdlib_module_names
DANGEROUS_CALLS = {"eval", "exec"}


def _python_files(*rooms: str) -> list[Path]:
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


def _functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def test_no_file_is_longer_than_400_lines() -> None:
    scripts = [path for room in ROOMS for path in (ROOT / room).rglob("*.js")]
    lengths = {path: _lines(path) for path in [*_python_files(*EVERYTHING), *scripts]}
    assert not {str(path): n for path, n in lengths.items() if n > LONGEST_FILE}


def test_no_function_is_longer_than_50_lines() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in _python_files(*EVERYTHING)
        for node in _functions(path)
        if (node.end_lineno or node.lineno) - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert not long


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in _python_files(*EVERYTHING)
        if path.read_text(encoding="utf-8").strip()
        and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not silent


def test_no_module_or_class_is_a_drawer() -> None:
    modules = [p for p in _python_files(*EVERYTHING) if p.stem.lower() in DRAWERS]
    classes = [
        f"{path.name}:{node.name}"
        for path in _python_files(*ROOMS)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and node.name.endswith(("Manager", "Helper", "Utils"))
    ]
    assert not modules
    assert not classes


def test_no_module_of_the_console_shadows_a_room_or_a_library() -> None:
    names = {path.stem for path in (ROOT / "console").iterdir() if path.suffix == ".py"}
    folders = {path.name for path in (ROOT / "console").iterdir() if path.is_dir()}
    assert not (names | folders) & TAKEN - {"__init__"}


def test_nothing_unpickles_evaluates_or_trusts_remote_code() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in _python_files(*ROOMS)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and _is_dangerous(node)
    ]
    assert not found


def test_test_modules_never_shadow_the_rooms() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("console.main", ("torch", "transformers", "streamlit", "gradio", "sqlalchemy")),
        ("training.settings.spec", ("torch", "transformers", "trl")),
        ("training.jobs.worker", ("torch", "transformers", "trl", "gradio", "streamlit")),
        ("storage.workspace", ("torch", "gradio", "streamlit")),
        ("labeling.consensus", ("gradio", "torch", "streamlit")),
        ("examples.shapes.experts", ("torch", "transformers")),
    ],
)
def test_an_entry_point_does_not_load_what_it_does_not_need(
    module: str, forbidden: tuple[str, ...]
) -> None:
    code = f"import {module}, sys; print(*[m for m in {forbidden!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == ""


def test_import_contracts_hold() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def _lines(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n")


def _is_dangerous(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    loads = name in DANGEROUS_CALLS or name.split(".")[0] in ("pickle", "cloudpickle", "dill")
    unsafe = name == "torch.load" and "weights_only" not in {k.arg for k in call.keywords}
    trusting = any(
        k.arg in ("trust_remote_code", "shell")
        and isinstance(k.value, ast.Constant)
        and k.value.value is True
        for k in call.keywords
    )
    return loads or unsafe or trusting

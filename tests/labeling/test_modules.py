"""Scripts of a page: all of them are asked for at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from labeling import modules

STATIC = Path(modules.__file__).with_name("static")


def test_imports_are_followed_to_their_end_and_each_is_named_once(tmp_path: Path) -> None:
    scripts = {
        "page": 'import { a } from "./one.js";\nimport "./two.js";\n// import "./no.js";\n',
        "one": 'import {\n  b,\n  c,\n} from "./three.js";\nexport * from "./two.js";\n',
        "two": 'import * as all from "./one.js";\nconst words = "from ./no.js";\n',
        "three": "export const b = 1;\n",
    }
    for name, text in scripts.items():
        (tmp_path / f"{name}.js").write_text(text, encoding="utf-8")
    assert modules.imported(tmp_path, "page") == ("one", "three", "two")
    assert modules.imported(tmp_path, "three") == ()


def test_an_import_of_a_script_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "page.js").write_text('import "./gone.js";\n', encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"gone\.js"):
        modules.imported(tmp_path, "page")


def test_the_page_asks_for_every_script_before_its_own(served: Any) -> None:
    with served.client() as http:
        html = http.get("/bench/").text
        ahead = re.findall(r'<link rel="modulepreload" href="/static/([\w-]+)\.js">', html)
        assert html.index("modulepreload") < html.index('src="/static/bench.js"')
        assert ahead == list(modules.imported(STATIC, "bench"))
        assert {"wire", "outbox", "paint", "words"} < set(ahead)
        for name in ahead:
            assert http.get(f"/static/{name}.js").status_code == 200

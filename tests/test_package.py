"""The package as a whole: light to import, a map that is true."""

from __future__ import annotations

import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import companion
import mer_utils


def test_the_front_page_names_every_room():
    rooms = {m.name for m in pkgutil.iter_modules(mer_utils.__path__)} - {
        "__main__",
        "errors",
        "files",
        "registry",
        "extras",
        "frozen",
        "machine",
        "own_code",
    }
    assert {room for room in rooms if f"mer_utils.{room}`" in mer_utils.__doc__} == rooms


def test_the_package_itself_imports_no_room_and_rooms_without_networks_no_torch():
    code = """
import sys, mer_utils
assert not [m for m in sys.modules if m.startswith("mer_utils.")]
for room in ("datasets", "dynamic_image", "metrics", "stats", "synthetic"):
    __import__(f"mer_utils.{room}")
    assert "torch" not in sys.modules, room
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.scenario("J")
def test_nothing_depends_on_the_time_zone_or_the_decimal_mark_of_this_machine():
    asked = re.compile(r"datetime\.(?:now|today)\(\)|fromtimestamp\([^,)]*\)|localtime|\blocale\b")
    rooms = (Path(package.__path__[0]) for package in (mer_utils, companion))
    sources = (path for room in rooms for path in room.rglob("*.py"))
    assert [path for path in sources if asked.search(path.read_text("utf-8"))] == []

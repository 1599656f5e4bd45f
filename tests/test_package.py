"""The package as a whole: light to import, a map that is true."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

import mer_utils


def test_the_front_page_names_every_room():
    rooms = {m.name for m in pkgutil.iter_modules(mer_utils.__path__)} - {
        "errors",
        "files",
        "registry",
        "extras",
        "frozen",
        "machine",
    }
    assert {room for room in rooms if f"mer_utils.{room}`" in mer_utils.__doc__} == rooms


@pytest.mark.parametrize("room", ["datasets", "dynamic_image", "metrics", "stats", "synthetic"])
def test_rooms_without_networks_do_not_import_torch(room):
    code = f"import sys, mer_utils.{room}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_package_itself_imports_no_room():
    code = "import sys, mer_utils; print([m for m in sys.modules if m.startswith('mer_utils.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]"

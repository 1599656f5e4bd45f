"""What make lab tells Jupyter: a notebook that is saved unchanged stays as it was written.

Jupytext writes the metadata of cells as YAML. Captions of several lines stay blocks, and long
lines stay whole, as a reader of the sources sees them.
"""

import re
from typing import Any

import yaml
from jupytext.myst import CompactDumper

_HEADER = """\
---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---
"""


def _block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _unbroken(self: yaml.SafeDumper, stream: Any, **options: Any) -> None:
    yaml.SafeDumper.__init__(self, stream, **options | {"width": float("inf")})


CompactDumper.add_representer(str, _block)
CompactDumper.__init__ = _unbroken


def _usual_kernel(model: dict[str, Any], **_: Any) -> None:
    """Name the kernel as the chapters do, and not as this machine does."""
    if model["type"] == "file" and isinstance(model.get("content"), str):
        model["content"] = re.sub(
            r"\A---\nkernelspec:\n(?:  .*\n)+---\n", _HEADER, model["content"]
        )


# Jupyter gives this file the name `c`.
c.FileContentsManager.pre_save_hook = _usual_kernel  # type: ignore[name-defined]  # noqa: F821

"""A Sphinx extension: equations as MathML, which browsers draw themselves, with no script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util.math import get_node_equation_number

from mer_utils.errors import MerError

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator


def mathml(latex: str, display: bool = False) -> str:
    r"""Return LaTeX as MathML; lines of one equation (``&`` and ``\\``) are aligned.

    Raises
    ------
    MerError
        ``failed render``, for what the converter would show as it stands.

    Examples
    --------
    >>> mathml("H_k").count("<mi>")
    2
    """
    if r"\\" in latex and r"\begin" not in latex:
        latex = rf"\begin{{split}}{latex}\end{{split}}"
    converted = convert(latex, display="block" if display else "inline")
    if "<mi>&</mi>" in converted or r"\begin" in converted:
        raise MerError(
            "failed render",
            f"the equation {latex!r} has an environment that is not known",
            r"split, align, array or a matrix",
            r"write \begin{split} for lines that are aligned",
        )
    return converted


def _inline(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(f'<span class="math">{mathml(node.astext())}</span>')
    raise nodes.SkipNode


def _display(self: HTML5Translator, node: nodes.math_block) -> None:
    # A long equation scrolls on a narrow screen, so the keyboard must reach it.
    named = {"tabindex": "0", "role": "region", "aria-label": "Equation"}
    self.body.append(self.starttag(node, "div", CLASS="math", **named))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append(f"{mathml(node.astext(), display=True)}</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

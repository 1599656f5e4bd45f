"""The line at the top of every page that says which data and which profile made it."""

from __future__ import annotations

from html import escape

from mer_utils.errors import MerError


def banner(profile: str, data_title: str) -> str:
    """Return the line as HTML, which Markdown, Jupyter and the book all show alike.

    Parameters
    ----------
    profile : str
        Name of the profile, such as ``demo``.
    data_title : str
        What the data are, in words a reader understands.

    Examples
    --------
    >>> banner("demo", "synthetic twins")
    '<p class="made-with" role="note">Profile <strong>demo</strong>. Data: synthetic twins.</p>'
    """
    return (
        f'<p class="made-with" role="note">Profile <strong>{escape(profile)}</strong>. '
        f"Data: {escape(data_title.rstrip('.'))}.</p>"
    )


def below_title(markdown: str, line: str, page: str) -> str:
    r"""Insert `line` right below the first level-one heading of a page's Markdown.

    Parameters
    ----------
    markdown : str
        The page; YAML front matter and code fences are passed over.
    line : str
        What `banner` returned.
    page : str
        The page's name, for the message.

    Raises
    ------
    MerError
        If the page has no title.

    Examples
    --------
    >>> print(below_title("# Title\n\nText\n", "<p>made</p>", "a page"))
    # Title
    <BLANKLINE>
    <p>made</p>
    <BLANKLINE>
    Text
    """
    lines = markdown.splitlines()
    start = 0
    if lines and lines[0] == "---":
        start = next((n for n, text in enumerate(lines[1:], 2) if text in ("---", "...")), 0)
    fence = ""
    for number, text in enumerate(lines[start:], start):
        stripped = text.lstrip()
        if fence:
            fence = "" if stripped.startswith(fence) else fence
        elif stripped.startswith(("```", "~~~", ":::")):
            fence = stripped[: len(stripped) - len(stripped.lstrip(stripped[0]))]
        elif text.startswith("# "):
            rest = lines[number + 1 :]
            while rest and not rest[0].strip():
                rest = rest[1:]
            return "\n".join([*lines[: number + 1], "", line, "", *rest]) + "\n"
    raise MerError(
        "bad notebook",
        f"{page} has no title",
        "a first heading '# Title'",
        "give the page a level-one heading",
    )

"""Diagrams: how a clip is cut into phases, and how we evaluate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mer_utils.errors import MerError
from mer_utils.plotting.markup import Markup, arrow, box, drawing, number, text
from mer_utils.plotting.style import INK, MUTED, PHASE_COLOURS, PHASE_TITLES

TRAIN_FILL, TEST_FILL = "#dbe8f4", "#b34a00"
_TEST_WORDS: dict[str, Any] = {"size": 12, "weight": "600", "fill": "#ffffff"}


def phases_diagram(
    onset: int = 0,
    apex: int = 30,
    offset: int = 66,
    fps: float = 200.0,
    element_id: str = "phases-diagram",
) -> Markup:
    """Draw a clip on a time line with its onset, apex and offset and its three phases.

    The curve is a sketch; the apex frame belongs to both halves.

    Parameters
    ----------
    onset, apex, offset : int
        Frame numbers; onset and offset inclusive, ``onset <= apex <= offset``.
    fps : float
        Frames per second, for the duration in milliseconds.
    element_id : str
        Id of the SVG element; one page must not use it twice.
    """
    if not onset <= apex <= offset or onset == offset or fps <= 0:
        raise MerError(
            "invalid option",
            f"onset {onset}, apex {apex}, offset {offset} at {fps} fps are no clip",
            "onset <= apex <= offset, at least two frames, and a positive frame rate",
            "correct the frame numbers",
        )
    left, right, base, peak = 34.0, 426.0, 150.0, 52.0
    scale = (right - left) / (offset - onset)
    at = left + (apex - onset) * scale
    parts = [
        f'<path d="M{left} {base} C{number(left + 0.55 * (at - left))} {base} '
        f"{number(left + 0.7 * (at - left))} {peak} {number(at)} {peak} "
        f"C{number(at + 0.2 * (right - at))} {peak} {number(at + 0.3 * (right - at))} {base} "
        f'{right} {base}" fill="none" stroke="{INK}" stroke-width="2.2"/>',
        text(left, 20, "strength of the expression", size=12, anchor="start", fill=MUTED),
        f'<line x1="{left}" y1="{base}" x2="{right}" y2="{base}" stroke="{MUTED}"/>',
    ]
    marks = [
        ("onset", onset, left, base),
        ("apex", apex, at, peak),
        ("offset", offset, right, base),
    ]
    for name, frame, x, y in marks:
        anchor = "start" if x < left + 30 else "end" if x > right - 30 else "middle"
        shift = {"start": -14, "end": 14}.get(anchor, 0)
        parts.append(
            f'<line x1="{number(x)}" y1="{number(y)}" x2="{number(x)}" y2="306" '
            f'stroke="{MUTED}" stroke-dasharray="3 4"/>'
        )
        parts.append(f'<circle cx="{number(x)}" cy="{number(y)}" r="5" fill="{INK}"/>')
        y = 36 if name == "apex" else 168
        parts.append(text(x + shift, y, f"{name} {frame}", anchor=anchor, weight="600"))
    bounds = {"full": (onset, offset), "onset_apex": (onset, apex), "apex_offset": (apex, offset)}
    for row, (phase, (first, last)) in enumerate(bounds.items()):
        x, width = left + (first - onset) * scale, (last - first) * scale
        y, n = 190 + 42 * row, last - first + 1
        look = {"fill": PHASE_COLOURS[phase], "stroke": PHASE_COLOURS[phase], "css_class": "phase"}
        parts.append(box(x, y, max(width, 3), 12, radius=3, **look))
        words = f"{PHASE_TITLES[phase]}: {n} frame{'s' * (n != 1)}, {1000 * n / fps:.0f} ms"
        anchor = {"full": "middle", "onset_apex": "start"}.get(phase, "end")
        along = {"middle": x + width / 2, "start": left, "end": right}[anchor]
        # A white halo keeps the words readable where a dashed line passes behind them.
        halo = '<text paint-order="stroke" stroke="#ffffff" stroke-width="5" '
        parts.append(text(along, y + 25, words, anchor=anchor).replace("<text ", halo))
    return drawing(
        element_id,
        460,
        322,
        "The three phases of a clip",
        f"A curve rises from the onset at frame {onset} to the apex at frame {apex} and falls "
        f"to the offset at frame {offset}. Three bars under it show the full clip, the phase "
        "from onset to apex and the phase from apex to offset; the apex belongs to both.",
        parts,
    )


def loso_diagram(
    n_subjects: int,
    names: Sequence[str] | None = None,
    element_id: str = "loso-diagram",
) -> Markup:
    """Draw leave-one-subject-out: one fold per subject, all predictions pooled at the end.

    Parameters
    ----------
    n_subjects : int
        Number of subjects, hence of folds. Above seven, the middle ones become dots.
    names : sequence of str, optional
        Their names; default ``1`` to ``n_subjects``.
    element_id : str
        Id of the SVG element; one page must not use it twice.
    """
    labels = [str(i + 1) for i in range(n_subjects)] if names is None else list(names)
    if n_subjects < 2 or len(labels) != n_subjects:
        raise MerError(
            "invalid option",
            f"{n_subjects} subjects with {len(labels)} names cannot be drawn",
            "at least two subjects and one name for each",
            "pass the subjects of the clip table",
        )
    shown: list[int | None] = list(range(n_subjects))
    if n_subjects > 7:
        shown = [0, 1, 2, 3, None, n_subjects - 1]
    left, top, wide, tall, gap = 76.0, 62.0, 300.0 / len(shown), 34.0, 4.0
    parts = [
        text(left + 150, 16, f"the clips of {n_subjects} subjects", weight="600"),
        text(14, 42, "fold", size=12, anchor="start", fill=MUTED),
    ]
    for place, subject in enumerate(shown):
        label = "…" if subject is None else labels[subject]
        parts.append(text(left + (place + 0.5) * wide, 42, label, size=12, fill=MUTED))
    for row, fold in enumerate(shown):
        y = top + row * (tall + gap)
        if fold is None:
            parts.append(text(left + 150, y + tall / 2, "⋮", size=18, fill=MUTED))
            continue
        parts.append(text(14, y + tall / 2, labels[fold], size=12, anchor="start"))
        for place, subject in enumerate(shown):
            x = left + place * wide
            if subject is None:
                parts.append(text(x + wide / 2, y + tall / 2, "…", size=14, fill=MUTED))
            else:
                role = "test" if subject == fold else "train"
                fill = TEST_FILL if role == "test" else TRAIN_FILL
                look: dict[str, Any] = {"size": 11} if role == "train" else _TEST_WORDS
                parts.append(box(x + 1, y, wide - 2, tall, fill=fill, stroke=fill, css_class=role))
                parts.append(text(x + wide / 2, y + tall / 2, role, **look))
        parts.append(arrow([(left + 302, y + tall / 2), (400, y + tall / 2)], colour=MUTED))
    bottom = top + len(shown) * (tall + gap) - gap
    parts.append(box(402, top, 44, bottom - top, fill="#f2f3f5"))
    middle = (top + bottom) / 2
    parts.append(
        f'<g transform="translate(424 {number(middle)}) rotate(90)">'
        f"{text(0, 0, 'predictions', size=12, weight='600')}</g>"
    )
    parts.append(arrow([(424, bottom), (424, bottom + 42), (330, bottom + 42)]))
    parts.append(box(76, bottom + 24, 252, 36, fill="#ffffff"))
    parts.append(text(202, bottom + 42.5, "pooled, then one score from all", weight="600"))
    return drawing(
        element_id,
        460,
        bottom + 76,
        "Leave-one-subject-out evaluation",
        f"A grid of {n_subjects} folds by {n_subjects} subjects. In each fold one subject is "
        "tested and all others are trained on. The predictions of all folds are pooled "
        "before one score is computed from them.",
        parts,
    )

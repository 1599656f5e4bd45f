"""What the user says by environment variables: where data lie, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mer_utils import datasets
from mer_utils.datasets import DATASETS, OWN_LABELS, Clips, Composite, Dataset
from mer_utils.errors import MerError
from mer_utils.frames import CropOptions
from mer_utils.machine import path_setting, refuse_misspelt_settings, setting

#: The data sets of the paper, which are those of every table unless others are named.
PAPER = ("casme2", "samm")
_CROP, _CORRECTIONS = "MER_CROP", "MER_CORRECTIONS"
_RULES = {f"MER_{rule.upper()}": rule for rule in ("missing_apex", "missing_frames", "no_face")}


def open_datasets(
    names: Iterable[str], twin: Callable[[str], Path], at_most: int | None = None
) -> tuple[Dataset, ...]:
    """Open data sets where the user's settings say that they lie, and as they say.

    Parameters
    ----------
    names : iterable of str
        Registered names; ``clips:FILE`` and ``manifest:FILE`` name a table of clips or of images,
        ``A+B`` joins data sets of clips.
    twin : callable
        Makes the synthetic twin of a data set for which no setting names a folder, and
        returns its folder.
    at_most : int, optional
        How many subjects of each data set are read.

    Raises
    ------
    MerError
        Of the kind ``unknown name``, ``invalid setting`` or ``taken name``.

    Notes
    -----
    ``MER_CASME2_ROOT``, ``MER_SAMM_ROOT`` and the like name folders of licensed data;
    ``MER_CLIPS_ROOT`` the folder that paths in tables of clips start from; ``MER_MISSING_APEX``,
    ``MER_MISSING_FRAMES`` and ``MER_NO_FACE`` are rules of `mer_utils.datasets.RULES`,
    ``MER_SCHEME`` the label scheme, where it is not each data set's own; ``MER_CROP`` lists the
    data sets whose frames are cropped to the face, as in ``casme2:margin=0.4:size=256,samm``;
    ``MER_CORRECTIONS`` names a file of the user's own corrections; ``MER_CASME2_SHEET`` and
    ``MER_CASME2_COLUMNS`` say what to read where several sheets or columns fit.
    """
    refuse_misspelt_settings(
        name for name, kind in DATASETS.items() if not hasattr(kind, "members")
    )
    options: dict[str, Any] = {rule: _rule(name, rule) for name, rule in _RULES.items()}
    options |= {"corrections": path_setting(_CORRECTIONS), "scheme": setting("MER_SCHEME")}
    options["at_most"] = at_most
    options = {name: value for name, value in options.items() if value is not None}
    crops = crop_options()
    roots: dict[str, Path] = {}

    def root(name: str) -> Path:
        if name not in roots:
            roots[name] = _licensed_root(name) or twin(name)
        return roots[name]

    opened: dict[str, Dataset] = {}
    for text in dict.fromkeys(names):
        found = _open(text, root, options, crops)
        if found.name in opened:
            raise MerError(
                "taken name",
                f"two data sets have the name {found.name!r}",
                "a file name of its own for each table",
                "rename one of the files",
            )
        opened[found.name] = found
    return tuple(opened.values())


def _open(
    text: str, root: Callable[[str], Path], options: dict[str, Any], crops: dict[str, CropOptions]
) -> Dataset:
    words = datasets.joined(text)
    kind, place = (Composite, None) if len(words) > 1 else datasets.named(text)
    if parts := words if len(words) > 1 else getattr(kind, "members", ()):
        tables = all(word.startswith("clips:") for word in parts)
        usual = OWN_LABELS.name if tables else "megc-3"
        options = {"scheme": usual} | options
        return Composite(tuple(_open(part, root, options, crops) for part in parts))
    chosen = datasets.sheet_settings(kind.name) | options | {"crop": crops.get(kind.name)}
    if issubclass(kind, Clips):
        chosen["frames"] = path_setting(f"MER_{kind.name.upper()}_ROOT")
    known = kind.options()
    chosen = {name: value for name, value in chosen.items() if name in known}
    return kind.open(place or root(kind.name), **chosen)


def _licensed_root(name: str) -> Path | None:
    """Return the folder of the licensed data, None if no setting names one."""
    wanted = f"MER_{name.upper()}_ROOT"
    root = path_setting(wanted)
    if root is not None and not root.is_dir():
        raise MerError(
            "invalid setting",
            f"{wanted} names {root}, which is no folder",
            f"the folder of {DATASETS[name].title}",
            f"correct {wanted}, or unset it to use the synthetic twin",
        )
    return root


def crop_options() -> dict[str, CropOptions]:
    """Return how ``MER_CROP`` says that data sets are cropped, by name."""
    found: dict[str, CropOptions] = {}
    known = [name for name, kind in DATASETS.items() if getattr(kind, "crop", 0) is None]
    for word in (setting(_CROP) or "").replace(",", " ").split():
        name, *settings = word.split(":")
        if name not in known or name in found:
            raise MerError(
                "invalid setting",
                f"{_CROP} names {name!r}{' twice' if name in found else ''}",
                f"some of {', '.join(known)}, separated by commas; in a composite, each part is "
                "cropped as its own data set is",
                f"correct {_CROP}, or unset it to take frames as they are",
            )
        try:
            options = dict(setting.split("=", 1) for setting in settings)
            found[name] = CropOptions.model_validate(options)
        except (ValueError, TypeError) as error:
            raise MerError(
                "invalid setting",
                f"{_CROP} has {word!r}",
                "after the data set's name only margin=0 to 2, size=16 to 1024 (pixels) and "
                "detector=NAME, each after a colon, as in casme2:margin=0.4:size=256",
                f"correct {_CROP}",
            ) from error
    return found


def _rule(name: str, rule: str) -> str | None:
    chosen = setting(name)
    try:
        return chosen and datasets.require_rule(rule, chosen)
    except MerError as error:
        raise MerError(
            "invalid setting",
            f"{name} is {chosen!r}",
            error.expected,
            f"correct {name}, or unset it",
        ) from error

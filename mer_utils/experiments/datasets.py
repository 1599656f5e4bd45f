"""The data sets that experiments can be run on, and how the user says where they lie."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mer_utils.errors import MerError
from mer_utils.frames import CropOptions
from mer_utils.runs import DataSpec
from mer_utils.runs.data import MANIFEST, VARIANT, parts_of

OWN_LABELS = "own labels"
_CROP, _NO_FACE, _CORRECTIONS = "MER_CROP", "MER_NO_FACE", "MER_CORRECTIONS"
_MISSING_FRAMES = "MER_MISSING_FRAMES"
#: What to do about a clip that lacks something.
DropRule = Literal["error", "drop_clip"]


@dataclass(frozen=True)
class Dataset:
    """Data that experiments can be run on.

    Parameters
    ----------
    name, title : str
    scheme : str
        The label scheme of the tables.
    setting : str
        The environment variable that names the folder of the licensed data; empty for a
        composite and for a manifest.
    own_missing_apex : bool
        Whether a missing apex is treated by each data set's own rule, see
        :func:`mer_utils.datasets.load`; else such a clip has the full view only.
    missing_frames : {"error", "drop_clip"}
        The rule for a clip that lacks frames.
    file : Path or None
        A manifest's file.
    phase_difference, noise : float or None
        Of a made variant of the data set, see `made_variants`; None otherwise.
    """

    name: str
    title: str
    scheme: str
    setting: str = ""
    own_missing_apex: bool = False
    missing_frames: DropRule = "error"
    file: Path | None = None
    phase_difference: float | None = None
    noise: float | None = None

    @property
    def spec(self) -> DataSpec:
        """The data of a run, without a fingerprint."""
        spec = DataSpec(
            dataset=self.name,
            scheme=self.scheme,
            fingerprint="",
            missing_frames=self.missing_frames,
        )
        return spec.model_copy(update={"missing_apex": None}) if self.own_missing_apex else spec


#: The data sets of the paper, which are those of every table unless others are named.
DATASETS = {
    d.name: d
    for d in (
        Dataset("casme2", "CASME II", "casme2-5", "MER_CASME2_ROOT"),
        Dataset("samm", "SAMM", "samm-5", "MER_SAMM_ROOT"),
    )
}

#: Further data sets, by the same table.
FURTHER_DATASETS = {
    d.name: d
    for d in (
        Dataset("smic", "SMIC-HS", "megc-3", "MER_SMIC_ROOT", own_missing_apex=True),
        Dataset("megc2019", "MEGC2019 composite", "megc-3", own_missing_apex=True),
    )
}


def made_variants(differences: tuple[float, ...], noises: tuple[float, ...]) -> tuple[Dataset, ...]:
    """Return the twins of CASME II on which the difference of the phases is varied.

    Parameters
    ----------
    differences, noises : tuple of float
        See :func:`mer_utils.synthetic.write`; every pair is a data set, differences first.

    Examples
    --------
    >>> [d.name for d in made_variants((0.0, 0.5), (2.0,))]
    ['casme2@difference=0,noise=2', 'casme2@difference=0.5,noise=2']
    """
    whole = DATASETS["casme2"]
    return tuple(
        Dataset(
            f"{whole.name}{VARIANT}difference={difference:g},noise={noise:g}",
            f"{whole.title}, made with phase difference {difference:g} and noise {noise:g}",
            whole.scheme,
            phase_difference=difference,
            noise=noise,
        )
        for difference in differences
        for noise in noises
    )


def chosen_datasets(names: list[str] | None) -> tuple[Dataset, ...]:
    """Return the data sets of these names.

    Parameters
    ----------
    names : list of str or None
        ``casme2``, ``samm``, ``smic``, ``megc2019`` or ``manifest:FILE``. None and an empty
        list are the data sets of the paper.

    Raises
    ------
    MerError
        If a name is unknown, or two manifests have one file name.

    Examples
    --------
    >>> [d.title for d in chosen_datasets(["samm", "megc2019"])]
    ['SAMM', 'MEGC2019 composite']
    >>> chosen_datasets(["manifest:some/flow.csv"])[0].name
    'manifest:flow'
    """
    if not names:
        return tuple(DATASETS.values())
    found = [_named(name) for name in dict.fromkeys(names)]
    twice = {d.name for d in found if sum(d.name == other.name for other in found) > 1}
    if twice:
        raise MerError(
            "TODO",
            f"two manifests have the name {twice.pop().removeprefix(MANIFEST)!r}",
            "a file name of its own for each manifest",
            "rename one of the files",
        )
    return tuple(found)


def _named(name: str) -> Dataset:
    if name.startswith(MANIFEST) and name != MANIFEST:
        file = Path(name.removeprefix(MANIFEST)).expanduser().absolute()
        title = f"images of the manifest {file.name}"
        return Dataset(MANIFEST + file.stem, title, OWN_LABELS, file=file)
    known = DATASETS | FURTHER_DATASETS
    if name not in known:
        raise MerError(
            "TODO",
            f"data set {name!r} is unknown",
            f"one of {', '.join(known)}, or {MANIFEST}FILE",
            "choose one of them",
        )
    return known[name]


def dataset_title(name: str) -> str:
    """Return how the name of a data set is written for a reader.

    Examples
    --------
    >>> dataset_title("casme2"), dataset_title("manifest:my_flow")
    ('CASME II', 'manifest my_flow')
    >>> dataset_title("casme2@difference=0.5,noise=2")
    'CASME II twin, difference 0.5, noise 2'
    """
    known = DATASETS | FURTHER_DATASETS
    base, variant, made = name.partition(VARIANT)
    if variant:
        return f"{dataset_title(base)} twin, {made.replace('=', ' ').replace(',', ', ')}"
    return known[name].title if name in known else name.replace(MANIFEST, "manifest ")


def folders_needed(datasets: tuple[Dataset, ...]) -> tuple[Dataset, ...]:
    """Return the data sets whose folders these need: a composite needs those of its parts."""
    parts = [part for d in datasets if d.file is None for part in parts_of(d.name)]
    return tuple((DATASETS | FURTHER_DATASETS)[part] for part in dict.fromkeys(parts))


def licensed_root(dataset: Dataset) -> Path | None:
    """Return the folder of the licensed data, None if no setting names one.

    Raises
    ------
    MerError
        If the setting names no folder.
    """
    licensed = os.environ.get(dataset.setting)
    if not licensed:
        return None
    root = Path(licensed).absolute()
    if not root.is_dir():
        raise MerError(
            "TODO",
            f"{dataset.setting} names {licensed}, which is no folder",
            f"the folder of {dataset.title}",
            f"correct {dataset.setting}, or unset it to use the synthetic twin",
        )
    return root


def corrections_file() -> Path | None:
    """Return the user's corrections file, named by the setting ``MER_CORRECTIONS``."""
    named = os.environ.get(_CORRECTIONS)
    return Path(named).absolute() if named else None


def missing_frames_rule() -> DropRule:
    """Return the rule for clips that lack frames, by the setting ``MER_MISSING_FRAMES``.

    Raises
    ------
    MerError
        If it is neither ``error`` (the default) nor ``drop_clip``.
    """
    return _drop_rule(_MISSING_FRAMES)


def cropped_datasets() -> tuple[tuple[str, CropOptions], ...]:
    """Return the data sets whose frames are cropped to the face, and how.

    The setting ``MER_CROP`` names them, separated by commas. A name may be followed by options,
    each after a colon: ``casme2:margin=0.4:size=256,samm``. Those not given keep the defaults of
    :class:`mer_utils.frames.CropOptions`.

    Raises
    ------
    MerError
        If it names an unknown data set, one twice, or an option that does not exist or has no
        such value.
    """
    found: dict[str, CropOptions] = {}
    known = [name for name, d in (DATASETS | FURTHER_DATASETS).items() if d.setting]
    for word in os.environ.get(_CROP, "").replace(",", " ").split():
        name, *settings = word.split(":")
        if name not in known or name in found:
            raise MerError(
                "TODO",
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
                "TODO",
                f"{_CROP} has {word!r}",
                "after the data set's name only margin=0 to 2, size=16 to 1024 (pixels) and "
                "detector=NAME, each after a colon, as in casme2:margin=0.4:size=256",
                f"correct {_CROP}",
            ) from error
    return tuple(found.items())


def drops_clips_without_face() -> bool:
    """Return whether clips without a face are left out, by the setting ``MER_NO_FACE``.

    Raises
    ------
    MerError
        If it is neither ``error`` (the default) nor ``drop_clip``.
    """
    return _drop_rule(_NO_FACE) == "drop_clip"


def _drop_rule(setting: str) -> DropRule:
    rule = os.environ.get(setting) or "error"
    if rule == "error":
        return "error"
    if rule == "drop_clip":
        return "drop_clip"
    raise MerError(
        "TODO", f"{setting} is {rule!r}", "error or drop_clip", f"correct {setting}, or unset it"
    )

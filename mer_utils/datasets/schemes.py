"""Label schemes: which emotion words of which data set make which classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mer_utils.errors import MerError

ClipKey = tuple[str, str, str]


@dataclass(frozen=True)
class Scheme:
    """A labelling of clips by classes.

    Parameters
    ----------
    name : str
        Short name, such as ``"casme2-5"``.
    title : str
        Name for people.
    classes : tuple of str
        Class names; their order is the integer class.
    mapping : mapping of str to mapping of str to str
        For each data set, emotion word (lower case) to class. A word that a data set's
        mapping lacks leaves its clips out.
    exclusions : mapping of (dataset, subject, clip) to str
        Clips left out by name, with the reason.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    mapping: Mapping[str, Mapping[str, str]]
    exclusions: Mapping[ClipKey, str] = field(default_factory=dict)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the data sets that the scheme labels."""
        return tuple(self.mapping)

    def label(self, dataset: str, emotion: str) -> str | None:
        """Return the class of an emotion word, None if the scheme leaves it out.

        Examples
        --------
        >>> SCHEMES["megc-3"].label("casme2", "repression")
        'negative'
        >>> SCHEMES["megc-3"].label("casme2", "sadness") is None
        True
        """
        return self.mapping[dataset].get(emotion)


_CASME2_5 = ("others", "disgust", "happiness", "repression", "surprise")
_SAMM_5 = ("anger", "other", "happiness", "surprise", "contempt")
_MEGC_3 = ("negative", "positive", "surprise")

SCHEMES: dict[str, Scheme] = {
    scheme.name: scheme
    for scheme in (
        Scheme(
            "casme2-5",
            "CASME II, five classes (without sadness and fear)",
            _CASME2_5,
            {"casme2": {**{word: word for word in _CASME2_5}, "other": "others"}},
        ),
        Scheme(
            "samm-5",
            "SAMM, five classes (without disgust, fear and sadness)",
            _SAMM_5,
            {"samm": {**{word: word for word in _SAMM_5}, "others": "other"}},
        ),
        Scheme(
            "megc-3",
            "MEGC2019, three classes",
            _MEGC_3,
            {
                "casme2": {
                    "disgust": "negative",
                    "repression": "negative",
                    "happiness": "positive",
                    "surprise": "surprise",
                },
                "samm": {
                    **dict.fromkeys(
                        ("anger", "contempt", "disgust", "fear", "sadness"), "negative"
                    ),
                    "happiness": "positive",
                    "surprise": "surprise",
                },
                "smic": {word: word for word in _MEGC_3},
            },
            {
                ("casme2", "sub04", "EP12_01f"): "not on the MEGC2019 list: no apex annotated",
                ("casme2", "sub05", "EP09_05f"): "not on the MEGC2019 list: apex equals onset",
            },
        ),
    )
}

DEFAULT_SCHEME = {"casme2": "casme2-5", "samm": "samm-5", "smic": "megc-3"}


def named(scheme: str | Scheme) -> Scheme:
    """Return the scheme of that name; a `Scheme` is returned as it is.

    Raises
    ------
    MerError
        If the name is unknown.
    """
    if isinstance(scheme, Scheme):
        return scheme
    if scheme not in SCHEMES:
        raise MerError(
            "TODO",
            f"label scheme {scheme!r} is unknown",
            f"one of {', '.join(SCHEMES)}",
            "choose one of them, or pass a Scheme of your own",
        )
    return SCHEMES[scheme]


def resolve(dataset: str, scheme: str | Scheme | None) -> Scheme:
    """Return the scheme of that name, checked to label `dataset`; None is its default.

    Raises
    ------
    MerError
        If the scheme is unknown or has no mapping for the data set.
    """
    scheme = named(DEFAULT_SCHEME[dataset] if scheme is None else scheme)
    if dataset not in scheme.mapping:
        fitting = [name for name, known in SCHEMES.items() if dataset in known.mapping]
        raise MerError(
            "TODO",
            f"label scheme {scheme.name!r} does not label {dataset!r}",
            f"one of {', '.join(fitting)}",
            "choose one of them, or pass a Scheme of your own",
        )
    return scheme

"""Label schemes: which emotion words of which data set make which classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from mer_utils.errors import MerError
from mer_utils.registry import Registry

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
    mapping: Mapping[str, Mapping[str, str]] = field(hash=False)
    exclusions: Mapping[ClipKey, str] = field(default_factory=dict, hash=False)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the data sets that the scheme labels."""
        return tuple(self.mapping)

    def label(self, dataset: str, emotion: str) -> str | None:
        """Return the class of an emotion word, None if the scheme leaves it out."""
        return self.mapping[dataset].get(emotion)


_CASME2_5 = ("others", "disgust", "happiness", "repression", "surprise")
_SAMM_5 = ("anger", "other", "happiness", "surprise", "contempt")
_MEGC_3 = ("negative", "positive", "surprise")

SCHEMES: Registry[Scheme] = Registry(
    "label scheme",
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
                **dict.fromkeys(("anger", "contempt", "disgust", "fear", "sadness"), "negative"),
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
    parts=("title", "classes", "mapping"),
)

#: Of a table, until it is read: the classes are the labels found in it.
OWN_LABELS = Scheme("own labels", "the table's own labels", (), {})


def add_words(dataset: str, title: str, words: Mapping[str, Mapping[str, str]]) -> None:
    """Let schemes by name label a further data set; one that is not there is made of the words.

    Parameters
    ----------
    dataset, title : str
    words : mapping of str to mapping of str to str
        For each scheme, emotion word (lower case) to class.
    """
    for name, mapping in words.items():
        if name in SCHEMES:
            known = SCHEMES[name]
            SCHEMES.unregister(name)
            mappings = {**known.mapping, dataset: mapping}
            SCHEMES.register(replace(known, mapping=mappings))
        else:
            classes = tuple(dict.fromkeys(mapping.values()))
            scheme = Scheme(name, f"{title}, {len(classes)} classes", classes, {dataset: mapping})
            SCHEMES.register(scheme)


def own_classes(labels: Iterable[str]) -> tuple[str, ...]:
    """Return the classes of a table's own labels: numbers by size, words in alphabetical order.

    Examples
    --------
    >>> own_classes(["10", "2", "2"]), own_classes(["sad", "10", ""])
    (('2', '10'), ('10', 'sad'))
    """
    found = set(labels) - {""}
    return tuple(sorted(found, key=int if all(map(str.isdecimal, found)) else None))


def of_table(scheme: str | Scheme | None) -> Scheme:
    """Return the scheme of a table, by name or as it is; None is the table's own labels."""
    if scheme is None or scheme == OWN_LABELS.name:
        return OWN_LABELS
    return scheme if isinstance(scheme, Scheme) else SCHEMES[scheme]


def resolve(dataset: str, scheme: str | Scheme) -> Scheme:
    """Return a scheme by name, or the one given, if it labels `dataset`.

    Raises
    ------
    MerError
        ``unknown name``, or ``invalid option`` if it has no mapping for the data set.
    """
    scheme = scheme if isinstance(scheme, Scheme) else SCHEMES[scheme]
    if dataset not in scheme.mapping:
        fitting = [name for name, known in SCHEMES.items() if dataset in known.mapping]
        raise MerError(
            "invalid option",
            f"label scheme {scheme.name!r} does not label {dataset!r}",
            f"one of {', '.join(fitting)}",
            "choose one of them, or pass a Scheme of your own",
        )
    return scheme

"""The one error that every room raises for something the user can put right."""


class MerError(Exception):
    """A problem with an input, a file or a setting, with its remedy.

    Parameters
    ----------
    what : str
        What was found, naming the file or value.
    expected : str
        What was expected instead.
    remedy : str
        What the user can do about it.

    Examples
    --------
    >>> print(MerError("profile 'huge' is unknown", "one of demo, smoke", "choose one of them"))
    profile 'huge' is unknown; expected one of demo, smoke. Remedy: choose one of them.
    """

    def __init__(self, what: str, expected: str, remedy: str) -> None:
        super().__init__(what, expected, remedy)
        self.what, self.expected, self.remedy = what, expected, remedy

    def __str__(self) -> str:
        return f"{self.what}; expected {self.expected}. Remedy: {self.remedy}."

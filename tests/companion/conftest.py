"""Pages are tested with few resamples, which change no word but the last digits."""

from helpers import few_resamples

__all__ = ["few_resamples"]

"""Made clips: synthetic twins of CASME II, SAMM and SMIC-HS, on disk in the originals' layouts.

The licensed data cannot be shipped, so the default data are drawn: each subject a face of its
own, each emotion the action units (AUs) that the Facial Action Coding System (FACS) lists for
it, as smooth displacements of a few pixels on the face's landmarks. Frames, folders, file
names and spreadsheets are those of the originals, quirks included, and are read by the same
code. **Nothing measured on them is evidence about faces.** What is known of every clip (true
apex, strength of each AU, head drift) lies beside it in ``ground_truth.parquet``, which only
tests and one chapter of the book read.

Its modules::

    durations   how long the phases last
    population  who shows what, when: the rows of a made data set
    emotions    which action units a clip shows
    dynamics    how strongly each acts in each frame; ``phase_difference``, ``fall_information``
    identity    the numbers that make a face a person's own
    canvas      the paper it is drawn on, and where its parts lie
    features    eyes, brows, lips, hair and what is around the head
    face        the whole face at rest
    motion      where action units move the skin
    stage       where the face stands in the frame, and how it drifts
    clips       one clip: face, motion, drift, light, noise
    sheets      spreadsheets, folder and file names
    settings    what decides a data set's bytes
    drawing     many clips into files
    writer      a whole data set on disk
    truth       what is true of its clips
"""

from mer_utils.synthetic.clips import Clip, make_clip
from mer_utils.synthetic.dynamics import DEFAULT_FALL_INFORMATION, DEFAULT_PHASE_DIFFERENCE
from mer_utils.synthetic.truth import ground_truth, true_displacement
from mer_utils.synthetic.writer import write

__all__ = [
    "DEFAULT_FALL_INFORMATION",
    "DEFAULT_PHASE_DIFFERENCE",
    "Clip",
    "ground_truth",
    "make_clip",
    "true_displacement",
    "write",
]

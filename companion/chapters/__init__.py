"""What single chapters compute and show: frames of clips, scores or settings in, tables out.

A notebook imports the modules of its chapter: ``from companion.chapters import errors, page``.

- `page`: what tables look like on a page, and the links that save them
- `clips`: data sets counted: subjects, clips, durations, action units
- `networks`: sizes and costs of the networks
- `tables`: scores and differences of tables 2 to 8, laid out and quoted
- `pitfalls`: scores averaged over subjects, a mistake that needs no run of its own
- `backwards`: play the fall backwards, how the phases' images are related
- `phase_difference`: the gain of dual on made clips of known phases
- `errors`, `attention`: what the networks miss, and where they look
- `all_results`: the scores of all tables, and what of them is computed
- `summary`: the words of the one-page summary
- `ground_truth`, `true_motion`: what was drawn in made clips, and what dynamic images show of it
- `assumptions`: the register of assumptions, with each value read from the code
- `session`: the checkout that a notebook belongs to, and the parameters it was given
"""

from companion.chapters.session import prepare as _prepare

_prepare()

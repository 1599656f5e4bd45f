"""What single chapters compute and show: frames of clips, scores or settings in, tables out.

A notebook imports the modules of its chapter: ``from companion.chapters import errors, page``.

- `page`: what tables look like on a page, and the links that save them
- `clips`: chapter 1, data sets counted: subjects, clips, durations, action units
- `networks`: chapter 4, sizes and costs of the networks
- `results`: chapter 5, scores and differences of table 2, and what every table shares
- `ablations`: chapters 6 to 11, tables 3 to 8, and which comparison answers which question
- `pitfalls`: chapter 11, mistakes that need no run of their own
- `phase_difference`: chapter 12, the gain of dual on made clips of known phases
- `errors`, `attention`: chapter 13, what the networks miss, and where they look
- `all_results`: the scores of all tables, and what of them is computed
- `summary`: the words of the one-page summary
- `ground_truth`, `true_motion`: what was drawn in made clips, and what dynamic images show of it
- `assumptions`: the register of assumptions, with each value read from the code
"""

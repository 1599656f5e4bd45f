"""The book: Jupytext notebooks, run by papermill, rendered by Jupyter Book.

- `pipeline.build`: the whole road in order;
- `prepare`, `execute`, `executed`: notebooks read and checked, run where something changed,
  kept with what made them; `fingerprint`: SHA-256 of files, folders and values;
- `normalise`, `attachments`, `banner`, `stage`: what differs from run to run taken out, files
  put beside the pages, the line that says which data and profile made a page, and the source
  folder that Jupyter Book reads; `contents`: its table of contents against the pages;
- `scenarios`: what the tests hold of what has once gone wrong, counted from their source;
- `render`: a cold build, swapped in when it is complete;
- `accessible`, `cards`, `metadata`, `numbered`, `reference`, `parallel`: Sphinx extensions, for
  boxes in which wide content scrolls, cards beside links, what is said of a shared link, numbers
  of tables made in cells, pages made from the code, and all cores to write pages on;
- `provenance`: versions, commit and run times, for the Status page;
- `serve`, `pdf`, `check`, `lint`: the site over http, the whole book as one PDF, notebooks in
  a plain session, their style.
"""

import sys

# jsonschema, which nbformat loads, compiles a grammar of addresses as it is imported, for one
# second in every process. No notebook's schema holds an address.
if "rfc3987_syntax" not in sys.modules:
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

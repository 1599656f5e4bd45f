"""The command ``mer``: thin commands over the rooms; `main` puts them together."""

"""``python -m mer_utils``: the command ``mer``, where that is not on the path."""

from mer_utils.cli.main import main

if __name__ == "__main__":
    main()

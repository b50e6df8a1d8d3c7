"""``python -m tunewise`` is the ``tunewise`` command."""

from tunewise.cli import main

if __name__ == "__main__":
    main()

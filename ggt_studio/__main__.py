"""`python -m ggt_studio` is `ggt-studio`."""

from ggt_studio.cli import main

if __name__ == "__main__":
    main()

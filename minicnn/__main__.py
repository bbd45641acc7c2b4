"""`python -m minicnn` is the `minicnn` command."""

from .cli import main

if __name__ == "__main__":
    main(prog_name="minicnn")

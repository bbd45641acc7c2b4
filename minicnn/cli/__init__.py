"""The command line: what is asked for and what is shown. The work itself is done in the rooms below."""

from .main import main

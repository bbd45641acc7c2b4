"""The command line as a person uses it: one command, what it printed, and the one line in which a mistake is told."""

from click.testing import CliRunner

from minicnn.cli import main


def run(*words):
    """Click's Result of `minicnn WORDS`; an exception that is no expected error is raised."""
    return CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)


def refused(*words):
    """The one line that a mistake is told in."""
    result = run(*words)
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1, result.stderr
    return result.stderr[7:-1]

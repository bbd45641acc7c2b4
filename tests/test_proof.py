"""The proof table: what it says, that it says the same twice, that README quotes it, and that survivors turn it red."""

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from minicnn import proof
from minicnn.exercises import cases, mutants
from minicnn.functional.dropout import dropout, dropout_forward

README = Path(__file__).parents[1] / "README.md"


def run(*arguments):
    """(exit status, what was printed)"""
    printed = StringIO()
    with redirect_stdout(printed):
        status = proof.main(arguments)
    return status, printed.getvalue()


def test_the_readme_quotes_the_whole_table():
    """To bring the README up to date: python -m minicnn.proof --write README.md"""
    status, table = run("--markdown")
    assert status == 0, table
    rows = [line.split(" | ") for line in table.splitlines()[2:]]
    assert [row[0].lstrip("| ") for row in rows] == [*cases.operations(), "in all"]
    assert all(killed == planted for killed, planted in (row[-1].rstrip(" |").split(" of ") for row in rows))
    assert README.read_text(encoding="utf-8").split(proof.MARKER)[1].strip() == table.strip()


def test_the_table_is_the_same_twice():
    assert run("dropout", "linear", "Adam") == run("dropout", "linear", "Adam")


def test_a_survivor_is_named_and_turns_the_exit_status(monkeypatch):
    equivalent = mutants.Mutant("dropout", dropout, "forward", dropout_forward, "This is no mistake at all.")
    monkeypatch.setattr("minicnn.exercises.mutants.registry.MUTANTS", [*mutants.MUTANTS, equivalent])
    status, printed = run("dropout")
    assert status == 1
    assert "6 of 7" in printed
    assert "survived: dropout.dropout_forward (forward): This is no mistake at all." in printed


def test_a_check_that_fails_is_named_and_turns_the_exit_status():
    with mutants.planted(mutants.of("dropout")[0]):
        status, printed = run("dropout")
    assert status == 1
    assert "failed: dropout, p = 0.3: " in printed


def test_an_unknown_operation_is_refused(capsys):
    with pytest.raises(SystemExit) as end:
        proof.main(["conv9d"])
    assert end.value.code == 2
    assert "no operation called conv9d; there are conv2d," in capsys.readouterr().err


def test_the_table_is_written_between_the_markers(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n\n{proof.MARKER}\nold\n{proof.MARKER}\n\nafter\n", encoding="utf-8")
    assert run("--write", str(readme), "dropout") == (0, "")
    before, table, after = readme.read_text(encoding="utf-8").split(proof.MARKER)
    assert (before, after) == ("before\n\n", "\n\nafter\n")
    assert table.strip() == run("--markdown", "dropout")[1].strip()


@pytest.mark.parametrize("error, least, text", [
    (0.0, 1e-12, "< 1e-12"), (9e-14, 1e-12, "< 1e-12"), (2e-13, 1e-12, "< 1e-09"), (3e-9, 1e-7, "< 1e-07"), (float("nan"), 1e-7, "–")])
def test_errors_are_shown_as_bounds_that_do_not_depend_on_the_machine(error, least, text):
    assert proof.bound(error, least) == text

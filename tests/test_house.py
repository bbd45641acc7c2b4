"""The house rules that a machine can check: quick import, short functions and files, docstrings, a README that is true."""

import ast
import configparser
import importlib
import inspect
import pkgutil
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import minicnn

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "minicnn"
SOURCES = sorted(PACKAGE.rglob("*.py"))

# What only some rooms need, and what would make `import minicnn` slow.
NOT_AT_IMPORT = ["matplotlib", "PIL", "rich", "click", "platformdirs", "scipy", "sklearn", "numba", "cupy", "onnx", "torch",
                 "urllib.request", "http", "asyncio", "multiprocessing.pool", "concurrent.futures"]

MAX_FILE = 400          # lines
MAX_FUNCTION = 40       # lines, without the docstring


# Import

def test_import_is_quick():
    """By what it loads, not by the clock: NumPy, the standard library's small parts, and our own rooms below the front door."""
    code = "import sys, numpy; before = set(sys.modules); import minicnn; print(*sorted(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout.split()
    assert "minicnn.tensor" in loaded
    assert sorted(set(loaded) & set(NOT_AT_IMPORT)) == []


# Each name is imported with nothing of `minicnn` loaded but what `import minicnn` itself loads.
IMPORTED_ALONE = """
import importlib, sys
import minicnn
first = set(sys.modules)
for name in sys.argv[1:]:
    for loaded in [loaded for loaded in sys.modules if loaded.startswith("minicnn.") and loaded not in first]:
        above, _, last = loaded.rpartition(".")
        if above in first:
            delattr(sys.modules[above], last)
        del sys.modules[loaded]
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(f"{name}: {error}")
"""


@pytest.mark.parametrize("room", ["graph", "onnx"])
def test_every_module_can_be_imported_alone(room):
    """In whatever order: modules that import each other work only from one end."""
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in sorted((PACKAGE / room).rglob("*.py"))]
    failed = subprocess.run([sys.executable, "-c", IMPORTED_ALONE, *names], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert failed == ""


# Functions and files

def functions(path):
    """(name, lines of code) of every function in a file; compiled kernels, which may be longer, left out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not is_compiled(node, path):
            yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", code_lines(node)


def code_lines(node):
    """Lines of a function from `def` to its end, without the docstring."""
    documented = ast.get_docstring(node, clean=False) is not None
    docstring = node.body[0].end_lineno - node.body[0].lineno + 1 if documented else 0
    return node.end_lineno - node.lineno + 1 - docstring


def is_compiled(node, path):
    """Numba's and CuPy's kernels: their room, or a decorator that compiles."""
    decorators = " ".join(ast.unparse(decorator) for decorator in node.decorator_list)
    return bool({"cpu", "gpu"} & set(path.relative_to(PACKAGE).parts)) or "jit" in decorators or "compiled" in decorators


ALL_FUNCTIONS = [found for path in SOURCES for found in functions(path)]


def test_no_function_is_long():
    assert [f"{name}: {length} lines" for name, length in ALL_FUNCTIONS if length > MAX_FUNCTION] == []


@pytest.mark.parametrize("share, limit", [(0.5, 5), (0.9, 16)])
def test_functions_are_short(share, limit):
    """Half under 5 lines, nine of ten under 16; if not, the longest are named as the first to look at."""
    under = sum(length < limit for _, length in ALL_FUNCTIONS) / len(ALL_FUNCTIONS)
    longest = sorted(ALL_FUNCTIONS, key=lambda found: -found[1])[:30]
    assert under >= share, f"{under:.0%} of the functions are under {limit} lines, of {share:.0%}:\n" + "\n".join(
        f"{length:3} {name}" for name, length in longest)


def test_no_file_is_long():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: length for name, length in lengths.items() if length > MAX_FILE} == {}


def test_every_file_says_what_it_is_for():
    without = [str(path.relative_to(ROOT)) for folder in (PACKAGE, ROOT / "tests", ROOT / "examples", ROOT / "benchmarks")
               for path in sorted(folder.rglob("*.py")) if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert without == []


# What is installed

def test_every_room_is_installed():
    """A folder without `__init__.py` works in a checkout, and is missing after `pip install .`."""
    assert [str(path.parent) for path in SOURCES if not (path.parent / "__init__.py").exists()] == []


def test_every_data_file_is_installed():
    """By the patterns of setup.cfg: the embedded digits would be missing after `pip install .` else."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    patterns = {package: words.split() for package, words in setup["options.package_data"].items()}
    files = [path.relative_to(ROOT) for path in PACKAGE.rglob("*")
             if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts]
    assert [str(path) for path in files if not any(
        path.match(pattern) for pattern in patterns.get(".".join(path.parent.parts), []))] == []


# Docstrings

def public_modules():
    """The modules that a user imports from: no part of their path begins with an underscore, none needs a GPU."""
    names = [info.name for info in pkgutil.walk_packages(minicnn.__path__, "minicnn.")]
    return [minicnn] + [importlib.import_module(name) for name in names if "._" not in name and ".gpu" not in name]


def exported(module):
    """The classes and functions that a module offers: those in `__all__`, else its public ones from inside the package."""
    for name in getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]:
        value = getattr(module, name)
        if (inspect.isclass(value) or inspect.isfunction(value)) and value.__module__.startswith("minicnn"):
            yield value


FRONT_DOORS = ["minicnn", "minicnn.autograd", "minicnn.nn", "minicnn.nn.functional", "minicnn.nn.init", "minicnn.nn.utils",
               "minicnn.optim", "minicnn.optim.lr_scheduler", "minicnn.data", "minicnn.data.transforms", "minicnn.metrics",
               "minicnn.models", "minicnn.serialize"]


@pytest.mark.parametrize("door", FRONT_DOORS)
def test_what_is_offered_is_documented(door):
    without = [f"{value.__module__}.{value.__qualname__}" for value in exported(importlib.import_module(door))
               if not inspect.getdoc(value)]
    assert without == []


def test_every_module_can_be_imported():
    assert len(public_modules()) > 20


# The README

README = ROOT / "README.md"


def commands():
    """The command lines of the README's shell blocks, without prompt, comment and continuation."""
    blocks = re.findall(r"```(?:sh|bash|shell|console)\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line.strip().removeprefix("$ "), comments=True) for line in lines if line.strip()]


def test_the_readme_shows_how_to_start_and_how_to_test():
    shown = [" ".join(command) for command in commands()]
    assert any("pip install" in command for command in shown)
    assert any("minicnn train" in command for command in shown)
    assert any("python -m pytest -q" in command for command in shown)


def test_ci_runs_the_readme_s_test_command():
    assert "python -m pytest -q" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_readme_s_commands_exist():
    """Every `minicnn ...` and its options are known to the command line; every file that is named is there."""
    from minicnn.cli import main

    for command in commands():
        if "minicnn" in command:
            arguments = command[command.index("minicnn") + 1:]
            found = main
            for word in arguments:
                if not hasattr(found, "commands") or word.startswith("-"):      # `minicnn data sheet`: a group and its command
                    break
                assert word in found.commands, command
                found = found.commands[word]
            known = {option for parameter in found.params for option in (*parameter.opts, *parameter.secondary_opts)}
            given = {word.split("=")[0] for word in arguments if word.startswith("--")} - {"--help", "--version"}
            assert given <= known, command
        for word in command:
            if word.endswith((".py", ".toml", ".cfg")):
                assert (ROOT / word).exists(), command


def test_the_readme_s_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", README.read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []

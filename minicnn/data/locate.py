"""Where the files of a data set are: in a given folder, from a package of the system, in the user's cache, or downloaded."""

import os
from pathlib import Path

from ..errors import BadType, DataError


def locate(source, names, root=None, download=False, progress=None):
    """{name: path} of files of a catalogue.Source, each plain or gzipped.

    root      a folder that has the files, or that of torchvision's ROOT/FashionMNIST/raw; None: the system's and the user's folders
    download  True: look in all these places, then download to `root`, or to the cache
    progress  as in download.fetch

    Raises DataError that says where to put which files.
    """
    _check_root(root, download)
    places = [] if root is None else _given_places(source, root)
    if root is None or download:
        places += [Path(folder) for folder in source.system_folders] + [cache_folder(source)]
    for place in places:
        found = {name: path for name in names if (path := _find(place, name))}
        if len(found) == len(names):
            return found
    if not download:
        package = _package_hint(source) if root is None else ""
        raise DataError(
            f"{source.name}: {', '.join(_missing(places, names))} not found in {' or '.join(map(str, places))}. Put the files there "
            f"(plain or .gz){package}, or have them downloaded (download=True; on the command line, leave out --data-dir)")
    return _download(source, names, cache_folder(source) if root is None else _given_places(source, root)[-1], progress)


def _check_root(root, download):
    if not isinstance(root, str | os.PathLike | None):
        raise BadType(f"the folder must be a path, got {root!r}")
    if root is not None and not Path(root).is_dir() and (Path(root).exists() or not download):
        raise DataError(f"{root} is not a folder" if Path(root).exists() else f"there is no folder {root}")


def _given_places(source, root):
    """The folder itself; of the MNIST family also torchvision's below it, where downloads go."""
    return [Path(root)] if source.members else [Path(root), Path(root) / source.folder / "raw"]


def cache_folder(source):
    import platformdirs

    return Path(platformdirs.user_cache_dir("minicnn", appauthor=False)) / source.name


def _find(place, name):
    """The file in a folder, with or without .gz; None if neither is there."""
    candidates = (place / name, place / name.removesuffix(".gz"))
    return next((path for path in candidates if path.is_file()), None)


def _missing(places, names):
    """The names that are in none of the folders; all of them if the folders only together have all."""
    return [name for name in names if not any(_find(place, name) for place in places)] or names


def _package_hint(source):
    return f", install the package {source.package} (Debian, Ubuntu)" if source.package else ""


def _download(source, names, folder, progress):
    from .download import fetch

    try:
        return {file.name: _find(folder, file.name) or
                fetch([mirror + file.name for mirror in source.mirrors], folder / file.name, file.size, file.sha256, progress)
                for file in source.files if file.name in names}
    except DataError as error:
        raise DataError(f"{source.name}: {error}. Put {', '.join(names)} (plain or .gz) into {folder}"
                        f"{_package_hint(source)}") from None

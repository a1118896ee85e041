"""Prints the bytes that this interpreter with its standard library takes on disk, without its tests and tools, and those of
the packages named as arguments with all that they ask for, as they are installed.
"""

import os
import re
import sys
import sysconfig
from importlib import metadata

LEFT_OUT = {"ensurepip", "idlelib", "lib2to3", "pydoc_data", "site-packages", "dist-packages", "test", "tkinter", "turtledemo"}


def below(folder):
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in LEFT_OUT and not name.startswith("config-")]
        yield from (os.path.join(place, name) for name in files)


def with_what_they_ask_for(names):
    seen, left = {}, list(names)
    while left:
        name = re.match(r"[\w.-]+", left.pop()).group()
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        if package.metadata["Name"] not in seen:
            seen[package.metadata["Name"]] = package
            left += [ask for ask in package.requires or [] if "extra ==" not in ask]
    return seen.values()


def size(files):
    return sum(os.path.getsize(file) for file in {os.path.realpath(file) for file in files} if os.path.isfile(file))


libraries = [os.path.join(sysconfig.get_config_var("LIBDIR") or "", sysconfig.get_config_var("INSTSONAME") or "")]
print(size([sys.executable, *libraries, *below(sysconfig.get_paths()["stdlib"])]))
print(size(file.locate() for package in with_what_they_ask_for(sys.argv[1:]) for file in package.files or []))

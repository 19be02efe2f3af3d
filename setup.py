"""Carries data/ into the wheel; everything else stands in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithData(build_py):
    """A wheel has no folder beside the package, so data/ goes into it."""

    def run(self):
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib, "dcgan_keras", "data_files")
            shutil.copytree("data", target, dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithData})

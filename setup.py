"""The extension: native/*.c behind one cffi API-mode module. Everything else is in pyproject.toml."""

from setuptools import setup

setup(cffi_modules=["sensor/_build.py:ffibuilder"])

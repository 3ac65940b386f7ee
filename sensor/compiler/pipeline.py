"""pySigma's processing pipelines: files, folders of them, or names of installed ones, as sigma-cli takes them."""

from collections.abc import Sequence
from pathlib import Path

import yaml
from sigma.exceptions import SigmaError
from sigma.plugins import InstalledSigmaPlugins
from sigma.processing.pipeline import ProcessingPipeline
from sigma.processing.resolver import ProcessingPipelineResolver

from sensor.errors import LinsangError


def open_pipeline(specs: Sequence[str]) -> ProcessingPipeline | None:
    """All of `specs` as one, in the order of their priorities; None without any. LinsangError: one cannot be used."""
    if not specs:
        return None
    files = {spec for spec in specs if Path(spec).exists() or Path(spec).suffix in {".yml", ".yaml"}}
    resolver = ProcessingPipelineResolver()
    if set(specs) - files:
        resolver = InstalledSigmaPlugins.autodiscover().get_pipeline_resolver()
    for spec in specs:
        if spec not in files and spec not in resolver.pipelines:
            known = ", ".join(sorted(resolver.pipelines)) or "none is installed"
            raise LinsangError(f"no processing pipeline `{spec}`", f"give a file, or one of: {known}")
        try:
            if spec in files:
                _look_at(Path(spec))
            resolver.resolve([spec])
        except (SigmaError, yaml.YAMLError, OSError, UnicodeDecodeError, TypeError, ValueError, KeyError) as error:
            raise LinsangError(f"{spec}: no processing pipeline: {_reason(error)}") from None
    return resolver.resolve(list(specs))


def _look_at(path: Path) -> None:
    """ValueError, OSError, YAMLError: what pySigma would pass over or stumble upon."""
    if path.is_dir():
        if not any(path.glob("**/*.yml")):  # as ProcessingPipelineResolver.resolve
            raise ValueError("no file in the folder has a name that ends in .yml")
    elif not isinstance(yaml.safe_load(path.read_bytes().decode()), dict):
        raise ValueError("it is not a mapping")


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 at byte {error.start}"
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return reason or type(error).__name__

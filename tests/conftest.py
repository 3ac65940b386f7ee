"""For all tests."""

import pytest
from hypothesis import settings

# A deadline is a timing assertion: it fails where the machine is busy, and says nothing of the code.
settings.register_profile("linsang", deadline=None)
settings.load_profile("linsang")


@pytest.hookimpl(trylast=True)  # after the conftest files that say which tests are the kernel's
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes run the tests, one runs all that watch the kernel, which there is only one of; of the
    others each file stays together, as do its fixtures."""
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            alone = item.get_closest_marker("kernel") is not None
            item.add_marker(pytest.mark.xdist_group("kernel" if alone else item.path.name))

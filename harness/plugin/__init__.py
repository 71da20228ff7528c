"""The pytest plugin: plans as tests, topologies as fixtures.

This is what pytest loads, by entry point or by `pytest_plugins = ["harness.plugin"]` in a conftest; both may happen at
once. The plugin itself goes by the name of b2b, so that `-p no:b2b` keeps it out.
"""

from __future__ import annotations

import pytest

NAME = "b2b"


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Bring in the plugin itself, unless it is there or not wanted."""
    if not pluginmanager.is_blocked(NAME) and not pluginmanager.has_plugin(NAME):
        from harness.plugin import hooks

        pluginmanager.register(hooks, NAME)

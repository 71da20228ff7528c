"""Marks the root of the project for pytest, and brings pytester, which tests the plugin."""

pytest_plugins = ["pytester"]

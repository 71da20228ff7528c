"""Broken and hostile input for everything of ours that reads: targets, and three ways of running them."""

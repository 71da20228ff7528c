"""Plans: who calls whom, read from TOML, checked, and resolved to addresses before anything runs."""

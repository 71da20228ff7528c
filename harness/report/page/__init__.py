"""The page about a call: report.html, one file that carries all that it shows and asks nobody for anything."""

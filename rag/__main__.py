"""`python -m rag` does what the command `rag` does, for an interpreter whose scripts are not on the path."""

from __future__ import annotations

from rag.cli import main

if __name__ == "__main__":
    main()

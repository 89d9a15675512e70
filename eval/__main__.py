"""`python -m eval` does what the command `rag-eval` does, for an interpreter whose scripts are not on the path."""

from __future__ import annotations

from eval.cli import main

if __name__ == "__main__":
    main()

"""The errors a user can meet, as one tree; each says what was found and what to do.

RagError
├── ConfigError        a configuration file does not say a valid pipeline
├── CorpusError        the corpus as a whole cannot be read (one bad document is counted instead)
├── FilterError        a filter on metadata (`--where`) is malformed or too large
├── QuestionError      a question file does not fit its corpus
├── StoreError         an index on disk cannot be used
├── ModelError         a model or tokenizer cannot be loaded or gave something unusable
│   └── ChatError      a chat model did not give a usable reply; `why` says in a word what happened
└── MissingExtra       an optional dependency is not installed
"""


class RagError(Exception):
    """Base of every error meant for a person: its text is one line that names the fix."""


class ConfigError(RagError):
    """A configuration is wrong; the message carries the path, what was found and what is allowed."""


class CorpusError(RagError):
    """The corpus as a whole cannot be read."""


class FilterError(RagError, ValueError):
    """A filter on metadata is malformed or too large; the message says where and what was expected."""


class QuestionError(RagError):
    """A question set is malformed or does not fit the corpus."""


class StoreError(RagError):
    """An index directory is missing, damaged, busy, or was built by something incompatible."""


class ModelError(RagError):
    """A model cannot be found or loaded, or returned something unusable."""


class ChatError(ModelError):
    """A chat model did not give a usable reply. `why` is one of `WHY`; `retry` says whether asking again may help."""

    WHY = (
        "timeout",
        "rate_limited",
        "server",
        "unreachable",
        "disconnected",
        "refused",
        "truncated",
        "malformed",
        "rejected",
        "too_long",
        "over_budget",
        "not_recorded",
    )
    RETRY = frozenset({"timeout", "rate_limited", "server", "unreachable", "disconnected"})

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        if why not in self.WHY:
            raise ValueError(f"{why!r} is no reason; choose: {', '.join(self.WHY)}")
        self.why, self.retry = why, why in self.RETRY


class MissingExtra(RagError):
    """An optional dependency is needed and absent."""

    def __init__(self, package: str, extra: str, what: str) -> None:
        super().__init__(f"{what} needs the package {package!r}: pip install 'spanwise[{extra}]'")
        self.package, self.extra = package, extra

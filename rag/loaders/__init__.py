"""Reading corpora: one file per format, one registry of suffixes (`base`), one door (`corpus.read`)."""

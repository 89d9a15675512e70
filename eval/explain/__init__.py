"""Where evidence is lost between corpus and score, and what each stage of a pipeline is worth."""

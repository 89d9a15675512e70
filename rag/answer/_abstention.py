"""What every answerer says instead of an answer."""

ABSTENTION = "The indexed documents do not answer this."

"""One module per competitor: imports its library and nothing of this project but the protocol (`own` and `loop` excepted)."""

"""Questions made from a corpus, by rule or by a chat model: marked as synthetic, with verified evidence, for a person to review."""

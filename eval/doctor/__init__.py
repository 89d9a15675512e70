"""What is wrong with a question set, and how small a difference it can show: one module per check."""

"""Chat models: who is asked, and how."""

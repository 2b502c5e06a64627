"""A catalogue run around the Ray graph: what has to be done, what came of it, and its publication. Knows no Ray."""

"""Words: length windows, script labels, prompts, and the decoding loop that turns prepared clips into narrations."""

"""What the networks compute: vision encoder, memory of earlier clips, the narrating language model. Knows no Ray."""

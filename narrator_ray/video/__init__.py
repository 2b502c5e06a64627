"""From a local video file to clips and frames: probe, find shots, decode. Knows no models, no storage and no Ray."""

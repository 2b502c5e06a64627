"""The narration endpoint: a Ray Serve application with its web page.

    serve run serve_app.app:build preset=nano

One request goes the way that one row of a catalogue goes in the batch job, by the same functions:

    ingress (CPU, no torch)     upload -> checks -> clips -> frames        -> context -> events, results
    encoder (GPU or CPU)                                      -> tokens
    narrator (GPU or CPU)                                                      -> labels and narrations, clip by clip

``settings`` is the argument of the builder, ``app`` puts the deployments together, ``way`` is the way of one video and
knows neither HTTP nor Ray, ``http`` is what clients see. The package imports ``narrator_ray``, never the reverse.
"""

"""Where the work runs on Ray: one file per stage, each a thin callable over the packages that say what is computed."""

"""``python -m narrator_ray`` is the command line."""

from narrator_ray.cli import main

if __name__ == "__main__":
    main()

"""How the weights of preset nano are made: films of the storefront, two stages of training, figures.

settings.py   the recipe
work.py       the work directory
draw.py       films -> feature maps
align.py      the Q-Former learns to tell what is seen
narrate.py    the rest learns to narrate; the file that ships
judge.py      figures on unseen films
"""

"""The paper's ablations at nano's scale: six narrators that differ in one thing each, trained alike and judged alike.

    films drawn and seen -> aligned start -> for every variant: samples -> trained -> judged -> table

Every variant sees the same films in the same order, one a step, with the same recipe, and begins with the same weights.
What is done is kept and not done again: a training goes on from its last checkpoint, a judged variant is left alone.

Source: paper, section 5 (ablations a to e of table 2).
"""

"""The knowledge budget: room in a story, facts of its product, and how much of both is used."""

import pytest

from narrator_ray.demo.films import training_films
from narrator_ray.demo.plan import window_of
from narrator_ray.evaluation.knowledge_budget import budget_used, knowledge_budget
from narrator_ray.records import KnowledgePoint, Product


def product(num_facts):
    """With facts 1 to N."""
    return Product("Mug", tuple(KnowledgePoint("effect", f"fact {number}") for number in range(1, num_facts + 1)))


@pytest.mark.parametrize(
    ("num_facts", "windows", "budget"),
    [
        (9, [(7, 13)], 1),
        (9, [(14, 20)], 1),
        (9, [(15, 21)], 2),
        (9, [(25, 31)], 3),
        (9, [(7, 13), (15, 21), (25, 31)], 6),
        (4, [(7, 13), (15, 21), (25, 31)], 4),
        (0, [(7, 13)], 0),
    ],
)
def test_a_story_has_room_for_a_fact_a_line(num_facts, windows, budget):
    """And for no more facts than there are."""
    assert knowledge_budget(product(num_facts), windows) == budget


def test_a_fact_of_two_categories_is_one():
    """A catalogue may say the same under two headings."""
    doubled = Product("Mug", (KnowledgePoint("effect", "holds tea"), KnowledgePoint("use", "holds tea")))
    assert knowledge_budget(doubled, [(7, 13)] * 3) == 1


@pytest.mark.parametrize(
    ("told", "used"),
    [
        ([[], [], []], 0),
        ([["fact 1"], ["fact 1"], []], 1 / 3),
        ([["fact 1", "fact 2"], [], []], 2 / 3),
        ([["fact 1", "fact 2"], ["fact 3"], ["fact 4"]], 1),
    ],
)
def test_what_is_told_again_does_not_count_again(told, used):
    """Nor does more than there is room for."""
    assert budget_used(told, product(5), [(7, 13)] * 3) == pytest.approx(used)


def test_nothing_to_tell_is_all_told():
    """A product without facts."""
    assert budget_used([[]], product(0), [(7, 13)]) == 1.0


def test_scripts_of_the_storefront_use_most_of_it():
    """A yardstick for stories: nine tenths."""
    used = []
    for film in training_films("train", range(30)):
        windows = [window_of(clip.duration_s) for clip in film.clips]
        used.append(budget_used([shot.facts for shot in film.script], film.product.to_product(), windows))
    assert 0.85 < sum(used) / len(used) < 0.97

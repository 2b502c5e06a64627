"""What leaks from the storefront into stories of other products: every word is caught, and none that has reason."""

import pytest

from narrator_ray.demo.tables import kinds, market, vocabulary
from narrator_ray.evaluation.outside import read_outside
from narrator_ray.records import KnowledgePoint, Product

ROCKET = Product(
    "Corvane Delta Model Rocket Kit",
    tuple(
        KnowledgePoint(category, point)
        for category, point in (
            ("size", "stands 61 centimeters tall"),
            ("flight", "flies up to 320 meters high"),
            ("color", "white body tube with orange fins"),
            ("price", "$34.95"),
        )
    ),
)
NOUNS = ("rocket", "rockets", "kit")


@pytest.mark.parametrize(
    ("text", "leaked"),
    [
        ("Meet the Corvane Delta Model Rocket Kit, a find for curious friends.", ()),
        ("This white rocket stands 61 centimeters tall.", ()),
        ("This blue rocket stands 61 centimeters tall.", ("blue",)),
        ("In the kitchen, this rocket flies up to 320 meters high.", ("kitchen",)),
        ("Below snowy peaks, watch this rocket bounce.", ("snowy", "peaks", "bounce")),
        ("This mug flies up to 320 meters high.", ("mug",)),
        ("Say hello to Lumora, just $34.95.", ("Lumora",)),
        ("The Ember rocket is here.", ("Ember",)),
        ("Like an ember in the sky.", ()),
        ("Take a closer look, it stands tall.", ()),
    ],
)
def test_what_has_no_reason_has_leaked(text, leaked):
    """Words of the product's data, of the picture and of plain English have reason."""
    assert read_outside(text, ROCKET, NOUNS, seen=["closer"]).leaked == leaked


def test_every_word_of_the_storefront_is_caught():
    """All goods, colours, places, motions, brands and lines."""
    product, words = Product("Zorvex"), vocabulary()
    known = [*words.known_scene.values(), *words.known_motion.values()]
    phrases = [*words.colour, *(phrase for some in known for phrase in some), *market().brands, *market().lines]
    phrases += [f"this {noun.lower()}" for kind in kinds().values() for noun in (*kind.nouns, kind.good)]
    assert [phrase for phrase in phrases if not read_outside(f"We have {phrase}.", product, ["thing"]).leaked] == []


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("The Corvane Delta Model Rocket Kit is here.", "right"),
        ("A corvane delta model rocket kit for you.", "right"),
        ("These rockets fly high.", "right"),
        ("It flies up to 320 meters high.", "unnamed"),
        ("The Corvane Delta Mug is here.", "wrong"),
        ("The Corvane Model Rocket is here.", "wrong"),
        ("This lamp flies up to 320 meters high.", "wrong"),
        ("Pocket it.", "unnamed"),
    ],
)
def test_a_name_is_copied_whole_or_not_at_all(text, verdict):
    """By name or noun; part of a name is no name."""
    assert read_outside(text, ROCKET, NOUNS).product == verdict


def test_facts_are_read_as_those_of_the_storefront():
    """Told, contradicted and invented."""
    text = "It flies up to 320 meters high, 320 centimeters wide, with a lead-free glaze for $19."
    facts = read_outside(text, ROCKET, NOUNS).facts
    assert facts.told == ("flies up to 320 meters high",)
    assert facts.contradicted == ("320 centimeters",)
    assert facts.invented == ("a lead-free glaze", "19")


def test_words_that_nobody_gave_are_strange():
    """Those of the phrasebook, the product, its nouns and the picture are not; what has leaked is not counted twice."""
    reading = read_outside("Watch this pink rocket kit climb quixotically, Lumora.", ROCKET, NOUNS, seen=["climb"])
    assert reading.leaked == ("pink", "Lumora")
    assert reading.strange_words == ("quixotically",)

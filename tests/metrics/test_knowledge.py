"""A product as points: shortened as released, whole as standard."""

from narrator_ray.metrics.knowledge import released_points, standard_points
from narrator_ray.records import KnowledgePoint, Product
from tests.metrics.golden import needs_golden, recorded, videos

PRODUCT = Product(
    "【小店】滋润面霜",
    (KnowledgePoint("成分", "PRO维生素B 5"), KnowledgePoint("功效", "保湿"), KnowledgePoint("通用卖点", "保湿")),
)


def test_released_points_lose_shop_and_what_follows_a_space():
    """Equal ones count once."""
    assert released_points(PRODUCT) == ("滋润面霜", "PRO维生素B", "保湿")


def test_standard_points_are_whole():
    """Equal ones count once."""
    assert standard_points(PRODUCT) == ("【小店】滋润面霜", "PRO维生素B 5", "保湿")


@needs_golden
def test_points_are_those_of_the_released_code():
    """Its table of weights is not needed: the products name the same points in the same order."""
    for item in recorded("expected_info_diverse.json.gz")["per_video"]:
        assert list(released_points(videos()[item["video"]].product)[1:]) == item["points"]

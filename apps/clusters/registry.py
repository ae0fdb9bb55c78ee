"""Finding or making the row that an action then saves."""

from apps.clusters.models import Cluster


def prepare(*, slug: str, name: str = "", region: str = "") -> Cluster:
    """The row of that slug, new or known, with its words checked but not saved. Raises ValidationError."""
    row = Cluster.objects.filter(slug=slug).first() or Cluster(slug=slug)
    row.name = name or row.name or slug
    row.region = region or row.region
    row.clean_fields(exclude=["server"])
    return row

"""The first page: the choice of clusters, and how each of them does."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.clusters.models import Cluster
from tests.inference.mirrored import Mirrored

pytestmark = pytest.mark.django_db


def cluster(slug: str) -> Cluster:
    return Cluster.objects.create(slug=slug, name=slug.title(), server="https://127.0.0.1:1", token="nothing")


def test_the_choice_says_how_each_cluster_does(client_of: Callable[[User], Client], bob: User) -> None:
    mirrored = Mirrored(cluster("west").pk)
    mirrored.node("node-1", gpus=8)
    mirrored.deployment("beginning", ready=0)
    mirrored.write()
    cluster("east")
    text = client_of(bob).get("/").content.decode()
    assert "1 needs attention" in text and "8 of 8 GPUs free" in text
    assert "Not read yet" in text

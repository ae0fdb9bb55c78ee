"""The API server is gone, and what comes back is another one. The last of the outages: its pool ends here."""

import pytest

from tests.outages.portal import Portal, answers, problem, register, timed
from tests.processes import until

pytestmark = [pytest.mark.xdist_group("outages"), pytest.mark.devcluster]


def test_a_stopped_cluster_is_shown_as_it_was_and_a_new_one_is_taken_over(portal: Portal) -> None:
    known, cluster = portal.pods(), portal.stack.programs["cluster"]
    cluster.ask_to_stop()
    cluster.wait_stopped()
    answer = portal.assign(sorted(known)[0], "production")
    assert (answer.status_code, problem(answer)["code"]) == (503, "cluster_unreachable")
    assert int(answer.headers["retry-after"]) >= 1
    timed("unreachable, it is said", lambda: until(lambda: portal.state()["stale"], seconds=30))
    page = portal.bob.page("/c/demo/nodes/")
    assert "unreachable" in page.lower() and portal.pods() == known
    cluster.start()
    until(lambda: answers(portal.outside), seconds=30, what="the cluster to be back")
    register(portal, portal.stack.kubeconfig)
    portal.recovered()
    until(lambda: not portal.alice.ask("deployments"), seconds=30, what="the mirror of the empty cluster")
    assert portal.ended(portal.deploy("on-the-new-one"))["status"] == "succeeded"

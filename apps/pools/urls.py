"""Addresses under `/c/<cluster>/`."""

from django.urls import URLPattern, path

from apps.pools import service_tab, views
from apps.pools.board import views as board
from apps.pools.distribution import views as distribution
from apps.pools.guard import views as guard
from apps.pools.history import views as history
from apps.pools.rollouts import views as rollouts
from apps.pools.scaling import views as scaling
from apps.pools.shares import views as shares

app_name = "pools"
POOL = "pools/<slug:namespace>/<slug:name>/"
urlpatterns: list[URLPattern] = [
    path("pools/", views.pool_list, name="pool_list"),
    path("deploy/service/", service_tab.create, name="configure_service"),
    path(POOL, views.pool_detail, name="pool_detail"),
    path(f"{POOL}pods/", views.pool_pods, name="pool_pods"),
    path(f"{POOL}board/move/", board.move, name="board_move"),
    path(f"{POOL}move/", views.move, name="move"),
    path(f"{POOL}distribute/", distribution.distribute, name="distribute"),
    path(f"{POOL}distribute/start/", distribution.start, name="distribute_start"),
    path(f"{POOL}shares/", shares.shares, name="shares"),
    path(f"{POOL}shares/save/", shares.save, name="shares_save"),
    path(f"{POOL}shares/switch/", shares.switch, name="shares_switch"),
    path(f"{POOL}shares/end-exception/", shares.end_exception, name="end_exception"),
    path(f"{POOL}shares/clear-aside/", shares.clear_aside, name="clear_aside"),
    path(f"{POOL}history/", history.history, name="history"),
    path(f"{POOL}history/export.csv", history.export, name="history_csv"),
    path(f"{POOL}history/undo/", history.undo, name="history_undo"),
    path(f"{POOL}history/undo/start/", history.undo_start, name="history_undo_start"),
    path(f"{POOL}rollout/", rollouts.rollout, name="rollout"),
    path(f"{POOL}rollout/preview/", rollouts.preview, name="rollout_preview"),
    path(f"{POOL}rollout/start/", rollouts.start, name="rollout_start"),
    path(f"{POOL}guard/", guard.tab, name="guard"),
    path(f"{POOL}guard/state/", guard.state, name="guard_state"),
    path(f"{POOL}guard/install/", guard.install, name="guard_install"),
    path(f"{POOL}guard/remove/", guard.remove, name="guard_remove"),
    path(f"{POOL}scale/preview/", scaling.preview, name="scale_preview"),
    path(f"{POOL}scale/", scaling.scale, name="scale"),
    path(f"{POOL}services/", views.create_service, name="create_service"),
    path(f"{POOL}services/<slug:service>/delete/", views.delete_service, name="delete_service"),
]

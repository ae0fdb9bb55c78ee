"""Addresses under `/c/<cluster>/`."""

from django.urls import path

from apps.clusters import views

app_name = "clusters"
urlpatterns = [path("nodes/", views.node_list, name="node_list")]

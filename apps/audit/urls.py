"""The audit's pages."""

from django.urls import path

from apps.audit import views

app_name = "audit"
urlpatterns = [
    path("", views.entry_list, name="list"),
    path("export.csv", views.export, {"form": "csv"}, name="export_csv"),
    path("export.jsonl", views.export, {"form": "jsonl"}, name="export_jsonl"),
    path("<int:pk>/", views.entry_detail, name="detail"),
]

"""The pages of operations."""

from django.urls import path

from apps.operations import views

app_name = "operations"
urlpatterns = [
    path("", views.operation_list, name="list"),
    path("<int:pk>/", views.operation_detail, name="detail"),
    path("<int:pk>/log/", views.operation_log, name="log"),
    path("<int:pk>/cancel/", views.operation_cancel, name="cancel"),
    path("<int:pk>/retry/", views.operation_retry, name="retry"),
]

"""Where fragments are asked for one by one, without a socket."""

from django.urls import path

from apps.live import views

app_name = "live"
urlpatterns = [
    path("fragment/<str:token>/", views.fragment, name="fragment"),
    path("stream/<str:token>/", views.stream, name="stream"),
]

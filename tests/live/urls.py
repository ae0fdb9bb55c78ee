"""The site of the browser tests: one page of live parts, and where their pieces are asked for."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path


def page(request: HttpRequest) -> HttpResponse:
    return render(request, "live_test/browser.html", {"cluster_id": 1})


urlpatterns = [path("", page), path("live/", include("apps.live.urls"))]

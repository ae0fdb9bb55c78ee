"""The pages of this app."""

app_name = "pools"
urlpatterns = []

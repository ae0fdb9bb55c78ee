"""Clusters in the admin site: credentials can be replaced there, never read."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from apps.clusters import actions
from apps.clusters.models import Cluster
from apps.gateways.connection import from_kubeconfig
from apps.gateways.errors import Invalid

if TYPE_CHECKING:  # django-stubs knows these as generic, Django itself does not
    ModelForm = forms.ModelForm[Cluster]
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelForm = forms.ModelForm
    ModelAdmin = admin.ModelAdmin


class WriteOnlyText(forms.Textarea):
    """A place for a secret: what was sent is not sent back, also when the form is shown again."""

    def format_value(self, value: Any) -> str:
        """Nothing."""
        return ""


class ClusterForm(ModelForm):
    """A cluster's words, and a place to paste a kubeconfig whose credentials replace the stored ones."""

    kubeconfig = forms.CharField(
        label=_("Kubeconfig"),
        required=False,
        strip=False,
        widget=WriteOnlyText(attrs={"rows": 12, "autocomplete": "off", "spellcheck": "false"}),
        help_text=_(
            "Paste one with a token or a client certificate. It is not shown again; leave empty to keep it."
        ),
    )
    context = forms.CharField(label=_("Context"), required=False, help_text=_("Empty: the current context."))

    class Meta:
        model = Cluster
        fields = ["slug", "name", "region", "default_namespace", "active"]

    def clean(self) -> dict[str, Any]:
        """Read the kubeconfig; a new cluster needs one."""
        data = super().clean() or {}
        text = data.get("kubeconfig", "")
        if not text.strip():
            if not self.instance.pk:
                self.add_error("kubeconfig", _("A new cluster needs a kubeconfig."))
            return data
        try:
            data["connection"] = from_kubeconfig(text, data.get("context", ""))
        except Invalid as error:
            self.add_error("kubeconfig", error.message)
        return data


@admin.register(Cluster)
class ClusterAdmin(ModelAdmin):
    """Every save and delete goes through the same actions as the command line's."""

    form = ClusterForm
    list_display = ["slug", "name", "region", "server", "active", "updated_at"]
    readonly_fields = ["server", "version", "created_at", "updated_at"]
    fields = [
        "slug", "name", "region", "default_namespace", "active", "kubeconfig", "context",
        "server", "version", "created_at", "updated_at",
    ]  # fmt: skip

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """As Django's, without its transaction around everything: an action opens its own."""
        inner: Any = self  # the stubs leave the inner view out
        response: HttpResponse = inner._changeform_view(request, object_id, form_url, extra_context)
        return response

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """As Django's, without its transaction around everything: an action opens its own."""
        inner: Any = self
        response: HttpResponse = inner._delete_view(request, object_id, extra_context)
        return response

    def save_model(self, request: HttpRequest, obj: Cluster, form: ClusterForm, change: bool) -> None:
        """Save through the audited action."""
        connection = form.cleaned_data.get("connection")
        if connection:
            actions.register_cluster(by=request.user, cluster=obj, connection=connection)
        else:
            actions.change_cluster(by=request.user, cluster=obj)

    def delete_model(self, request: HttpRequest, obj: Cluster) -> None:
        """Delete through the audited action."""
        actions.remove_cluster(by=request.user, cluster=obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Delete each through the audited action."""
        for row in queryset:
            actions.remove_cluster(by=request.user, cluster=row)

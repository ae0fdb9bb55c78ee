"""The registry: which clusters there are and how the portal reaches them."""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from apps.accounts.secrets import EncryptedTextField
from apps.audit.entries import Target
from apps.gateways.connection import Connection

slug_words = RegexValidator(
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
    _("Only lower-case letters, digits and '-', beginning and ending with a letter or digit."),
)


class Cluster(models.Model):
    """One cluster. Credentials are encrypted; `version` rises with every save, so connections are renewed."""

    slug = models.CharField(_("tag"), max_length=63, unique=True, validators=[slug_words])
    name = models.CharField(_("name"), max_length=120)
    region = models.CharField(_("region"), max_length=40, blank=True)
    server = models.CharField(_("API server"), max_length=500)
    ca_data = models.TextField(_("CA certificate"), blank=True)
    token = EncryptedTextField(_("token"), blank=True)
    client_certificate_data = models.TextField(_("client certificate"), blank=True)
    client_key_data = EncryptedTextField(_("client key"), blank=True)
    default_namespace = models.CharField(_("default namespace"), max_length=63, default="default")
    active = models.BooleanField(_("watched"), default=True)
    version = models.PositiveBigIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["slug"]
        verbose_name = _("cluster")
        verbose_name_plural = _("clusters")

    def __str__(self) -> str:
        return self.name or self.slug

    def save(self, *args: object, **kwargs: object) -> None:
        """Save, with a new version once the row exists."""
        if self.pk and not self._state.adding:
            self.version = F("version") + 1
        super().save(*args, **kwargs)  # type: ignore[arg-type]  # passed through as they came
        if not isinstance(self.version, int):
            self.refresh_from_db(fields=["version"])

    def connection(self) -> Connection:
        """Where and as whom. Raises gateways' Invalid when the row holds something unacceptable."""
        return Connection(
            server=self.server,
            ca_data=self.ca_data,
            token=self.token,
            client_certificate_data=self.client_certificate_data,
            client_key_data=self.client_key_data,
            namespace=self.default_namespace,
        )

    def audit_target(self) -> Target:
        """Who the audit says was touched."""
        return Target(kind="cluster", name=self.slug, cluster=self.slug)

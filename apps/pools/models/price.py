"""What an hour of a node costs, by its instance type."""

from decimal import Decimal

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class NodePrice(models.Model):
    """The price of a node of an instance type for an hour, edited by admins; today's counts for all time."""

    instance_type = models.CharField(
        _("instance type"), max_length=64, unique=True, help_text=_("As the nodes say it: ml.p5.48xlarge")
    )
    price = models.DecimalField(
        _("price per hour"), max_digits=12, decimal_places=4, validators=[MinValueValidator(Decimal(0))]
    )
    currency = models.CharField(
        _("currency"),
        max_length=3,
        default="USD",
        validators=[RegexValidator(r"^[A-Z]{3}$", _("Three capital letters, for example USD."))],
    )

    class Meta:
        ordering = ["instance_type"]
        verbose_name = _("node price")
        verbose_name_plural = _("node prices")

    def __str__(self) -> str:
        return f"{self.instance_type}: {self.price} {self.currency}"

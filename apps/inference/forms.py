"""What people type about deployments, checked field by field; the API's requests go through here too."""

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from apps.clusters.models import Cluster
from apps.gateways import labels
from apps.inference import capacity, naming
from apps.inference.commands import CommandError, Engine, EngineCommand, parse
from apps.inference.commands.engines import LONGEST_MODEL_ID, MOST_PARALLEL
from apps.inference.commands.words import LONGEST
from apps.inference.statuses import Access, Kind
from apps.inference.wishes import IMAGES, Wish

MOST_REPLICAS = 20
_IMAGE = re.compile(
    r"[a-z0-9][A-Za-z0-9._/-]*(:[0-9]+/[A-Za-z0-9._/-]+)?(:[A-Za-z0-9._-]{1,128})?(@sha256:[0-9a-f]{64})?\Z"
)
_TOKEN = re.compile(r"[\x21-\x7e]*\Z")
_KEY = re.compile(r"[A-Za-z0-9_-]{0,100}\Z")


class DeployForm(forms.Form):
    """A model to deploy. After `is_valid()`, `wish` is what to deploy, `cleaned_data["token"]` its token."""

    command = forms.CharField(
        label=_lazy("Command"),
        max_length=LONGEST,
        strip=False,
        widget=forms.Textarea(
            attrs={"rows": 4, "class": "form-control font-monospace", "spellcheck": "false"}
        ),
        help_text=_lazy("The engine's own command. Model, port and GPUs are read from it."),
    )
    engine = forms.ChoiceField(
        label=_lazy("Engine"), choices=[("", _lazy("From the command")), *Engine.choices], required=False
    )
    model_id = forms.CharField(
        label=_lazy("Model"),
        max_length=LONGEST_MODEL_ID,
        required=False,
        help_text=_lazy("Only to overrule what the command says."),
    )
    replicas = forms.IntegerField(label=_lazy("Replicas"), min_value=1, max_value=MOST_REPLICAS, initial=1)
    gpus = forms.IntegerField(
        label=_lazy("GPUs per pod"),
        min_value=0,
        max_value=MOST_PARALLEL,
        required=False,
        help_text=_lazy("Empty: tensor x pipeline x data parallel of the command."),
    )
    as_pool = forms.BooleanField(
        label=_lazy("Deploy as Model Pool"),
        required=False,
        help_text=_lazy("Its pods are lent to businesses one by one; no Service is made."),
    )
    access = forms.ChoiceField(
        label=_lazy("Reached"), choices=Access.choices, initial=Access.CLUSTER, required=False
    )
    namespace = forms.CharField(label=_lazy("Namespace"), max_length=63, required=False)
    name = forms.CharField(
        label=_lazy("Name"),
        max_length=naming.LONGEST,
        required=False,
        help_text=_lazy("Empty: made from the model."),
    )
    image = forms.CharField(
        label=_lazy("Image"), max_length=300, required=False, help_text=_lazy("Empty: the engine's newest.")
    )
    instance_types = forms.MultipleChoiceField(
        label=_lazy("Instance types"), required=False, help_text=_lazy("None chosen: any node with room.")
    )
    cpu = forms.DecimalField(
        label=_lazy("CPU cores"), min_value=Decimal("0.1"), max_value=512, decimal_places=3, required=False
    )
    memory = forms.IntegerField(label=_lazy("Memory (GiB)"), min_value=1, max_value=8192, required=False)
    token = forms.CharField(
        label=_lazy("HuggingFace token"),
        max_length=200,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_lazy("Kept as a Secret in the cluster only; nobody can read it here again."),
    )
    key = forms.CharField(max_length=100, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, cluster: Cluster, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cluster = cluster
        self.parsed: EngineCommand | None = None
        self.fields["namespace"].initial = cluster.default_namespace
        types = capacity.instance_types(cluster.pk)
        self.fields["instance_types"].choices = [(value, value) for value in types]  # type: ignore[attr-defined]
        if not types:
            self.fields["instance_types"].widget = forms.MultipleHiddenInput()

    def clean(self) -> dict[str, Any]:
        """Read the command and check what only makes sense together."""
        data = super().clean() or self.cleaned_data
        self._read_command(data)
        self._check_texts(data)
        if self.parsed and not self.errors.get("gpus"):
            self._check_gpus(data, self.parsed)
        return data

    @property
    def wish(self) -> Wish:
        """What to deploy; only after `is_valid()`."""
        data, command = self.cleaned_data, self.parsed
        assert command is not None  # a form without a readable command is not valid
        kind = Kind.POOL if data["as_pool"] else Kind.STANDARD
        return Wish(
            command=command,
            text=data["command"],
            image=data["image"] or IMAGES[command.engine],
            namespace=data["namespace"] or self.cluster.default_namespace,
            replicas=data["replicas"],
            gpus=gpus_of(data, command),
            name=data["name"],
            kind=kind,
            access=Access.NONE if kind is Kind.POOL else Access(data["access"] or Access.CLUSTER),
            instance_types=tuple(data["instance_types"]),
            cpu=f"{data['cpu']:f}" if data["cpu"] else None,
            memory=f"{data['memory']}Gi" if data["memory"] else None,
        )

    def _read_command(self, data: dict[str, Any]) -> None:
        if "command" not in data or "model_id" not in data:
            return
        try:
            self.parsed = parse(data["command"], engine=data.get("engine", ""), model_id=data["model_id"])
        except CommandError as error:
            self.add_error("command", str(error))
            return
        if not self.parsed.model_id:
            self.add_error("model_id", _("The command names no model; type its id here."))
        if self.parsed.engine is Engine.CUSTOM and not data.get("image"):
            self.add_error("image", _("This command is no engine's that the portal knows; name its image."))

    def _check_texts(self, data: dict[str, Any]) -> None:
        problems = {
            "namespace": labels.name_problem(data["namespace"]) if data.get("namespace") else "",
            "name": name_problem(data.get("name", "")),
            "image": ""
            if not data.get("image") or _IMAGE.match(data["image"])
            else _("That is no image's name."),
            "token": "" if _TOKEN.match(data.get("token", "")) else _("A token has no spaces."),
            "key": "" if _KEY.match(data.get("key", "")) else _("That is no request key."),
        }
        for field, problem in problems.items():
            if problem:
                self.add_error(field, problem)

    def _check_gpus(self, data: dict[str, Any], command: EngineCommand) -> None:
        problem = capacity.problem(
            self.cluster.pk, gpus=gpus_of(data, command), instance_types=data.get("instance_types") or []
        )
        if problem:
            self.add_error("gpus" if data.get("gpus") is not None else "command", problem)


class ScaleForm(forms.Form):
    """A new number of pods."""

    replicas = forms.IntegerField(
        label=_lazy("Replicas"),
        min_value=0,
        max_value=MOST_REPLICAS,
        widget=forms.NumberInput(attrs={"class": "form-control"}),
    )


class UndeployForm(forms.Form):
    """What to remove; a pool asks for its name to be typed."""

    part = forms.ChoiceField(
        choices=[
            ("all", _lazy("Deployment and Service")),
            ("deployment", _lazy("Only the Deployment")),
            ("service", _lazy("Only the Service")),
        ],
        required=False,
    )
    confirm = forms.CharField(max_length=63, required=False)
    reason = forms.CharField(max_length=500, required=False)

    def clean_part(self) -> str:
        """Everything, unless said otherwise."""
        return str(self.cleaned_data["part"] or "all")


def gpus_of(data: dict[str, Any], command: EngineCommand) -> int:
    """The typed number of GPUs, else the command's."""
    typed = data.get("gpus")
    return command.gpus if typed is None else int(typed)


def name_problem(name: str) -> str:
    """Say why a deployment may not be called so; "" when it may, or when none was typed."""
    if not name or naming.is_name(name):
        return ""
    return _("At most %(most)d lower-case letters, digits and “-”, beginning with a letter.") % {
        "most": naming.LONGEST
    }


def problems_of(form: forms.Form) -> ValidationError:
    """The form's complaints as one error, for the API: {field: [sentences]}."""
    return ValidationError({field: [str(text) for text in texts] for field, texts in form.errors.items()})

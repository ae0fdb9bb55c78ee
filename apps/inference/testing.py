"""Model testing: requests to begin with, what a person typed, and the same call as a program."""

import json
import shlex
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.gateways.errors import Invalid
from apps.gateways.kubernetes.paths import safe_path
from apps.inference.calls import METHODS
from apps.inference.json_text import json_problem

MOST_PAYLOAD = 900_000  # below DATA_UPLOAD_MAX_MEMORY_SIZE, with room for the other fields
MESSAGES = [
    {"role": "system", "content": "You are an AI assistant."},
    {"role": "user", "content": "Hello, how are you today?"},
]
CHAT = {"messages": MESSAGES, "max_tokens": 100, "temperature": 0.7, "stream": True}
COMPLETION = {"prompt": "Once upon a time", "max_tokens": 100, "stream": True}


@dataclass(frozen=True)
class Preset:
    """A request to begin with; the page puts the model into `payload`, None for GET."""

    name: str
    title: str | Promise
    path: str
    payload: dict[str, Any] | None = None

    def described(self) -> dict[str, Any]:
        """As static/js/model-test.js reads it."""
        return {"name": self.name, "path": self.path, "payload": self.payload}


PRESETS = [
    Preset("chat", _("Chat"), "/v1/chat/completions", CHAT),
    Preset("completion", _("Completion"), "/v1/completions", COMPLETION),
    Preset("embeddings", _("Embeddings"), "/v1/embeddings", {"input": "The quick brown fox"}),
    Preset("models", _("List of models"), "/v1/models"),
]
LANGUAGES = [("curl", "cURL"), ("python", "Python"), ("javascript", "JavaScript")]


class CallForm(forms.Form):
    """A call as the page's fields say it. `url_path` and `query` are only there after `is_valid()`."""

    service = forms.CharField(max_length=320)
    method = forms.ChoiceField(choices=[(name, name) for name in METHODS])
    path = forms.CharField(max_length=2000)
    payload = forms.CharField(max_length=MOST_PAYLOAD, required=False, strip=False)

    def clean_service(self) -> tuple[str, str]:
        """(namespace, name)."""
        namespace, slash, name = str(self.cleaned_data["service"]).partition("/")
        if not (namespace and slash and name) or "/" in name:
            raise forms.ValidationError(_("Choose a service."))
        return namespace, name

    def clean_path(self) -> tuple[str, str]:
        """(the path with its segments quoted, without a leading slash; the query)."""
        path, _mark, query = str(self.cleaned_data["path"]).partition("?")
        if not path.startswith("/"):
            raise forms.ValidationError(_("The path begins with “/”."))
        try:
            return safe_path(path), urlencode(parse_qsl(query, keep_blank_values=True))
        except Invalid as error:
            raise forms.ValidationError(error.message) from error

    def clean_payload(self) -> str:
        """JSON, where the method takes any."""
        text = str(self.cleaned_data["payload"])
        if self.data.get("method") == "GET":
            return ""
        if problem := json_problem(text):
            raise forms.ValidationError(problem)
        return text

    def problem(self, field: str) -> str:
        """What is wrong with one field; "" for nothing."""
        return " ".join(str(text) for text in self.errors.get(field, []))


def snippet(language: str, url: str, payload: str) -> str:
    """A program that makes the call and prints the answer as it comes; the token comes from PORTAL_TOKEN.

    `payload` is checked JSON, "" for GET.
    """
    return {"python": python, "javascript": javascript}.get(language, curl)(url, payload)


def curl(url: str, payload: str) -> str:
    """For a shell."""
    lines = [f"curl --no-buffer --globoff {shlex.quote(url)}", '-H "Authorization: Bearer $PORTAL_TOKEN"']
    if payload:
        lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(payload)}"]
    return " \\\n  ".join(lines) + "\n"


def python(url: str, payload: str) -> str:
    """For Python's own library."""
    body = f"PAYLOAD = {literal(json.loads(payload))}\n" if payload else ""
    data = "\n    data=json.dumps(PAYLOAD).encode()," if payload else ""
    return f"""import json
import os
import urllib.request

{body}request = urllib.request.Request(
    {json.dumps(url)},{data}
    headers={{
        "Authorization": f"Bearer {{os.environ['PORTAL_TOKEN']}}",
        "Content-Type": "application/json",
    }},
)
with urllib.request.urlopen(request, timeout=600) as answer:
    for line in answer:
        print(line.decode(), end="", flush=True)
"""


def literal(value: Any, indent: str = "") -> str:
    """A JSON value as Python writes it, one step further in per level."""
    inner = indent + "    "
    if isinstance(value, dict) and value:
        lines = [f"{inner}{key!r}: {literal(item, inner)},\n" for key, item in value.items()]
        return "{\n" + "".join(lines) + indent + "}"
    if isinstance(value, list) and value:
        return "[\n" + "".join(f"{inner}{literal(item, inner)},\n" for item in value) + indent + "]"
    return repr(value)


def javascript(url: str, payload: str) -> str:
    """For Node 18 or newer, as a module (.mjs)."""
    body = f"\n  body: JSON.stringify({indented(payload)})," if payload else ""
    return f"""const answer = await fetch({json.dumps(url)}, {{
  method: "{"POST" if payload else "GET"}",
  headers: {{
    Authorization: `Bearer ${{process.env.PORTAL_TOKEN}}`,
    "Content-Type": "application/json",
  }},{body}
}});
const text = new TextDecoder();
for await (const chunk of answer.body) process.stdout.write(text.decode(chunk, {{ stream: true }}));
if (!answer.ok) process.exit(1);
"""


def indented(payload: str) -> str:
    """JSON as it stands inside a call, two steps in."""
    return json.dumps(json.loads(payload), indent=2).replace("\n", "\n  ")

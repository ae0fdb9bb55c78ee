"""What is taken from a pasted kubeconfig, and what is refused."""

import base64
from typing import Any

import pytest
import yaml

from apps.gateways.connection import Connection, check_server, from_kubeconfig
from apps.gateways.errors import Invalid

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIC\n-----END PRIVATE KEY-----"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def kubeconfig(
    cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None, **context: str
) -> str:
    body = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": "https://10.0.0.1:6443", **(cluster or {})}}],
        "users": [{"name": "u", "user": {"token": "secret-token"} if user is None else user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", **context}}],
        "current-context": "x",
    }
    return yaml.safe_dump(body)


def test_a_token_kubeconfig_is_read() -> None:
    found = from_kubeconfig(kubeconfig({"certificate-authority-data": b64(CERTIFICATE)}, namespace="team"))
    assert found == Connection("https://10.0.0.1:6443", CERTIFICATE, "secret-token", namespace="team")


def test_client_certificate_data_is_read() -> None:
    user = {"client-certificate-data": b64(CERTIFICATE), "client-key-data": b64(KEY)}
    found = from_kubeconfig(kubeconfig(user=user))
    assert (found.client_certificate_data, found.client_key_data, found.namespace) == (
        CERTIFICATE,
        KEY,
        "default",
    )


def test_credentials_do_not_show() -> None:
    user = {"client-certificate-data": b64(CERTIFICATE), "client-key-data": b64(KEY), "token": "secret-token"}
    shown = repr(from_kubeconfig(kubeconfig(user=user)))
    assert "secret-token" not in shown and "PRIVATE" not in shown


def test_another_context_can_be_named() -> None:
    config = yaml.safe_load(kubeconfig())
    config["contexts"].append({"name": "y", "context": {"cluster": "c", "user": "u", "namespace": "other"}})
    assert from_kubeconfig(yaml.safe_dump(config), "y").namespace == "other"
    with pytest.raises(Invalid, match="no context named"):
        from_kubeconfig(yaml.safe_dump(config), "z")


@pytest.mark.parametrize(
    ("cluster", "user", "words"),
    [
        ({}, {"exec": {"command": "sh"}}, "runs a program"),
        ({}, {"auth-provider": {"name": "gcp"}}, "runs a program"),
        ({}, {"token": "t", "exec": {"command": "sh"}}, "runs a program"),
        ({}, {"tokenFile": "/etc/passwd"}, "from a file"),
        ({}, {"client-certificate": "/x", "client-key": "/y"}, "names a certificate file"),
        ({}, {"token": "t", "client-key": "/y"}, "names a key file"),
        ({}, {"username": "a", "password": "b"}, "Passwords"),
        ({}, {"token": "t", "as": "system:admin"}, "not accepted"),
        ({}, {}, "no token"),
        ({}, {"token": "a\nX-Evil: 1"}, "characters"),
        ({}, {"token": ["a"]}, "must be text"),
        ({}, {"client-certificate-data": b64(CERTIFICATE)}, "needs its key"),
        ({"certificate-authority": "/etc/ca"}, None, "names a certificate file"),
        ({"certificate-authority-data": "%%%"}, None, "neither PEM"),
        ({"certificate-authority-data": b64("hello")}, None, "holds no PEM"),
        ({"proxy-url": "http://evil"}, None, "proxy"),
        ({"insecure-skip-tls-verify": True}, None, "certificate checks off"),
        ({"tls-server-name": "x"}, None, "not accepted"),
        ({"server": "http://10.0.0.1"}, None, "https://host:port"),
        ({"server": None}, None, "https://host:port"),
    ],
)
def test_it_refuses(cluster: dict[str, Any], user: dict[str, Any] | None, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        from_kubeconfig(kubeconfig(cluster, user))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "a: b",
        "{",
        "clusters: x",
        "!!python/object/apply:os.system [id]",
        "x" * 1_000_001,
        "[" * 5000,
    ],
)
def test_it_refuses_what_is_no_kubeconfig(text: str) -> None:
    with pytest.raises(Invalid):
        from_kubeconfig(text)


@pytest.mark.parametrize(
    "url",
    [
        "https://10.0.0.1",
        "https://127.0.0.1:6443",
        "https://[::1]:6443",
        "https://localhost:8443/",
        "https://ABC.gr7.us-west-2.eks.amazonaws.com",
        "https://rancher.example/k8s/clusters/c-1",
    ],
)
def test_servers_that_are_accepted(url: str) -> None:
    assert check_server(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "10.0.0.1:6443",
        "http://10.0.0.1",
        "ftp://10.0.0.1",
        "file:///etc/passwd",
        "https://",
        "https://:6443",
        "https://host:0",
        "https://host:99999",
        "https://host:port",
        "https://user:word@host",
        "https://user@host",
        "https://host?x=1",
        "https://host/#x",
        "https://host/../x",
        "https://host/%2e%2e/x",
        "https://ho st",
        "https://host\\@evil",
        "https://host\n.evil",
        "https://hôst",
        "https://169.254.169.254",
        "https://169.254.1.1:6443",
        "https://0xA9FEA9FE",
        "https://2852039166",
        "https://0251.0376.0251.0376",
        "https://169.254.43518",
        "https://[fe80::1]",
        "https://[fe80::1%25eth0]",
        "https://[fd00:ec2::254]",
        "https://[::ffff:169.254.169.254]",
        "https://[::ffff:a9fe:a9fe]",
        "https://100.100.100.200",
        "https://metadata.google.internal",
        "https://METADATA.google.internal.",
        "https://instance-data",
        "https://0.0.0.0",
        "https://0",
        "https://[::]",
        "https://224.0.0.1",
        "https://[::1",
    ],
)
def test_servers_that_are_refused(url: str) -> None:
    with pytest.raises(Invalid):
        Connection(url, token="t")

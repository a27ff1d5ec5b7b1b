"""The texts of everything that can be found on the way to a gateway, in it, and about a key it was shown.

The ids are stable: they stand in `check --json` and in the README.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wizard.verdict import Kind

_NETWORK: Final[Mapping[str, Kind]] = {
    "name-ok": Kind("pass", "{host} → {addresses}"),
    "name-by-proxy": Kind("skip", "Not tried: the proxy {proxy} ({where}) looks the name up."),
    "connected": Kind("pass", "{peer}"),
    "connected-by-proxy": Kind("pass", "{host}:{port} through the proxy {proxy} ({where})"),
    "address-invalid": Kind("fail", "The server URL can't be used.", "{advice}"),
    "dns-unknown": Kind(
        "fail", "No host is called {host}.", "Check the spelling; a name inside the company often needs the VPN."
    ),
    "dns-down": Kind(
        "fail", "No name server answers for {host} ({reason}).", "Check the network connection and the VPN."
    ),
    "refused": Kind("fail", "Nothing listens on {host}:{port}.", "Check the port, and that the gateway runs."),
    "connect-timeout": Kind(
        "fail",
        "{host}:{port} did not answer within {seconds:g} seconds.",
        "Check the VPN, and ask whether a firewall lets you through to that port.",
    ),
    "unreachable": Kind(
        "fail", "There is no way from here to {host}:{port} ({reason}).", "Check the network and the VPN."
    ),
    "reset": Kind(
        "fail",
        "{host}:{port} cut the connection.",
        "Check the port; a proxy or firewall in between, or a restart of the gateway, also looks like this.",
    ),
}

_PROXY: Final[Mapping[str, Kind]] = {
    "proxy-invalid": Kind(
        "fail", "The proxy in {where} {reason}.", "Correct {where}, or put {host} into NO_PROXY if it needs no proxy."
    ),
    "proxy-dead": Kind(
        "fail", "The proxy {proxy} ({where}) {reason}.", "Correct {where}, or put {host} into NO_PROXY."
    ),
    "proxy-refuses": Kind(
        "fail",
        "The proxy {proxy} ({where}) refuses to connect to {host}:{port} (HTTP {status}).",
        "Put {host} into NO_PROXY if it can be reached directly, or ask whoever runs the proxy to allow it.",
    ),
    "proxy-auth": Kind(
        "fail",
        "The proxy {proxy} ({where}) wants a user name and a password.",
        "Put them into {where} as http://USER:PASSWORD@{proxy}, or put {host} into NO_PROXY.",
    ),
}

_TLS: Final[Mapping[str, Kind]] = {
    "tls-unused": Kind("skip", "Not used: the gateway is reached over http."),
    "tls-ok": Kind("pass", "{issuer} · expires in {time_left}"),
    "tls-expires-soon": Kind(
        "warn",
        "The certificate, signed by {issuer}, expires in {time_left}.",
        "Tell whoever runs the gateway to renew it.",
    ),
    "tls-untrusted": Kind(
        "fail",
        "The certificate of {host} is signed by {issuer}, which Claude Code does not trust here.",
        "{advice}",
        {
            "issuer": "an authority",
            "advice": "Give that authority's PEM file as CA file (gateway.ca_file); if it is a well-known one, the"
            " server sends an incomplete chain.",
        },
    ),
    "tls-incomplete": Kind(
        "fail",
        "{host} sends an incomplete chain: the certificate of {issuer}, which signs the last one, is missing.",
        "{advice}",
    ),
    "tls-expired": Kind(
        "fail",
        "The certificate of {host} expired on {not_after}.",
        "Ask whoever runs the gateway to renew it, and check the clock of this machine.",
        {"not_after": "an earlier date"},
    ),
    "tls-not-yet": Kind(
        "fail",
        "The certificate of {host} is valid from {not_before} on.",
        "Check the clock of this machine; if it is right, tell whoever runs the gateway.",
        {"not_before": "a later date"},
    ),
    "tls-hostname": Kind(
        "fail",
        "The certificate is for {names}, and you asked for {host}.",
        "Use the name on the certificate, or ask whoever runs the gateway for a certificate with this one.",
        {"names": "another host"},
    ),
    "tls-version": Kind(
        "fail",
        "{host}:{port} breaks off the TLS handshake, as servers do that speak only old versions.",
        "Check the port, and ask whoever runs the gateway to offer TLS 1.2 or newer.",
    ),
    "tls-client-cert": Kind(
        "fail",
        "{host}:{port} wants a client certificate and got none that it accepts.",
        "{advice}",
        {"advice": "Give the client certificate and its key (gateway.client_cert, gateway.client_key)."},
    ),
    "tls-client-cert-unusable": Kind(
        "fail",
        "The client certificate {file} can't be used: {reason}.",
        "Give a PEM file and the key that belongs to it.",
    ),
    "tls-ca-missing": Kind("fail", "{where} names {file}, which does not exist.", "{advice}"),
    "tls-ca-unusable": Kind("fail", "{where} names {file}, which can't be used: {reason}.", "{advice}"),
    "tls-file-unused": Kind(
        "warn",
        "TLS works, but Claude Code passes over {file} ({where}): {reason}.",
        "Correct that path, or remove it.",
    ),
    "tls-failed": Kind(
        "fail",
        "TLS with {host}:{port} fails ({reason}).",
        "Check the port, and tell whoever runs the gateway what OpenSSL says.",
    ),
    "https-on-plain": Kind(
        "fail",
        "{host}:{port} speaks no TLS.",
        "Check the port: https usually has one of its own. Plain http is fit for a gateway on this machine only.",
    ),
}

_HTTP: Final[Mapping[str, Kind]] = {
    "http-on-tls": Kind("fail", "{host}:{port} speaks TLS.", "Write https:// instead of http://."),
    "not-http": Kind("fail", "{service} answers on {host}:{port}.", "Check the port."),
    "empty-reply": Kind(
        "fail",
        "{host}:{port} takes the request and closes without an answer.",
        "Check the port; a gateway that is just starting or a proxy in between also looks like this.",
    ),
    "no-answer": Kind(
        "fail",
        "{host}:{port} accepts the connection and says nothing for {seconds:g} seconds.",
        "Check the port, and ask whoever runs the gateway whether it is overloaded.",
    ),
    "too-slow": Kind(
        "fail",
        "{host}:{port} did not finish its answer within {seconds:g} seconds.",
        "Ask whoever runs the gateway whether it is overloaded, and check the network.",
    ),
    "too-big": Kind(
        "fail",
        "{host}:{port} sends more than {limit} bytes, which no LiteLLM does here.",
        "Check the URL: something else answers there.",
    ),
    "encoded": Kind(
        "fail",
        "{host}:{port} sends a compressed answer that nobody asked for.",
        "Check the URL, and whether a proxy in between changes answers.",
    ),
    "malformed": Kind(
        "fail", "{host}:{port} sends an answer that breaks the rules of HTTP.", "Check the port and the URL."
    ),
    "cut-body": Kind(
        "fail",
        "{host}:{port} closes in the middle of its answer.",
        "Run the check again; if it stays, ask whoever runs the gateway or the proxy in front of it.",
    ),
    "redirect-https": Kind(
        "fail",
        "{host}:{port} sends you on to {target}.",
        "Use that https URL: a redirect is never followed with a key.",
    ),
    "redirect-login": Kind(
        "fail",
        "A sign-in page stands in front of {host}:{port} ({target}).",
        "Ask whoever runs the gateway for an address that programs can use, or connect to the VPN.",
    ),
    "redirect-other": Kind(
        "fail",
        "{host}:{port} redirects to {target}.",
        "{advice}",
    ),
    "not-litellm": Kind(
        "fail",
        "{host}:{port} answers, but not as LiteLLM does: {seen}.",
        "Check the URL; a sign-in page of the network also looks like this.",
    ),
    "wrong-path": Kind(
        "fail",
        "No LiteLLM answers at {url} (HTTP {status}).",
        "{advice}",
    ),
    "forbidden": Kind(
        "fail",
        "{host}:{port} refuses the request before LiteLLM sees it (HTTP {status}).",
        "Ask whoever runs the gateway to let this machine through its firewall or sign-in.",
    ),
    "limited": Kind(
        "fail", "{host}:{port} limits the rate of requests (HTTP 429).", "Wait a moment, then run the check again."
    ),
    "upstream-down": Kind(
        "fail",
        "{host}:{port} answers that the gateway behind it does not work (HTTP {status}).",
        "Your settings are not the cause: tell whoever runs the gateway.",
    ),
}

_LITELLM: Final[Mapping[str, Kind]] = {
    "not-tried": Kind("skip", "Not tried: {reason}"),
    "ok": Kind("pass", "/health/liveliness"),
    "ok-slow": Kind(
        "warn",
        "The gateway works, and took {seconds:.1f} seconds to say so.",
        "Ask whoever runs it whether it is overloaded, and check the network.",
    ),
    "clock-skew": Kind(
        "warn",
        "The clocks of the gateway and of this machine differ by {minutes} minutes.",
        "Set the clock of this machine: keys that expire and certificates fail with a wrong one.",
    ),
    "database-connected": Kind("pass", "database connected"),
    "database-unused": Kind("pass", "ready, runs without a database"),
    "database-down": Kind(
        "warn",
        "The gateway serves requests although {state}.",
        "Your settings are not the cause: tell whoever runs the gateway.",
    ),
    "not-ready": Kind(
        "fail",
        "The gateway runs and is not ready: {state}.",
        "Your settings are not the cause: tell whoever runs the gateway.",
    ),
    "hidden": Kind(
        "warn",
        "The gateway is there, and something in front of it hides {path} (HTTP {status}).",
        "Go on, Claude Code does not need it; ask whoever runs the gateway to let {path} through.",
    ),
    "litellm": Kind("pass", "LiteLLM{version}"),
    "litellm-sign-in": Kind("pass", "LiteLLM{version}; its own sign-in for Claude Code is at {sign_in}"),
    "litellm-likely": Kind("pass", "LiteLLM by its sign of life; it does not show its configuration"),
    "routes": Kind("pass", "{served}"),
    "route-missing": Kind(
        "fail",
        "The gateway has no {route} route: {path} does not exist there.",
        "{advice}",
    ),
    "route-unknown": Kind(
        "warn",
        "The gateway does not show whether it has the {route} route (HTTP {status} on {path}).",
        "Go on: the key test finds out.",
    ),
}

_KEY: Final[Mapping[str, Kind]] = {
    "key-accepted": Kind("pass", "accepted · {count} models"),
    "key-accepted-no-models": Kind(
        "warn",
        "The gateway accepts the key and lists no model for it.",
        "Ask whoever runs the gateway to give the key a model.",
    ),
    "key-accepted-unlisted": Kind(
        "warn",
        "The gateway accepts the key for messages and does not let it list models.",
        "Type the names of the models that you were given, or ask for the route /v1/models as well.",
    ),
    "key-missing": Kind("fail", "The gateway got no key.", "Check what the key's source holds."),
    "key-malformed": Kind(
        "fail",
        "The key {hint} does not look like one of LiteLLM's, which start with sk-.",
        "Check what the key's source holds.",
    ),
    "key-unsendable": Kind(
        "fail",
        "The key {hint} can't be sent: it is empty, far too long, or holds blanks or odd characters.",
        "Put the bare key on one line into its source.",
    ),
    "key-unknown": Kind(
        "fail", "The gateway does not know the key {hint}.", "Check that it was made for this gateway and still exists."
    ),
    "key-unknown-no-database": Kind(
        "fail",
        "The gateway does not accept the key {hint}; it runs without a database and knows only its master key.",
        "Check the key, and ask whoever runs the gateway which one to use.",
    ),
    "key-database-down": Kind(
        "fail",
        "The gateway can't look the key {hint} up: its database does not answer.",
        "Your settings are not the cause: tell whoever runs the gateway.",
    ),
    "key-expired": Kind("fail", "The key {hint} {when}.", "Get a new one from where it came from."),
    "key-blocked": Kind("fail", "The key {hint} is blocked.", "Ask whoever runs the gateway to unblock it."),
    "key-group-blocked": Kind(
        "fail", "The {group} of the key {hint} is blocked.", "Ask whoever runs the gateway to unblock the {group}."
    ),
    "key-route-denied": Kind(
        "fail",
        "The key {hint} may not send messages: {message}",
        "Ask for a key for LLM calls; this one was made for something else.",
    ),
    "key-jwt-expired": Kind("fail", "By the gateway's clock the token {hint} ended {ago} ago{clocks}.", "{remedy}"),
    "key-jwt-early": Kind("fail", "By the gateway's clock the token {hint} is not valid {ahead}{clocks}.", "{remedy}"),
    "key-jwt-signature": Kind(
        "fail",
        "The gateway does not know the key that signed the token {hint}.",
        "Check the signing key in the wizard, and ask whoever runs the gateway which one it trusts.",
    ),
    "key-jwt-algorithm": Kind(
        "fail",
        "The gateway takes no tokens signed with {algorithm}.",
        "Choose RS256 or ES256 with a private key; LiteLLM's own JWT auth never takes HS256.",
    ),
    "key-jwt-claims": Kind(
        "fail",
        "The gateway misses something in the token {hint}: {message}",
        "Ask whoever runs the gateway which issuer and audience it wants, and put them into the claims.",
    ),
    "key-jwt-off": Kind(
        "fail",
        "The key is a JWT, and this gateway does not accept JWTs.",
        "Ask whoever runs the gateway to enable JWT auth, or use one of its sk- keys.",
    ),
    "key-jwt-licence": Kind(
        "fail",
        "The gateway has JWT auth enabled without the enterprise licence that it needs.",
        "Tell whoever runs the gateway, or use one of its sk- keys.",
    ),
    "key-refused": Kind(
        "fail", "The gateway does not accept the key {hint}: {message}", "Check the key and where it comes from."
    ),
    "key-forbidden": Kind(
        "fail",
        "A firewall or sign-in in front of the gateway refuses the request (HTTP {status}).",
        "Ask whoever runs the gateway to let this machine through.",
    ),
    "budget": Kind(
        "fail",
        "The key {hint} has used up {whose}{amounts}.",
        "Ask whoever runs the gateway to raise or reset it.",
    ),
    "key-limited": Kind(
        "warn",
        "The gateway accepts the key and limits it{which} right now{wait}.",
        "Wait a moment and run the test again; Claude Code needs a higher limit if this comes back.",
    ),
    "key-limit-zero": Kind(
        "fail",
        "The gateway allows the key {hint} no {limit} at all.",
        "Ask whoever runs the gateway to raise that limit.",
    ),
    "model-denied": Kind(
        "fail", "The key {hint} may not use the model {model}.", "Choose another model, or ask for access to this one."
    ),
    "model-unknown": Kind(
        "fail", "The gateway has no model called {model} on this route.", "Choose one that the gateway lists."
    ),
    "owner": Kind("pass", "{owner}"),
    "owner-expires-soon": Kind(
        "warn", "The key ends within a day: {owner}.", "Get one that lives longer before it ends."
    ),
    "owner-budget-low": Kind(
        "warn", "Nearly all of the budget is spent: {owner}.", "Ask whoever runs the gateway to raise it."
    ),
    "owner-unknown": Kind("skip", "Not tried: the gateway tells nothing about keys (it runs without a database)."),
    "owner-hidden": Kind("skip", "Not tried: the gateway does not let this key ask about itself."),
    "message-answered": Kind("pass", "{model} answered in {seconds:.1f} seconds"),
    "message-failed": Kind(
        "fail", "The gateway got no answer from {model} (HTTP {status}): {message}", "Tell whoever runs the gateway."
    ),
    "model-not-bedrock": Kind(
        "fail",
        "The model {model} is no Bedrock deployment, and the bedrock route takes no other.",
        "Choose the anthropic route, which takes every deployment.",
    ),
    "message-odd": Kind("fail", "The gateway's answer is no message: {seen}.", "Tell whoever runs the gateway."),
    "redirect-with-key": Kind(
        "fail",
        "The gateway answers a request with a redirect (HTTP {status}); a key is never sent after one.",
        "Run the health check again and use the address that it names.",
    ),
    "request-refused": Kind(
        "fail", "The gateway refuses the request (HTTP {status}): {message}", "Check the route and the model."
    ),
}

GROUPS: Final[Mapping[str, Mapping[str, Kind]]] = {
    "The way to the server": _NETWORK,
    "An HTTP proxy in between": _PROXY,
    "TLS and certificates": _TLS,
    "What answers there": _HTTP,
    "LiteLLM itself": _LITELLM,
    "The key, as the gateway sees it": _KEY,
}
"""The same, by where the fault is."""

CATALOGUE: Final[Mapping[str, Kind]] = {name: kind for group in GROUPS.values() for name, kind in group.items()}

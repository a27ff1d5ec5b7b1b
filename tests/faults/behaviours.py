"""What a server can do to a health check, each with the verdict a person should read: a table, used by the sweep."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

from tests.faults import servers
from tests.faults.servers import Handler, Talk, litellm, says, sends

TITLE = "<html><head><title>Welcome to [bold]Corp[/] \x1b[31mWi-Fi</title></head></html>"
OK_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
GOOD = OK_HEAD + b'Content-Length: 12\r\n\r\n"I\'m alive!"'
HTML: Final = "text/html"


@dataclass(frozen=True)
class Behaviour:
    """A server, the row that shows what is wrong with it, and its verdict (`a|b`: the kernel decides).

    `path` is that of the URL the check gets, `tls` what the server does instead of plain TCP (see `tests.faults.tls`).
    `cause` and `fix` must stand in the texts.
    """

    name: str
    handler: Handler
    verdict: str
    row: str = "gateway.alive"
    path: str = ""
    cause: str = ""
    fix: str = ""
    worst: str = "fail"


def paced(head: bytes, chunk: bytes, pause: float) -> Handler:
    """A server that sends a little at a time and never comes to an end."""
    return servers.endless(head, chunk, pause)


def dated(seconds: float) -> Handler:
    """A gateway whose clock differs; it is read at each request, as the suite runs for longer than the difference."""

    async def alive(talk: Talk) -> None:
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
        await says(200, servers.ALIVE, Date=date)(talk)

    return litellm(alive=alive)


def below(base: str) -> Handler:
    """A gateway that answers below a path only."""
    return litellm(base)


def after(seconds: float, then: Handler) -> Handler:
    """The same, later."""

    async def handle(talk: Talk) -> None:
        await asyncio.sleep(seconds)
        await then(talk)

    return handle


def by_path(other: Handler, **paths: Handler) -> Handler:
    """A server with an answer of its own for some paths; `_` in a name stands for `/`."""
    table = {name.replace("_", "/").encode(): handler for name, handler in paths.items()}

    async def handle(talk: Talk) -> None:
        head = await talk.request()
        path = head.split(b" ")[1]
        await table.get(path, other)(servers.heard(talk, head))

    return handle


async def drops_connections(talk: Talk) -> None:
    """Answer well, and cut the connection at once."""
    await talk.request()
    await talk.send(GOOD)
    servers.cut(talk)


async def half_closes(talk: Talk) -> None:
    """Close our half before the request is read, and never answer."""
    talk.writer.write_eof()
    await talk.reader.read(65536)


async def echoes(talk: Talk) -> None:
    """Send back what came, as an echo service does."""
    await talk.send(await talk.request())


def says_first(data: bytes, *, then: Callable[[Talk], object] = lambda _: None) -> Handler:
    """A service that speaks first, listens, and then cuts the connection or waits for ever."""

    async def handle(talk: Talk) -> None:
        await talk.send(data)
        await talk.request()
        then(talk)
        await servers.hangs(talk)

    return handle


def raw(head: str, body: bytes = b"") -> Handler:
    """These headers, this body."""
    return sends(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n" + body)


def chunked(body: bytes) -> Handler:
    """A body in chunks, as they stand here."""
    return sends(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body)


NOTHING_COMES = [
    Behaviour("hangs", servers.hangs, "no-answer"),
    Behaviour("answers after six seconds", after(6, litellm()), "no-answer"),
    Behaviour("closes", servers.closes, "empty-reply"),
    Behaviour("closes at once", servers.closes_at_once, "empty-reply|reset"),
    Behaviour("half closes", half_closes, "empty-reply"),
    Behaviour("resets", servers.resets, "reset"),
    Behaviour("one byte and no more", sends(b"H"), "not-http|cut-body|malformed"),
    Behaviour("cut status line", sends(b"HTTP/1.1 20"), "malformed|cut-body"),
    Behaviour("cut headers", sends(b"HTTP/1.1 200 OK\r\nContent-Ty"), "malformed|cut-body"),
    Behaviour("cut body", raw("HTTP/1.1 200 OK\nContent-Length: 50", b"{"), "cut-body"),
    Behaviour("cut before the body", raw("HTTP/1.1 200 OK\nContent-Length: 12"), "cut-body"),
    Behaviour("cut chunk", chunked(b"5\r\n{"), "cut-body"),
    Behaviour("no last chunk", chunked(b'c\r\n"I\'m alive!"\r\n'), "cut-body"),
    Behaviour("reset in body", servers.resets_in_body, "reset"),
    Behaviour("reset after a good answer", drops_connections, "ok|reset"),
]

TOO_SLOW = [
    Behaviour("drips its status line", paced(b"HTTP", b"/", 0.3), "too-slow|not-http"),
    Behaviour("drips headers", paced(b"HTTP/1.1 200 OK\r\nX-A: ", b"a", 0.3), "too-slow"),
    Behaviour("drips body", paced(OK_HEAD + b"Content-Length: 9999\r\n\r\n", b" ", 0.3), "too-slow"),
    Behaviour("drips chunks", paced(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", 0.3), "too-slow"),
    Behaviour("drips interim answers", paced(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.2), "too-slow"),
    Behaviour("a body that never ends and never comes", raw("HTTP/1.1 200 OK\nContent-Length: 12"), "cut-body"),
    Behaviour("keeps the connection of a body without length", paced(OK_HEAD + b'\r\n"x"', b"", 1), "too-slow"),
    Behaviour("is slow and well", after(2.3, litellm()), "ok-slow", worst="warn"),
    Behaviour("answers 502 slowly", after(2.5, says(502, "no")), "upstream-down"),
    Behaviour("answers 503 very slowly", after(4.2, says(503, "no")), "upstream-down"),
    Behaviour("pings like an event stream", paced(OK_HEAD + b"\r\n", b": ping\n\n", 0.5), "too-slow"),
]

TOO_MUCH = [
    Behaviour("endless body", servers.endless(OK_HEAD + b"\r\n", b"x" * 65536), "too-big"),
    Behaviour("endless blanks", servers.endless(OK_HEAD + b"\r\n", b" " * 65536), "too-big"),
    Behaviour("endless headers", servers.endless(b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"b" * 4096 + b"\r\n"), "too-big"),
    Behaviour("endless status line", servers.endless(b"HTTP/1.1 200 ", b"O" * 4096), "too-big"),
    Behaviour("interim answers in a flood", servers.endless(b"", b"HTTP/1.1 103 E\r\n\r\n" * 500), "too-big"),
    Behaviour(
        "chunk extensions in a flood",
        servers.endless(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + b"e" * 8000 + b"\r\n \r\n"),
        "too-big|malformed|cut-body",
    ),
    Behaviour(
        "endless trailers",
        servers.endless(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: " + b"b" * 4096 + b"\r\n"),
        "too-big",
    ),
    Behaviour("5 MB header", sends(b"HTTP/1.1 200 OK\r\nX-A: " + b"c" * 5_000_000), "too-big"),
    Behaviour("huge JSON", says(200, '["' + "d" * 1_000_000 + '"]'), "too-big"),
    Behaviour("promises a terabyte", raw("HTTP/1.1 200 OK\nContent-Length: 1000000000000", b"x" * 400_000), "too-big"),
    Behaviour("page of unclosed titles", says(200, "<title" * 40_000, kind=HTML), "not-litellm"),
    Behaviour("page of half a token", says(404, "eyJ-" * 60_000, kind=HTML), "wrong-path"),
    Behaviour("many small lists", says(200, "[" + "[]," * 80_000 + "1]"), "not-litellm"),
    Behaviour("deep JSON", says(200, "[" * 100_000), "not-litellm"),
    Behaviour("deep JSON objects", says(200, '{"a":' * 40_000), "not-litellm"),
    Behaviour("big integer", says(200, "1" * 100_000), "not-litellm"),
    Behaviour("gzip bomb", says(200, gzip.compress(b"0" * 5_000_000), Content_Encoding="gzip"), "encoded"),
    Behaviour("deflate", says(200, zlib.compress(servers.ALIVE.encode()), Content_Encoding="deflate"), "encoded"),
    Behaviour("brotli", says(200, b"\x0b\x02\x80", Content_Encoding="br"), "encoded"),
    Behaviour("zstd of a good answer", says(200, servers.ALIVE, Content_Encoding="ZSTD"), "encoded"),
    Behaviour("gzip that nobody names", says(200, gzip.compress(servers.ALIVE.encode())), "not-litellm"),
]

NOT_HTTP = [
    Behaviour("SSH", sends(b"SSH-2.0-OpenSSH_9.2\r\n", first=True), "not-http", cause="an SSH server"),
    Behaviour("SMTP", sends(b"220 mail.example ESMTP\r\n", first=True), "not-http", cause="a mail or FTP server"),
    Behaviour("IMAP", sends(b"* OK IMAP4rev1\r\n", first=True), "not-http", cause="a mail or FTP server"),
    Behaviour("Redis", sends(b"-ERR unknown command 'GET'\r\n"), "not-http", cause="a Redis server"),
    Behaviour("MySQL", sends(b"J\0\0\0\n8.0.36\0caching_sha2\0", first=True), "not-http", cause="a MySQL server"),
    Behaviour("VNC", sends(b"RFB 003.008\n", first=True), "not-http", cause="a VNC server"),
    Behaviour("HTTP/2", sends(b"\x00\x00\x12\x04" + b"\x00" * 23), "not-http", cause="an HTTP/2 server"),
    Behaviour("HTTP/2 preface", sends(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "not-http", cause="an HTTP/2 server"),
    Behaviour("HTTP/2 status line", sends(b"HTTP/2 200 OK\r\n\r\n"), "not-http", cause="another version of HTTP"),
    Behaviour("HTTP/0.9", sends(b"<html>hello</html>"), "not-http"),
    Behaviour("HTTP/0.9 with the right words", sends(servers.ALIVE.encode()), "not-http"),
    Behaviour("echo", echoes, "not-http"),
    Behaviour("garbage", sends(b"\x00\xff\xfe\r\n\r\n"), "not-http"),
    Behaviour("shoutcast", sends(b"ICY 200 OK\r\n\r\n"), "not-http"),
    Behaviour("SSH that waits", says_first(b"SSH-2.0-OpenSSH_9.6\r\n"), "not-http", cause="an SSH server"),
    Behaviour("SSH that cuts", says_first(b"SSH-2.0-x\r\n", then=servers.cut), "not-http", cause="an SSH server"),
    Behaviour("MySQL that waits", says_first(b"J\0\0\0\n8.0.36\0caching_sha2\0"), "not-http", cause="a MySQL server"),
    Behaviour("blank lines", sends(b"\r\n\r\n\r\n"), "not-http"),
]

BROKEN_HTTP = [
    Behaviour("broken header", raw("HTTP/1.1 200 OK\nno colon here"), "malformed"),
    Behaviour("NUL in a header", raw("HTTP/1.1 200 OK\nX-A: a\0b"), "malformed"),
    Behaviour("blank in a header name", raw("HTTP/1.1 200 OK\nX A: b"), "malformed"),
    Behaviour("no status", raw("HTTP/1.1 OK"), "malformed"),
    Behaviour("status of two digits", raw("HTTP/1.1 20 OK"), "malformed"),
    Behaviour("bad length", raw("HTTP/1.1 200 OK\nContent-Length: many"), "malformed"),
    Behaviour("negative length", raw("HTTP/1.1 200 OK\nContent-Length: -1"), "malformed"),
    Behaviour("two lengths", raw("HTTP/1.1 200 OK\nContent-Length: 12\nContent-Length: 13", b"x" * 13), "malformed"),
    Behaviour("unknown transfer coding", raw("HTTP/1.1 200 OK\nTransfer-Encoding: gzip, chunked"), "malformed"),
    Behaviour("bad chunk length", chunked(b"zz\r\n{}\r\n0\r\n\r\n"), "cut-body|malformed"),
    Behaviour("chunk of a wrong length", chunked(b"3\r\n{}{}{}\r\n0\r\n\r\n"), "cut-body|malformed"),
    Behaviour("switches protocols", raw("HTTP/1.1 101 Switching\nUpgrade: websocket"), "malformed"),
    Behaviour("nothing but interim answers", sends(b"HTTP/1.1 100 Continue\r\n\r\n"), "malformed|cut-body|empty-reply"),
    Behaviour("a control in its reason", raw("HTTP/1.1 404 Not\x1b[2J Found"), "malformed|wrong-path"),
]

HTTP_ON_TLS = [
    Behaviour("TLS alert", sends(b"\x15\x03\x01\x00\x02\x02\x46"), "http-on-tls", fix="https://"),
    Behaviour("TLS handshake", sends(b"\x16\x03\x03\x00\x05\x02\x00\x00\x01\x00", first=True), "http-on-tls"),
    Behaviour("nginx", says(400, "The plain HTTP request was sent to HTTPS port"), "http-on-tls", fix="https://"),
    Behaviour("Go", says(400, "Client sent an HTTP request to an HTTPS server."), "http-on-tls"),
    Behaviour("Apache", says(400, "You're speaking plain HTTP to an SSL-enabled server port."), "http-on-tls"),
]

PORTAL = '<meta http-equiv="refresh" content="0; url=http://portal.example/login">'
SIGN_IN_PAGE = '<title>Sign in</title><form><input name=p type="password"></form>'
OLLAMA = {"_": says(200, "Ollama is running", kind="text/plain")}
VLLM = {"_v1_models": says(200, '{"object":"list","data":[{"id":"m","owned_by":"vllm"}]}')}
ANTHROPIC = {"_v1_models": says(401, '{"type":"error","error":{"type":"authentication_error","message":"x"}}')}

SOMETHING_ELSE = [
    Behaviour("portal", says(200, TITLE, kind=HTML), "not-litellm", cause='called "Welcome to [bold]Corp[/] Wi-Fi"'),
    Behaviour("portal with cookies", says(200, TITLE, kind=HTML, Set_Cookie="a=b; Domain=.com"), "not-litellm"),
    Behaviour("portal that refreshes", says(200, PORTAL, kind=HTML), "not-litellm", cause="a web page"),
    Behaviour(
        "sign-in page", says(200, SIGN_IN_PAGE, kind=HTML), "not-litellm", cause='a sign-in page called "Sign in"'
    ),
    Behaviour("title that never ends", says(200, "<title>" + "t" * 9000, kind=HTML), "not-litellm"),
    Behaviour("title of controls", says(200, "<title>\x1b]52;c;x\x07\u202eevil\x00</title>", kind=HTML), "not-litellm"),
    Behaviour("no content", sends(b"HTTP/1.1 204 No Content\r\n\r\n"), "not-litellm"),
    Behaviour("empty", says(200, ""), "not-litellm", cause="an empty answer"),
    Behaviour("list", says(200, "[]"), "not-litellm"),
    Behaviour("null", says(200, "null"), "not-litellm"),
    Behaviour("number", says(200, "1"), "not-litellm"),
    Behaviour("NaN", says(200, "NaN"), "not-litellm"),
    Behaviour("object", says(200, '{"status":"ok"}'), "not-litellm", cause="JSON of another kind"),
    Behaviour("another string", says(200, '"I am fine"'), "not-litellm"),
    Behaviour("bare words", says(200, "I'm alive!", kind="text/plain"), "not-litellm"),
    Behaviour("bad JSON", says(200, '{"a":'), "not-litellm"),
    Behaviour("bad UTF-8", says(200, b'"\xff\xfe"'), "not-litellm"),
    Behaviour("UTF-16", says(200, servers.ALIVE.encode("utf-16")), "not-litellm"),
    Behaviour("NUL", says(200, b'"I\'m alive!"\0'), "not-litellm"),
    Behaviour("healthy of another kind", says(200, "OK", kind="text/plain"), "not-litellm"),
    Behaviour("another success", says(201, servers.ALIVE), "not-litellm"),
    Behaviour("partial content", says(206, servers.ALIVE), "not-litellm"),
    Behaviour("not modified", raw("HTTP/1.1 304 Not Modified"), "not-litellm"),
    Behaviour("teapot", says(418, "teapot"), "not-litellm"),
    Behaviour("bad request", says(400, "Bad Request", kind="text/plain"), "not-litellm"),
    Behaviour("misdirected", says(421, ""), "not-litellm", cause="not responsible for that name"),
    Behaviour("upgrade required", says(426, "", Upgrade="websocket"), "not-litellm"),
    Behaviour("headers too long", says(431, ""), "not-litellm"),
    Behaviour("status 999", says(999, ""), "upstream-down|not-litellm"),
    Behaviour("Ollama", by_path(says(404, "404 page not found"), **OLLAMA), "not-litellm", cause="Ollama"),
    Behaviour("vLLM", by_path(says(404, servers.NOT_FOUND), **VLLM), "not-litellm", cause='"vllm"'),
    Behaviour("Anthropic", by_path(says(404, '{"type":"error"}'), **ANTHROPIC), "not-litellm", cause="Anthropic API"),
    Behaviour(
        "nginx's own page",
        by_path(says(404, "<h1>404</h1>", kind=HTML), _=says(200, "<title>Welcome to nginx!</title>", kind=HTML)),
        "not-litellm|wrong-path",
    ),
]

REDIRECTS = [
    Behaviour("to https", says(301, Location="https://127.0.0.1/health/liveliness"), "redirect-https", fix="https"),
    Behaviour("to https elsewhere", says(308, Location="https://127.0.0.1:8443/x"), "redirect-https", cause=":8443"),
    Behaviour("to another host", says(302, Location="https://evil.example/x?token=1"), "redirect-other"),
    Behaviour("to itself", says(302, Location="/health/liveliness"), "redirect-other"),
    Behaviour("without a scheme", says(302, Location="//evil.example/x"), "redirect-other", cause="evil.example"),
    Behaviour("nowhere", says(301), "redirect-other"),
    Behaviour("unreadable", says(301, Location="http://[::1"), "redirect-other"),
    Behaviour("to a script", says(302, Location="javascript:alert(1)"), "redirect-other"),
    Behaviour("of 60 kB", says(302, Location="https://evil.example/" + "x" * 60_000), "redirect-other"),
    Behaviour("with another's password", says(302, Location="https://u:canary@evil.example/"), "redirect-other"),
    Behaviour(
        "with controls", raw("HTTP/1.1 302 Found\nLocation: http://x.example/\x1b[2J"), "redirect-other|malformed"
    ),
    Behaviour("to a sign-in", says(302, Location="https://sso.corp.example/auth"), "redirect-login"),
    Behaviour("to a page", says(307, Location="/login.html"), "redirect-login"),
    Behaviour("to its oauth2 proxy", says(303, Location="/oauth2/start?rd=%2F"), "redirect-login"),
    Behaviour("captive portal", says(511, TITLE, kind=HTML), "redirect-login"),
]

STATES = [
    Behaviour("401", says(401, "who?", WWW_Authenticate="Basic realm=x"), "forbidden"),
    Behaviour("401 JSON for all", says(401, servers.NO_KEY), "forbidden"),
    Behaviour("403 page", says(403, "<h1>blocked</h1>", kind=HTML), "forbidden"),
    Behaviour("403 JSON", says(403, '{"error":"denied"}'), "forbidden"),
    Behaviour("407 without a proxy", says(407, "", Proxy_Authenticate="Basic"), "forbidden"),
    Behaviour("451", says(451, "no"), "forbidden"),
    Behaviour("404", says(404, servers.NOT_FOUND), "wrong-path"),
    Behaviour("404 page", says(404, "<h1>404</h1>", kind=HTML), "wrong-path"),
    Behaviour("404 below /v1", litellm(), "ok", path="/v1", worst="pass"),
    Behaviour("wrong path", litellm(), "wrong-path", path="/nothing", fix="Use http://127.0.0.1"),
    Behaviour("the path of a route", litellm(), "wrong-path", path="/bedrock", fix="Use http://127.0.0.1"),
    Behaviour(
        "a route that answers for itself",
        by_path(litellm(), _bedrock_health_liveliness=says(500, "Internal Server Error")),
        "wrong-path",
        path="/bedrock",
        fix="LiteLLM answers there",
    ),
    Behaviour("a path is missing", below("/litellm"), "wrong-path", fix="/litellm: LiteLLM answers there."),
    Behaviour("a path too many", below("/llm"), "wrong-path", path="/llm/v1/messages", fix="/llm: LiteLLM"),
    Behaviour("429", says(429, "slow down"), "limited"),
    Behaviour("429 with a date", says(429, "{}", Retry_After="9" * 5000), "limited"),
    Behaviour("500", says(500, "oops"), "upstream-down"),
    Behaviour("500 JSON", says(500, '{"error":"x"}'), "upstream-down"),
    Behaviour("502 page", says(502, "<h1>Bad Gateway</h1>", kind=HTML), "upstream-down"),
    Behaviour("503", says(503, "no healthy upstream", kind="text/plain", Server="envoy"), "upstream-down"),
    Behaviour("504 page", says(504, "<h1>Timeout</h1>", kind=HTML), "upstream-down"),
    Behaviour("530", says(530, "error code: 1033"), "upstream-down"),
    Behaviour("503 of its database", says(503, '{"status":"healthy","db":"Not connected"}'), "not-ready"),
    Behaviour("503 of its end", says(503, '{"status":"shutting_down"}'), "not-ready", cause="shutting down"),
]

CLOCKS = [
    Behaviour("clock behind", dated(-400), "clock-skew", worst="warn"),
    Behaviour("clock a day ahead", dated(86_400), "clock-skew", worst="warn"),
    Behaviour("clock nearly right", dated(200), "ok", worst="pass"),
    Behaviour("date that is none", litellm(alive=says(200, servers.ALIVE, Date="yesterday")), "ok", worst="pass"),
    Behaviour("date of 60 kB", litellm(alive=says(200, servers.ALIVE, Date="1 " * 30_000)), "ok", worst="pass"),
]

READY, IDENTITY, ROUTES = "gateway.ready", "gateway.identity", "gateway.routes"
PAGE: Final = (200, "<html><title>App</title></html>")

NEARLY_LITELLM = [
    Behaviour("always alive", says(200, servers.ALIVE), "not-litellm", READY),
    Behaviour("only alive", litellm(ready=(404, ""), identity=(404, ""), anthropic=(404, "")), "route-missing", ROUTES),
    Behaviour("not ready", litellm(ready=(503, '{"status":"healthy","db":"disconnected"}')), "not-ready", READY),
    Behaviour("unhealthy", litellm(ready=(200, '{"status":"unhealthy"}')), "not-ready", READY),
    Behaviour("database stalls", litellm(ready=(200, '{"db":"stalled"}')), "database-down", READY, worst="warn"),
    Behaviour("readiness hangs", litellm(ready=servers.hangs), "no-answer", READY),
    Behaviour("readiness is cut", litellm(ready=servers.resets), "reset", READY),
    Behaviour("readiness is a page", litellm(ready=PAGE), "not-litellm", READY),
    Behaviour("readiness is a list", litellm(ready=(200, "[]")), "not-litellm", READY),
    Behaviour("readiness fails", litellm(ready=(500, "oops")), "upstream-down", READY),
    Behaviour("readiness is hidden", litellm(ready=(403, "no")), "hidden", READY, worst="warn"),
    Behaviour("configuration hangs", litellm(identity=servers.hangs), "no-answer", IDENTITY),
    Behaviour("configuration is a page", litellm(identity=PAGE), "not-litellm", IDENTITY),
    Behaviour("configuration of another", litellm(identity=(200, '{"a":1}')), "not-litellm", IDENTITY),
    Behaviour("configuration fails", litellm(identity=(502, "no")), "upstream-down", IDENTITY),
    Behaviour("configuration redirects", litellm(identity=says(302, Location="/login")), "redirect-login", IDENTITY),
    Behaviour("configuration is endless", litellm(identity=servers.endless(OK_HEAD, b"x" * 9)), "too-big", IDENTITY),
    Behaviour("route hangs", litellm(anthropic=servers.hangs), "no-answer", ROUTES),
    Behaviour("route is a page", litellm(anthropic=PAGE), "not-litellm", ROUTES),
    Behaviour("route fails", litellm(anthropic=(503, "busy")), "upstream-down", ROUTES),
    Behaviour("route redirects", litellm(anthropic=says(301, Location="/x")), "redirect-other", ROUTES),
    Behaviour("route is hidden", litellm(anthropic=(403, "no")), "route-unknown", ROUTES, worst="warn"),
    Behaviour("route is missing", litellm(anthropic=(404, servers.NOT_FOUND)), "route-missing", ROUTES),
    Behaviour("route refuses in words", litellm(anthropic=(405, "no")), "route-unknown", ROUTES, worst="warn"),
    Behaviour("route wants another sign-in", litellm(anthropic=(401, "no")), "route-unknown", ROUTES, worst="warn"),
    Behaviour(
        "route of a gateway in front",
        litellm(anthropic=(401, '{"message":"x"}')),
        "route-unknown",
        ROUTES,
        worst="warn",
    ),
    Behaviour("route finds the request bad", litellm(anthropic=(400, "bad request")), "not-litellm", ROUTES),
    Behaviour("route crashes", litellm(anthropic=(500, "Internal Server Error")), "upstream-down", ROUTES),
    Behaviour("database is a riddle", litellm(ready=(200, '{"status":"healthy","db":{}}')), "not-litellm", READY),
    Behaviour("another route hangs", litellm(bedrock=servers.hangs), "routes", ROUTES, worst="pass"),
    Behaviour("sign of life hidden", litellm(alive=(404, "no")), "hidden", worst="warn"),
    Behaviour("sign of life forbidden", litellm(alive=(403, "<h1>no</h1>")), "hidden", worst="warn"),
    Behaviour("sign of life fails", litellm(alive=(500, "oops")), "upstream-down"),
    Behaviour("sign of life hangs", litellm(alive=servers.hangs), "no-answer"),
    Behaviour("sign of life is a page", litellm(alive=PAGE), "not-litellm"),
]

FLAKY = [
    Behaviour("503 twice", servers.first(2, says(503, "busy"), litellm()), "ok", worst="pass"),
    Behaviour("reset twice", servers.first(2, servers.resets, litellm()), "ok", worst="pass"),
    Behaviour("503 thrice", servers.first(3, says(503, "busy"), litellm()), "upstream-down"),
    Behaviour("500 once", servers.first(1, says(500, "oops"), litellm()), "upstream-down"),
    Behaviour("closes once", servers.first(1, servers.closes, litellm()), "empty-reply"),
]

PLAIN: Final = [
    *NOTHING_COMES,
    *TOO_SLOW,
    *TOO_MUCH,
    *NOT_HTTP,
    *BROKEN_HTTP,
    *HTTP_ON_TLS,
    *SOMETHING_ELSE,
    *REDIRECTS,
    *STATES,
    *CLOCKS,
    *NEARLY_LITELLM,
    *FLAKY,
]
"""Everything a server can do over plain TCP."""

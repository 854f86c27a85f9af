"""What stands between the program and an emulator: it counts calls, and makes some of them go wrong.

A call is one that changes something unless its operation's name begins as those do that only look. What the aws CLI asks is
not counted: it plays the person who makes changes by hand.
"""

import contextlib
import http.client
import random
import re
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOOKING = ("Describe", "Get", "List", "Head", "BatchGet", "Lookup", "Search", "Simulate", "AssumeRole")
# Each protocol says it in its own way that calls come too fast.
THROTTLED = {
    "query": (503, "text/xml", "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>Slow down"
              "</Message></Error></Errors><Error><Code>Throttling</Code></Error></Response>"),
    "json": (400, "application/x-amz-json-1.1", '{"__type":"ThrottlingException","message":"Rate exceeded"}'),
    "rest": (429, "application/json", '{"__type":"TooManyRequestsException","message":"Rate exceeded"}'),
}


class Proxy:
    """`faults`: the share of calls that are throttled, fail in the server, or get no answer."""

    def __init__(self, port):
        self.to, self.calls, self.changing, self.lock = port, 0, [], threading.Lock()
        self.throttle = self.broken = self.silent = 0.0
        self.random = random.Random(7)
        handler = type("Handler", (Handler,), {"proxy": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def faults(self, throttle=0.0, broken=0.0, silent=0.0):
        self.throttle, self.broken, self.silent = throttle, broken, silent


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy = None

    def log_message(self, *_):
        pass

    def operation(self, body):
        """The protocol and the operation's name, as far as the wire tells it."""
        if target := self.headers.get("X-Amz-Target"):
            return "json", target.rpartition(".")[2]
        if found := re.search(rb"(?:^|&)Action=(\w+)", body):
            return "query", found[1].decode()
        if found := urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("Action"):
            return "query", found[0]
        looks = self.command in ("GET", "HEAD")
        return "rest", ("Get" if looks else self.command) + urllib.parse.urlsplit(self.path).path

    def handle_one(self):
        # Who waited too long is gone.
        with contextlib.suppress(ConnectionError):
            self.passed_on()

    def passed_on(self):
        proxy = self.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        protocol, operation = self.operation(body)
        by_hand = "aws-cli" in (self.headers.get("User-Agent") or "")
        with proxy.lock:
            if not by_hand:
                proxy.calls += 1
                if not operation.startswith(LOOKING):
                    proxy.changing.append(operation)
            chance = 1.0 if by_hand else proxy.random.random()
        if chance < proxy.throttle:
            return self.answer(*THROTTLED[protocol])
        chance -= proxy.throttle
        if chance < proxy.broken:
            return self.answer(500, "text/plain", "broken")
        if chance - proxy.broken < proxy.silent:
            # As when a network is cut: the connection ends, and nothing was said.
            self.close_connection = True
            self.connection.close()
            return None
        upstream = http.client.HTTPConnection("127.0.0.1", proxy.to, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        upstream.request(self.command, self.path, body or None, headers)
        answer = upstream.getresponse()
        content = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", answer.getheader("Content-Length") if self.command == "HEAD" and
                         answer.getheader("Content-Length") else str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        upstream.close()
        return None

    def answer(self, status, kind, text):
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text.encode())

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = handle_one

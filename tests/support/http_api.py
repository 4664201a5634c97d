"""An HTTP API on a free port of 127.0.0.1, whose answers a test gives. Standard library only. It is HTTP/1.1 with connections that are
kept, in threads; unlike a real one it can reset a connection in the middle, or say more than it sends."""
import http.server
import json
import socket
import struct
import threading
import time
import urllib.parse


class Request:
    def __init__(self, handler, body):
        url = urllib.parse.urlsplit(handler.path)
        self.method = handler.command
        self.target = handler.path
        self.path = url.path
        self.query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        self.headers = handler.headers
        self.body = body
        self.time = time.monotonic()
        self.peer = handler.client_address

    @property
    def json(self):
        return json.loads(self.body)


class Reset(Exception):
    """Answer with these bytes of a body said to be longer, then reset the connection (RST)."""
    def __init__(self, body=b"", length=1000000):
        super().__init__()
        self.body, self.length = body, length


class Api:
    """`answer(request)` gives a body (JSON is made of what is not bytes), or (status, body), or (status, body, headers), or raises Reset.
    An exception of it is kept in `failure` and answered with 500."""
    def __init__(self, answer, wrap=None):
        self.requests = []
        self.failure = None
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def carry_out(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = Request(self, body)
                api.requests.append(request)
                try:
                    said = answer(request)
                except Reset as reset:
                    self.reset(reset)
                    return
                except Exception as error:  # noqa: BLE001, whatever a test's answer gets wrong
                    api.failure = error
                    said = 500, repr(error).encode()
                self.send(*(said if isinstance(said, tuple) else (200, said)))

            def send(self, status, body=b"", headers=None):
                if not isinstance(body, bytes):
                    body = json.dumps(body).encode()
                headers = {"Content-Type": "application/json", **(headers or {})}
                self.send_response(status)
                for name, value in headers.items():
                    for one in value if isinstance(value, list) else [value]:
                        self.send_header(name, one)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    pass  # the client has had enough

            def reset(self, reset):
                if reset.body:
                    self.send_response(200)
                    self.send_header("Content-Length", str(reset.length))
                    self.end_headers()
                    self.wfile.write(reset.body)
                    self.wfile.flush()
                    time.sleep(0.05)  # a reset overtakes what it follows
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()

            do_GET = do_POST = do_PUT = do_PATCH = carry_out

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 32

            def handle_error(self, request, client_address):
                pass  # a client that was killed

            def finish_request(self, request, client_address):
                try:
                    super().finish_request(request, client_address)
                except (OSError, ValueError):
                    pass

        self.server = Server(("127.0.0.1", 0), Handler)
        if wrap is not None:
            self.server.socket = wrap(self.server.socket)
        self.port = self.server.server_address[1]
        self.url = f"http{'' if wrap is None else 's'}://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.close()
        assert self.failure is None or kind is not None, self.failure

"""@NAME@: a web server of its own beside a service. Look: curl 127.0.0.1:@PORT@"""
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ostoja import config, hook, log, run, service

visits = 0


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        global visits
        visits += 1
        body = f"{config('greeting', 'hello')} {visits}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *words) -> None:
        log.debug(format % words)


@hook("ready")
def ready() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", @PORT@), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()


@service("@NAME@", "visits")
def how_many() -> int:
    return visits


run()

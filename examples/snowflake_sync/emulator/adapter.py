"""An account of Snowflake for the tests: `fakesnow -s` behind a small adapter.

usage: adapter.py PUBLIC_KEY_FILE   (the password in the environment: ADAPTER_PASSWORD)

It starts `fakesnow -s`, prints its own port on a line, and ends with its standard input. What it adds to
fakesnow's answers is what snowflake-connector-rs needs, or what an account does and fakesnow does not:

- a session has a current database, without which fakesnow does not find its own functions
- results are JSON, and from the second row on they come as a file of their own, as large ones do
- accounts, users, passwords, key pairs and the role of a login are checked; messages are Snowflake's
- a role without grants does not see the views
- POST /adapter/KIND makes the next scan of ACCESS_HISTORY misbehave: `hold` keeps it running until the query is
  aborted, `lose` ends the connection, `unavailable` answers 503, `stumble` fails the download of its result once;
  `busy` answers the next login with 429, `forbidden` with 403, and `mute` not at all. POST /adapter/KIND/N lets N of
  them go well before
- GET /adapter/seen counts what came: scans, held scans, aborts
"""

import base64
import datetime
import hashlib
import http.client
import itertools
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pyarrow
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

ACCOUNT, USER, ROLE, ROLE_WITHOUT_GRANTS = "XY12345", "SYNC", "USAGE_READER", "NO_GRANTS"
EPOCH = datetime.date(1970, 1, 1)

TOKEN = "an-0Auth-t0ken-of-the-account"
faults, seen = [], {"scans": 0, "held": 0, "aborts": 0}
files, file_numbers = {}, itertools.count()
without_grants = set()
aborted = threading.Event()


def strikes(kind):
    """Whether a fault of that kind comes now."""
    for fault in faults:
        if fault[0] == kind:
            if fault[1] == 0:
                faults.remove(fault)
                return True
            fault[1] -= 1
            return False
    return False


def refusal(code, message, state=None):
    return {"data": {"queryId": "01b2", "errorCode": code, "sqlState": state}, "code": code, "message": message,
            "success": False}


def refused_login(query, data):
    """What Snowflake says to a login that it does not accept."""
    role = query.get("roleName", [ROLE])[0].upper()
    user = data.get("LOGIN_NAME", "").upper()
    if data.get("AUTHENTICATOR") == "SNOWFLAKE_JWT":
        with open(sys.argv[1], "rb") as file:
            key = load_pem_public_key(file.read())
        print_of_key = base64.b64encode(
            hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()).decode()
        try:
            claims = jwt.decode(data["TOKEN"], key, algorithms=["RS256"])
        except jwt.InvalidTokenError:
            claims = {}
        if claims.get("iss") != f"{ACCOUNT}.{USER}.SHA256:{print_of_key}":
            return refusal("390144", "JWT token is invalid.")
    elif data.get("AUTHENTICATOR") == "OAUTH":
        if user != USER or data["TOKEN"] != TOKEN:
            return refusal("390303", "Invalid OAuth access token.")
    elif user != USER or data.get("PASSWORD") != os.environ["ADAPTER_PASSWORD"]:
        return refusal("390100", "Incorrect username or password was specified.")
    if role not in (ROLE, ROLE_WITHOUT_GRANTS):
        return refusal("390189", f"Role '{role}' specified in the connect string does not exist or not authorized. "
                       "Contact your local system administrator, or attempt to login with another role, e.g. PUBLIC.")
    return None


def cell(value):
    """A value as Snowflake writes it in a JSON result."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return str((value - EPOCH).days)
    if isinstance(value, int):
        return str(value)
    raise TypeError(f"no cell for {value!r}")


class Adapter(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, body, status=200):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def forward(self, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", emulator_port, timeout=300)
        headers = {"Content-Type": "application/json"}
        if token := self.headers.get("Authorization"):
            headers["Authorization"] = token
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    def do_GET(self):
        if self.path == "/adapter/seen":
            self.answer(seen)
        elif self.path in files:
            if strikes("stumble"):
                self.answer({}, 503)
            else:
                self.answer(files[self.path])
        else:
            self.answer({}, 404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urllib.parse.urlsplit(self.path)
        if url.path.startswith("/adapter/"):
            kind, _, after = url.path.removeprefix("/adapter/").partition("/")
            faults.append([kind, int(after or 0)])
            aborted.clear()
            self.answer({})
        elif url.path == "/session/v1/login-request":
            self.login(urllib.parse.parse_qs(url.query), json.loads(body))
        elif url.path == "/queries/v1/query-request":
            self.query(body)
        else:
            if url.path == "/queries/v1/abort-request":
                seen["aborts"] += 1
                aborted.set()
            status, answer = self.forward(self.path, body)
            self.answer(answer, status)

    def login(self, query, request):
        data = request["data"]
        if strikes("busy"):
            self.answer(b"<html>429 Too Many Requests</html>", 429)
        elif strikes("forbidden"):
            self.answer(b"<html>403 Forbidden</html>", 403)
        elif strikes("mute"):
            time.sleep(30)
            self.close_connection = True
        elif data.get("ACCOUNT_NAME", "").upper() != ACCOUNT:
            # an account is a host name: one that does not exist is no answer of Snowflake's
            self.answer(b"<html>404 Not Found</html>", 404)
        elif refused := refused_login(query, data):
            self.answer(refused)
        else:
            status, answer = self.forward("/session/v1/login-request?databaseName=SESSION&schemaName=PUBLIC",
                                          json.dumps(request))
            if query.get("roleName", [ROLE])[0].upper() == ROLE_WITHOUT_GRANTS:
                without_grants.add(answer["data"]["token"])
            self.answer(answer, status)

    def query(self, body):
        sql = json.loads(body)["sqlText"]
        scan = "WITH" in sql and "ACCESS_HISTORY" in sql
        token = self.headers["Authorization"].split('"')[1]
        if token in without_grants and "ACCOUNT_USAGE" in sql:
            self.answer(refusal("002003", "SQL compilation error:\n"
                                "Database 'SNOWFLAKE' does not exist or not authorized.", "02000"))
            return
        if scan:
            seen["scans"] += 1
        if scan and strikes("unavailable"):
            self.answer(b"<html>503 Service Unavailable</html>", 503)
            return
        if scan and strikes("hold"):
            seen["held"] += 1
            aborted.wait(60)
            self.answer(refusal("000604", "SQL execution canceled", "57014"))
            return
        if scan and strikes("lose"):
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        status, answer = self.forward(self.path, body)
        data = answer.get("data") or {}
        if data.get("queryResultFormat") == "arrow":
            encoded = data.pop("rowsetBase64")
            rows = []
            if encoded:
                table = pyarrow.ipc.open_stream(base64.b64decode(encoded)).read_all()
                rows = [[cell(value) for value in row.values()] for row in table.to_pylist()]
            data.update(queryResultFormat="json", rowset=rows[:1], total=len(rows), returned=len(rows[:1]))
            if rows[1:]:
                path = f"/files/{next(file_numbers)}"
                text = json.dumps(rows[1:])[1:-1].encode()
                files[path] = text
                data["chunkHeaders"] = {}
                data["chunks"] = [{"url": f"http://127.0.0.1:{adapter.server_port}{path}", "rowCount": len(rows) - 1,
                                   "uncompressedSize": len(text), "compressedSize": len(text)}]
        elif not answer.get("success"):
            data.setdefault("queryId", "01b2")
        self.answer(answer, status)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


emulator_port = free_port()
emulator = subprocess.Popen(
    [os.path.join(os.path.dirname(sys.executable), "fakesnow"), "-s", "-p", str(emulator_port)],
    stdin=subprocess.DEVNULL, stdout=sys.stderr)
try:
    while True:
        try:
            socket.create_connection(("127.0.0.1", emulator_port)).close()
            break
        except OSError:
            if emulator.poll() is not None:
                sys.exit("fakesnow -s did not start")
            time.sleep(0.05)
    adapter = ThreadingHTTPServer(("127.0.0.1", 0), Adapter)
    adapter.daemon_threads = True
    threading.Thread(target=adapter.serve_forever, daemon=True).start()
    print(adapter.server_port, flush=True)
    sys.stdin.read()
finally:
    emulator.kill()
    emulator.wait()

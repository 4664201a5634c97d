"""A mail server of a test's own: takes mails, refuses them, holds its answer back, speaks STARTTLS and asks for a password. Standard
library only."""
import base64
import email
import email.policy
import os
import socket
import ssl
import subprocess
import threading


def make_certificate(folder):
    """A self-signed one for 127.0.0.1: paths of certificate and key."""
    cert, key = os.path.join(folder, "smtp.pem"), os.path.join(folder, "smtp.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    return cert, key


class Mail:
    def __init__(self, sender, recipients, data):
        self.sender, self.recipients, self.data = sender, recipients, data
        self.message = email.message_from_bytes(data, policy=email.policy.default)

    def part(self, kind):
        """The text of the first part of this type."""
        part = next((p for p in self.message.walk() if p.get_content_type() == kind), None)
        return part and part.get_content()


class SmtpServer:
    def __init__(self, certificate=None, password=None, port=0):
        """certificate: (cert, key), offers STARTTLS; password: (user, password), asked for."""
        self.mails = []
        self.tried = 0  # DATA that came in whole, whatever was answered
        self.refusal = None  # answered to RCPT, such as "550 no such user"
        self.certificate, self.password = certificate, password
        self.may_answer = threading.Event()  # cleared: the answer to DATA waits
        self.may_answer.set()
        self.socket = socket.create_server(("127.0.0.1", port))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.may_answer.set()
        try:
            self.socket.shutdown(socket.SHUT_RDWR)  # else it goes on as long as somebody is in accept()
        except OSError:
            pass  # it is closed already
        self.socket.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            connection.settimeout(120)
            Session(self, connection).run()
        except OSError:
            pass  # the other side has gone
        finally:
            connection.close()


class Session:
    def __init__(self, server, connection):
        self.server, self.connection = server, connection
        self.file = connection.makefile("rb")
        self.sender, self.recipients = None, []
        self.is_private, self.is_known = False, server.password is None

    def say(self, *lines):
        self.connection.sendall("".join(line + "\r\n" for line in lines).encode())

    def run(self):
        self.say("220 test ESMTP")
        while True:
            line = self.file.readline()
            if not line:
                return
            verb, _, rest = line.decode().strip().partition(" ")
            handler = getattr(self, "on_" + verb.lower(), None)
            if handler is None:
                self.say("502 not known")
            elif handler(rest) is False:
                return

    def on_ehlo(self, _):
        offers = ["STARTTLS"] if self.server.certificate and not self.is_private else []
        offers += ["AUTH PLAIN"] if self.server.password else []
        self.say("250-test", *[f"250-{offer}" for offer in offers], "250 8BITMIME")

    def on_starttls(self, _):
        self.say("220 go ahead")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.server.certificate)
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.file = self.connection.makefile("rb")
        self.is_private = True

    def on_auth(self, rest):
        kind, _, text = rest.partition(" ")
        if kind == "PLAIN" and not text:
            self.say("334 ")
            text = self.file.readline().decode().strip()
        _, user, password = base64.b64decode(text).decode().split("\0")
        self.is_known = self.is_private and (user, password) == self.server.password
        self.say("235 welcome" if self.is_known else "535 wrong user or password")

    def on_mail(self, rest):
        self.sender = rest.partition("<")[2].partition(">")[0]
        self.say("250 ok" if self.is_known else "530 who are you?")

    def on_rcpt(self, rest):
        self.recipients.append(rest.partition("<")[2].partition(">")[0])
        self.say(self.server.refusal or "250 ok")

    def on_data(self, _):
        self.say("354 go on")
        lines = []
        while True:
            line = self.file.readline()
            if not line:
                return False
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        mail = Mail(self.sender, self.recipients, b"".join(lines))
        self.server.tried += 1
        self.server.mails.append(mail)
        self.server.may_answer.wait(120)
        self.say("250 taken")
        return True

    def on_rset(self, _):
        self.sender, self.recipients = None, []
        self.say("250 ok")

    def on_quit(self, _):
        self.say("221 bye")
        return False

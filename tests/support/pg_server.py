"""A real PostgreSQL of its own for a test: in a temporary folder, on a UNIX socket, as a user that is not root. Standard library only.

Skipped with a word (exit code 77) where the server is not installed."""
import glob
import os
import pwd
import shutil
import subprocess
import sys
import tempfile

USER = "selvedge"
DATABASE = "shop"


def find_binaries():
    """The folder of initdb and postgres: Debian keeps each version in its own, outside of PATH."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
    folders += os.environ.get("PATH", "").split(":")
    programs = ("initdb", "pg_ctl", "postgres", "createdb", "psql")
    return next((f for f in folders if all(os.path.exists(os.path.join(f, program)) for program in programs)), None)


BINARIES = find_binaries()


def need():
    """Ends the test where there is no PostgreSQL."""
    if BINARIES is None:
        print("skipped: PostgreSQL is not installed (Debian: apt-get install postgresql)")
        sys.exit(77)


class Server:
    """With `password` connections need it; else the socket's users are trusted."""

    def __init__(self, password=None, settings=()):
        self.folder = tempfile.mkdtemp(prefix="selvedge-pg-")
        self.data = os.path.join(self.folder, "data")
        self.settings = settings
        self.owner = pwd.getpwnam("nobody") if os.getuid() == 0 else None
        if self.owner:
            os.chown(self.folder, self.owner.pw_uid, self.owner.pw_gid)
        arguments = ["-D", self.data, "-U", USER, "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"]
        if password:
            secret = os.path.join(self.folder, "password")
            with open(secret, "w", encoding="utf8") as file:
                file.write(password)
            os.chmod(secret, 0o644)
            arguments += [f"--pwfile={secret}", "-A", "scram-sha-256"]
        self.password = password
        try:
            self.tool("initdb", *arguments)
            self.start()
            self.tool("createdb", "-h", self.folder, "-U", USER, DATABASE)
        except BaseException:
            self.close()
            raise

    def drop_rights(self):
        if self.owner:
            os.setgroups([])
            os.setgid(self.owner.pw_gid)
            os.setuid(self.owner.pw_uid)

    def tool(self, name, *arguments):
        env = dict(os.environ, PGPASSWORD=self.password or "")
        done = subprocess.run([os.path.join(BINARIES, name), *arguments], preexec_fn=self.drop_rights, cwd=self.folder, env=env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        assert done.returncode == 0, (name, done.stdout)
        return done.stdout

    def start(self):
        options = ["listen_addresses=", f"unix_socket_directories={self.folder}", "fsync=off", *self.settings]
        words = " ".join(f"-c '{option}'" for option in options)
        self.tool("pg_ctl", "-D", self.data, "-w", "-t", "120", "-l", os.path.join(self.folder, "log"), "-o", words, "start")

    def stop(self, mode="fast"):
        self.tool("pg_ctl", "-D", self.data, "-w", "-t", "120", "-m", mode, "stop")

    def dsn(self, user=USER, password=None, database=DATABASE):
        words = f"host={self.folder} user={user} dbname={database}"
        return words + (f" password='{password}'" if password else "")

    def sql(self, text, database=DATABASE):
        """What psql prints, without headings: rows as lists of text."""
        env = dict(os.environ, PGPASSWORD=self.password or "")
        done = subprocess.run([os.path.join(BINARIES, "psql"), "-h", self.folder, "-U", USER, "-d", database, "-X", "-q", "-A", "-t",
                               "-F", "\x1f", "-R", "\x1e", "-P", "null=NULL", "-v", "ON_ERROR_STOP=1", "-c", text], env=env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 0, (text, done.stderr)
        out = done.stdout.rstrip("\n")
        return [line.split("\x1f") for line in out.split("\x1e")] if out else []

    def close(self):
        try:
            if os.path.exists(os.path.join(self.data, "postmaster.pid")):
                self.stop("immediate")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

"""MQTT over TLS: our session against libmosquitto with its own OpenSSL, on one real broker."""
import contextlib
import subprocess

from harness import Result, Skip, row


@contextlib.contextmanager
def broker(bench):
    """A quiet mosquitto with certificates; yields its port, its folder and its process id."""
    process = subprocess.Popen([bench.program("bench/broker")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline().split()
        if len(line) != 3:
            raise Skip("mosquitto is not installed") if process.wait() == 77 else RuntimeError("no broker")
        yield line
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()


@row("msg/s", ">= 1.3 x", "libmosquitto with its own OpenSSL, 200 bytes, QoS 1, 200 in flight, CPU time")
def mqtt_tls_publish(bench):
    messages = bench.count(40000, 300)
    with broker(bench) as where:
        def cost(name):
            return bench.run(name, *where[:2], messages, 200)["cpu_ns"] / 1e9 / messages
        return bench.rates(lambda: cost("publish"), lambda: cost("limit_publish"))


@row("ms", "<= 0.15 x", "the full handshake of the same session")
def reconnect_resumed_ms(bench):
    with broker(bench) as where:
        done = bench.run("reconnect", *where[:2], bench.count(20, 1))
    return Result(done["resumed_ns"] / 1e6, done["full_ns"] / 1e6, done["resumed_ns"] / done["full_ns"])

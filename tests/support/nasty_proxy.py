"""A TCP proxy on loopback that misbehaves on purpose: cuts, delays, truncates and duplicates. One thread per fleet."""
import asyncio
import threading


class NastyProxy:
    """Modes: 'good', 'cut' (nothing passes), or a fault that strikes each chunk with the given probability:
    'drop' (breaks the connection), 'delay', 'truncate' (half a chunk, then breaks), 'duplicate' (a chunk twice)."""

    def __init__(self, to_port, rng):
        self.to_port = to_port
        self.rng = rng
        self.mode = "good"
        self.probability = 0.0
        self.port = None
        self.struck = 0
        self._writers = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait(10)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    def set_mode(self, mode, probability=0.2):
        self.mode = mode
        self.probability = probability
        if mode == "cut":
            self._loop.call_soon_threadsafe(self._break_all)

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _break_all(self):
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader, writer):
        if self.mode == "cut":
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.to_port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        self._writers -= {writer, far_writer}

    async def _pump(self, reader, writer):
        try:
            while True:
                chunk = await reader.read(16384)
                if not chunk:
                    writer.close()
                    return
                if not await self._forward(chunk, writer):
                    writer.transport.abort()
                    return
        except OSError:
            writer.transport.abort()

    async def _forward(self, chunk, writer):
        strikes = self.mode not in ("good", "cut") and self.rng.random() < self.probability
        if self.mode == "cut":
            return False
        if not strikes:
            writer.write(chunk)
            await writer.drain()
            return True
        self.struck += 1
        if self.mode == "drop":
            return False
        if self.mode == "truncate":
            writer.write(chunk[:len(chunk) // 2])
            return False
        if self.mode == "duplicate":
            writer.write(chunk + chunk)
        else:
            await asyncio.sleep(self.rng.random() * 0.5)
            writer.write(chunk)
        await writer.drain()
        return True

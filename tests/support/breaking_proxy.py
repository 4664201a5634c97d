"""A TCP proxy on loopback that breaks each connection after so many bytes to the client, as a radio link that comes and goes; or, with
`is_up`, after so many from it."""
import asyncio
import threading


class BreakingProxy:
    def __init__(self, to_port, bytes_each, is_up=False):
        self.is_up = is_up
        self.to_port = to_port
        self.bytes_each = bytes_each
        self.broken = 0
        self.passed = 0
        self.port = None
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

    def close(self):
        self._loop.call_soon_threadsafe(self._end)
        self._thread.join(5)

    def _end(self):
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.call_soon(self._loop.stop)

    async def _serve(self, reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.to_port)
        except OSError:
            writer.transport.abort()
            return
        counted, other = ((reader, far_writer), (far_reader, writer)) if self.is_up else ((far_reader, writer), (reader, far_writer))
        pump = asyncio.ensure_future(self._pump(*other))
        await self._count(*counted)
        pump.cancel()
        for end in (writer, far_writer):
            end.transport.abort()

    async def _count(self, reader, writer):
        left = self.bytes_each
        try:
            while left > 0:
                chunk = await reader.read(min(left, 4096))
                if not chunk:
                    return
                left -= len(chunk)
                self.passed += len(chunk)
                writer.write(chunk)
                await writer.drain()
            self.broken += 1
        except OSError:
            pass

    async def _pump(self, reader, writer):
        try:
            while chunk := await reader.read(4096):
                writer.write(chunk)
                await writer.drain()
        except (OSError, asyncio.CancelledError):
            pass

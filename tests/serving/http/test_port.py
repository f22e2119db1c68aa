import asyncio
import socket

from serving.http.port import listen


def test_answers_are_not_held_back_by_nagles_algorithm():
    async def accepted() -> int:
        seen = asyncio.get_running_loop().create_future()

        async def note(_, writer):
            seen.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listener = listen("127.0.0.1", 0)
        async with await asyncio.start_server(note, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            writer.close()
            return await seen

    assert asyncio.run(accepted())

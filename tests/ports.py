"""Ports for what must know its address before it listens, or keeps it over several lives.

They lie below those that the system gives to whoever asks for any: so nobody else gets one of them meanwhile.
"""

import random
import socket
from pathlib import Path

_LOWEST = 10_000
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_ports(n: int) -> list[int]:
    """Held all at once, so that they differ."""
    below = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else 32_768
    held: list[socket.socket] = []
    for port in random.sample(range(_LOWEST, below), k=min(below - _LOWEST, 1_000)):
        if len(held) == n:
            break
        try:
            held.append(socket.create_server(("127.0.0.1", port)))
        except OSError:
            continue
    assert len(held) == n, "so many ports are free"
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports

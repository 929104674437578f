"""Clients that connect to the live feed and never read a byte: deaf.py HOST PORT CLIENTS

In Python, for Node cannot make a socket's buffers small, and with large ones nobody would notice for an hour. Says
"connected" when all have sent their request; ends with its standard input.
"""

import socket
import sys

BUFFER = 2048
SEGMENT = 536

host, port, number = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
request = (
    f"GET /api/v1/live HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)
deaf = []
for _ in range(number):
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
    client.connect((host, port))
    client.sendall(request.encode())
    deaf.append(client)
print("connected", flush=True)
sys.stdin.read()

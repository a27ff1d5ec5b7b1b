"""One connection to any server: its address, name, TCP, TLS and HTTP, with limits."""

"""Scenarios that walk a throw-away full stack as real people over HTTP and WebSocket: `make smoke`."""

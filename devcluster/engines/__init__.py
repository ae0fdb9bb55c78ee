"""Programs that run in the development cluster's pods; servers answer real HTTP as ASGI apps."""

from devcluster.engines.command import Program, program_of
from devcluster.engines.http import ConnectionCut
from devcluster.engines.process import Engine, Process, Server, start_process

__all__ = ["ConnectionCut", "Engine", "Process", "Program", "Server", "program_of", "start_process"]

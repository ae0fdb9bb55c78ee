"""Long work: rows, claims, steps and lines; docs/operations.md.

Higher apps use `registry.runner`, `run.Run`, `run.Seen`, `control.OperationFailed`, `services.start`,
`services.Busy` and `periodic.periodic`.
"""

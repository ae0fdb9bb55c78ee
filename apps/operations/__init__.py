"""Long work. Higher apps use: `registry.runner`, `run.Run`, `run.Seen`, `control.OperationFailed`, `services.start`,
`services.Busy`, `periodic.periodic`; see docs/operations.md.
"""

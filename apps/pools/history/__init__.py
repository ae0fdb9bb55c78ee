"""Who had which pod when: table, timeline, costs, export, and taking changes back."""

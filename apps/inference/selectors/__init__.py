"""What pages and the API show of deployments, pods and services: the mirror joined with the records."""

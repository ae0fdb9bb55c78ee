"""The portal's only way out: Kubernetes, AWS, MLflow and scripts. Plain Python, no Django."""

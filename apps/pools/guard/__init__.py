"""The guard of lent pods: an admission policy and disruption budgets, where the cluster has them."""

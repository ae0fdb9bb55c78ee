"""What the portal does with a pool by itself: hands over during rollouts, keeps shares (docs/pools.md)."""

"""Sharing a pool's pods out by ratio: plan, preview, one operation that is done whole or not at all."""
